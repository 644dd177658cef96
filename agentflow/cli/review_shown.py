"""What `agentflow review` prints: a line a job that waits, and all that a person needs to answer one."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, cast

from rich.console import Console

from agentflow.cli.results import printable
from agentflow.jobs.tables import Job

LONGEST_TEXT = 80
"""Characters of a question in the list, of a value and of its quote beside a problem."""
EVIDENCE = "evidence"

Question = Mapping[str, Any]


def show_list(console: Console, jobs: Sequence[Job], pack: str) -> None:
    """A line a job: its id, its input, the step that asks and why."""
    console.print(f"{len(jobs)} jobs wait for a person")
    names = _names(jobs)
    widest = max((len(name) for name in names), default=0)
    for job, name in zip(jobs, names, strict=True):
        console.print(f"{job.id}  {printable(name.ljust(widest))}  {printable(_why(job))}", soft_wrap=True)
    if jobs:
        mend = f"agentflow review {pack} JOB shows what is asked and how to answer; JOB by id or by file name"
        console.print(mend, soft_wrap=True, markup=False)


def _names(jobs: Sequence[Job]) -> list[str]:
    """The file names of the inputs; with their folders where two are alike."""
    short = [PurePath(job.input_name).name for job in jobs]
    times = Counter(short)
    return [name if times[name] == 1 else job.input_name for name, job in zip(short, jobs, strict=True)]


def _why(job: Job) -> str:
    asked = list(job.questions.values())
    codes = dict.fromkeys(p["code"] for p in job.problems if p["severity"] == "error")
    plain = [_plain(question) for question in asked if question["kind"] != "doubt"]
    return f"{', '.join(q['step'] for q in asked)}: {', '.join([*codes, *plain])}"


def _plain(question: Question) -> str:
    """What a step asks for itself: its record, and the first text in that."""
    fields = cast("dict[str, Any]", question["value"] or {}).values()
    text = next((one for one in fields if isinstance(one, str) and one.strip()), "")
    brief = _brief(text)
    return f"{question['type']}: {brief}" if brief else question["type"]


def show_job(console: Console, job: Job, pack: str, *, document: bool) -> None:
    """What came in, why a person is asked, what is proposed, and how to answer."""
    told = [f"{job.input_name}: {job.status}   {job.id}"]
    told += [] if document else ["what came in:", _json(job.input)]
    values = {key: cast("dict[str, Any]", asked["value"] or {}) for key, asked in job.questions.items()}
    for problem in job.problems:
        told += _problem(problem, list(values.values()))
    for key, asked in job.questions.items():
        told += [f"question {key}: step {asked['step']} wants {' or '.join(asked['answers'])}"]
        told += [_json({name: value for name, value in values[key].items() if name != EVIDENCE}) if values[key] else ""]
    for line in [*told, *_ways(job, pack)]:
        if line:
            console.print("\n".join(printable(part) for part in line.split("\n")), soft_wrap=True)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _problem(problem: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    path: str = problem["path"]
    yield f"- [{problem['code']}]{f' {path}:' if path else ''} {problem['message']}"
    for value in values if path else ():
        found, told = at(value, path), cast("dict[str, dict[str, Any]]", value.get(EVIDENCE) or {}).get(path) or {}
        page = f"page {told['page']}" if told.get("page") else ""
        quote = f'"{_brief(told["quote"])}"' if told.get("quote") else ""
        where = ", ".join(part for part in (page, quote) if part)
        if isinstance(found, str | int | float):
            yield f"    {_brief(str(found))}{f'   ({where})' if where else ''}"


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path of JSON; None where nothing does."""
    for part in path.split("."):
        inside: Any = dict(enumerate(cast("list[Any]", value))) if isinstance(value, list) else value
        if not isinstance(inside, dict):
            return None
        named = cast("dict[str | int, Any]", inside)
        value = named.get(int(part) if isinstance(value, list) and part.isdigit() else part)
    return value


def _ways(job: Job, pack: str) -> Iterator[str]:
    """The commands that answer."""
    if job.status != "awaiting_review":
        return
    command = f"agentflow review {pack} {job.id}"
    if any(asked["value"] for asked in job.questions.values()):
        yield f"take it as it is:  {command} --accept"
        yield f"correct it:        {command} --save answer.json, edit that file, {command} --answer answer.json"
    else:
        yield f"answer it:         {command} --answer answer.json"


def _brief(text: str) -> str:
    return textwrap.shorten(text, LONGEST_TEXT, placeholder=" ...")

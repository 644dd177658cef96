"""Results: the line an input leaves in results.jsonl, and the summary of a run."""

import json
import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentflow.flow.pack import MINOR_DIGITS
from agentflow.jobs.runner import cost_of
from agentflow.jobs.tables import Job

Line = Mapping[str, Any]

SUMMARISED = ("job", "status", "outcome", "problems", "price", "currency", "cost", "seconds")
"""What the summary needs of a line."""
NO_MODEL = "no_model"
"""What a step says of which no source has a model."""
STATUS = {"finished": "delivered", "awaiting_review": "in_review", "failed": "failed"}


def line_of(name: str, job: Job) -> Line:
    """What results.jsonl says of a job."""
    return {
        "input": name,
        "job": job.id,
        "status": STATUS.get(job.status, job.status),
        "outcome": job.outcome,
        "output": job.output,
        "evidence": job.evidence or {},
        "problems": job.problems,
        "price": _money(job.price_minor, job.currency) if job.status == "finished" else None,
        "currency": job.currency if job.status == "finished" else None,
        "cost": str(cost_of(job)),
        "seconds": round(job.seconds, 3),
        "sources": job.sources,
    }


def refused(name: str, message: str) -> Line:
    """What results.jsonl says of an input that never became a job."""
    problem = {"code": "unreadable_input", "message": message, "path": "", "severity": "error", "reference": None}
    line: dict[str, Any] = {"input": name, "job": None, "status": "failed", "outcome": None, "output": None}
    line |= {"evidence": {}, "problems": [problem], "price": None, "currency": None, "cost": "0", "seconds": 0.0}
    return line | {"sources": []}


class Results:
    """results.jsonl: a line an input as it finishes; what an earlier run has written stays where it is still true."""

    def __init__(self, path: Path, true_still: Mapping[str, str]) -> None:
        """`true_still` is the status by job id; what failed is tried again and gets its line anew."""
        told = [line for line in _read(path) if line["job"] and line["status"] != STATUS["failed"]]
        kept = [line for line in told if true_still.get(line["job"]) == line["status"]]
        self._written = {line["job"] for line in kept}
        part = path.with_suffix(".part")
        part.write_text("".join(_text(line) for line in kept), encoding="utf-8")
        part.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def add(self, line: Line) -> None:
        """Writes a line, once a job."""
        if line["job"] in self._written:
            return
        self._written.add(line["job"] or line["input"])
        self._file.write(_text(line))
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _read(path: Path) -> list[Line]:
    lines: list[Line] = []
    for text in path.read_bytes().split(b"\n") if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue  # a line that a kill cut off: its job is asked again
    return lines


def _text(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def summarise(pack: str, lines: Sequence[Line], elapsed: float, asked: Collection[str] = frozenset()) -> dict[str, Any]:
    """The run in numbers: shares are of all inputs, money is by currency, models cost USD.

    `asked` are the ids of the jobs of which a person was asked: delivered, but not without one.
    """
    alone = sum(line["status"] == "delivered" and line["job"] not in asked for line in lines)
    status = Counter(line["status"] for line in lines)
    prices: dict[str, Decimal] = {}
    for line in lines:
        if line["price"] is not None:
            prices[line["currency"]] = prices.get(line["currency"], Decimal(0)) + Decimal(line["price"])
    cost = sum((Decimal(line["cost"]) for line in lines), Decimal(0))
    seconds = sorted(line["seconds"] for line in lines)
    return {
        "pack": pack,
        "inputs": len(lines),
        "delivered": status["delivered"],
        "outcomes": dict(Counter(line["outcome"] for line in lines if line["outcome"])),
        "in_review": status["in_review"],
        "review_reasons": _reasons(lines, "in_review"),
        "failed": status["failed"],
        "failure_reasons": _reasons(lines, "failed"),
        "share_without_person": round(alone / len(lines), 4) if lines else None,
        "price": {currency: str(amount) for currency, amount in prices.items()},
        "cost_usd": str(cost),
        "margin_usd": str(prices.get("USD", Decimal(0)) - cost) if set(prices) <= {"USD"} else None,
        "seconds_p50": round(statistics.median(seconds), 3) if seconds else None,
        "seconds_p95": round(seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))], 3) if seconds else None,
        "elapsed_seconds": round(elapsed, 1),
    }


def _reasons(lines: Sequence[Line], status: str) -> dict[str, int]:
    """By reason code, how many inputs have it."""
    counts: Counter[str] = Counter()
    for line in lines:
        if line["status"] == status:
            counts.update({problem["code"] for problem in line["problems"] if problem["severity"] == "error"})
    return dict(counts.most_common())


def told_first(lines: Sequence[Line]) -> str | None:
    """The job that one asks about first: one that failed, else one that waits for a person, else any."""
    ranks = list(reversed(STATUS.values()))
    asked = sorted((line for line in lines if line["job"]), key=lambda line: ranks.index(line["status"]))
    return asked[0]["job"] if asked else None


def show(summary: Mapping[str, Any], out: Path, console: Console, pack: str, job: str | None = None) -> None:
    """Prints the summary as a table, how to see what waits for a person, and what was tried for `job`."""
    table = Table(title=f"{summary['pack']}: {summary['inputs']} inputs", show_header=False, title_justify="left")
    for name, value in _rows(summary):
        table.add_row(name, value)
    console.print(table)
    console.print(f"results: {out / 'results.jsonl'}   summary: {out / 'summary.json'}", soft_wrap=True)
    place = "" if out == Path("out") / summary["pack"] else f" --out {out}"
    if summary["in_review"]:
        said = f"what waits for a person: agentflow review {pack}{place}"
        console.print(printable(said), soft_wrap=True)
    if NO_MODEL in summary["review_reasons"]:
        mend = "name one in models.toml beside pack.py; jobs that wait stay as they are: run anew with --out DIR"
        console.print(
            f"{summary['review_reasons'][NO_MODEL]} wait only because no model is named: {mend}", soft_wrap=True
        )
    if job:
        place = "" if out.parent == Path("out") else f" --out {out}"
        console.print(printable(f"how a job came to its end: agentflow trace {job}{place}"), soft_wrap=True)


def _rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("delivered", str(summary["delivered"]))]
    rows += [(f"  {outcome}", str(count)) for outcome, count in summary["outcomes"].items()]
    rows += [("in review", str(summary["in_review"]))]
    rows += [(f"  {reason}", str(count)) for reason, count in summary["review_reasons"].items()]
    rows += [("failed", str(summary["failed"]))]
    rows += [(f"  {reason}", str(count)) for reason, count in summary["failure_reasons"].items()]
    share = summary["share_without_person"]
    rows += [("without a person", "-" if share is None else f"{share:.0%}")]
    rows += [("price", ", ".join(f"{amount} {currency}" for currency, amount in summary["price"].items()) or "0")]
    rows += [("cost of models", f"{summary['cost_usd']} USD")]
    rows += [("margin", f"{summary['margin_usd']} USD")] if summary["margin_usd"] is not None else []
    return [*rows, ("seconds p50 / p95", f"{summary['seconds_p50']} / {summary['seconds_p95']}")]


def printable(text: str) -> str:
    """Text of unknown origin without what a terminal or rich would take for a command."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))


def _money(minor: int, currency: str) -> str:
    digits = MINOR_DIGITS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"

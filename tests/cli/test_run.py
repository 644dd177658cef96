"""`agentflow run` writes a line an input, goes on where it stopped and says clearly what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from tests.cli.packs import write_pack


def agentflow(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def test_every_input_leaves_one_line_with_all_its_fields(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c", "", "HELLO")
    result = agentflow("run", pack, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = {line["outcome"]: line for line in lines(tmp_path / "out")}
    assert set(found["Filed"]) == {
        "input", "job", "status", "outcome", "output", "evidence", "problems", "price", "currency", "cost",
        "seconds", "sources",
    }  # fmt: skip
    assert (found["Filed"]["status"], found["Filed"]["price"]) == ("delivered", "0.40")
    assert found["Filed"]["output"] == {"words": 3}
    assert (found["Empty"]["status"], found["Empty"]["problems"][0]["code"]) == ("delivered", "empty")
    assert (found[None]["status"], found[None]["price"], found[None]["output"]) == ("in_review", None, {"words": 1})
    assert found[None]["problems"][0]["code"] == "shouting"


def test_a_record_keeps_its_job_wherever_in_the_file_it_stands(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c")
    agentflow("run", pack, "--out", tmp_path / "out")
    file = pack / "samples" / "letters.jsonl"
    file.write_text('{"text": "new"}\n' + file.read_text())
    summary = json.loads(agentflow("run", pack, "--out", tmp_path / "out", "--json").stdout)
    assert summary["price"] == {"USD": "0.80"}
    assert len(lines(tmp_path / "out")) == 2


def test_a_cut_inside_a_character_does_not_stop_the_next_run(tmp_path: Path):
    pack = write_pack(tmp_path, "a")
    agentflow("run", pack, "--out", tmp_path / "out")
    with (tmp_path / "out" / "results.jsonl").open("ab") as file:
        file.write(b'{"input": "x\xc3')
    assert agentflow("run", pack, "--out", tmp_path / "out").exit_code == 0
    assert len(lines(tmp_path / "out")) == 1


def test_the_summary_counts_and_adds_up(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c", "", "HELLO", "crash")
    result = agentflow("run", pack, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["delivered"], summary["in_review"], summary["failed"]) == (2, 1, 1)
    assert summary["review_reasons"] == {"shouting": 1}
    assert summary["share_without_person"] == 0.5
    assert summary["price"] == {"USD": "0.45"}
    assert summary["margin_usd"] == "0.45"


def test_the_same_command_again_does_nothing_twice_and_tries_what_failed(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c", "crash")
    agentflow("run", pack, "--out", tmp_path / "out")
    before = lines(tmp_path / "out")
    agentflow("run", pack, "--out", tmp_path / "out")
    after = lines(tmp_path / "out")
    assert sorted(line["job"] for line in after) == sorted(line["job"] for line in before)
    done = [line for line in before if line["status"] == "delivered"]
    assert [line for line in after if line["status"] == "delivered"] == done


def test_what_a_person_answered_is_delivered_but_not_without_a_person(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c", "HELLO")
    agentflow("run", pack, "--out", tmp_path / "out")
    [asked] = [line for line in lines(tmp_path / "out") if line["status"] == "in_review"]
    agentflow("review", pack, asked["job"], "--accept", "--out", tmp_path / "out")
    agentflow("run", pack, "--out", tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["delivered"], summary["share_without_person"]) == (2, 0.5)


def test_a_run_says_what_was_done_before_and_where_to_see_what_waits(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c", "HELLO")
    first = agentflow("run", pack, "--out", tmp_path / "out").output
    again = agentflow("run", pack, "--out", tmp_path / "out").output
    assert "done before" not in first
    assert "2 of 2 inputs were done before, and stay as they are" in again
    assert f"what waits for a person: agentflow review {pack} --out {tmp_path / 'out'}" in again


def test_a_failed_input_that_is_mended_has_one_line_that_says_so(tmp_path: Path):
    pack = write_pack(tmp_path, "a b c")
    good = (pack / "pack.py").read_text()
    (pack / "pack.py").write_text(good.replace('letter.text == "crash"', "True"))
    command = [sys.executable, "-m", "agentflow.cli", "run", str(pack), "--out", str(tmp_path / "out")]
    assert subprocess.run(command, env=_environment(), capture_output=True, check=False).returncode == 1
    (pack / "pack.py").write_text(good)
    assert subprocess.run(command, env=_environment(), capture_output=True, check=False).returncode == 0
    assert [line["status"] for line in lines(tmp_path / "out")] == ["delivered"]


def test_a_line_that_a_kill_cut_off_is_written_again(tmp_path: Path):
    pack = write_pack(tmp_path, "a", "b")
    agentflow("run", pack, "--out", tmp_path / "out")
    file = tmp_path / "out" / "results.jsonl"
    file.write_text(file.read_text()[:-40])
    agentflow("run", pack, "--out", tmp_path / "out")
    assert [line["status"] for line in lines(tmp_path / "out")] == ["delivered", "delivered"]


def test_a_limit_takes_only_the_first(tmp_path: Path):
    pack = write_pack(tmp_path, "a", "b", "c")
    agentflow("run", pack, "--out", tmp_path / "out", "--limit", 2)
    assert len(lines(tmp_path / "out")) == 2


def test_a_record_of_the_wrong_form_fails_alone(tmp_path: Path):
    pack = write_pack(tmp_path, "a")
    with (pack / "samples" / "letters.jsonl").open("a") as file:
        file.write('{"txt": 1}\n')
    result = agentflow("run", pack, "--out", tmp_path / "out")
    assert result.exit_code == 1
    [failed] = [line for line in lines(tmp_path / "out") if line["status"] == "failed"]
    assert "is no Letter: text: Field required" in failed["problems"][0]["message"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nowhere"], "nowhere is no pack: it holds no pack.py"),
        (["run", "PACK", "missing.json"], "missing.json: there is no such file"),
        (["run", "PACK", "--connect", "vendors"], "write NAME=URL"),
        (["run", "PACK", "--connect", "vendors=x.csv"], "has no connector vendors"),
        (["run", "PACK", "--budget", "much"], "is no amount of money"),
        (["run", "PACK", "--models", "missing.toml"], "cannot be read as TOML"),
        (["run", "PACK", "--db", "nosql://x"], "nosql"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_exits_2(tmp_path: Path, arguments: list[str], says: str):
    pack = write_pack(tmp_path, "a")
    full = [sys.executable, "-m", "agentflow.cli", *(str(pack) if a == "PACK" else a for a in arguments)]
    done = subprocess.run(full, cwd=tmp_path, capture_output=True, text=True, check=False, env=_environment())
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_do_not_share_a_folder(tmp_path: Path):
    from filelock import FileLock

    pack = write_pack(tmp_path, "a")
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / "run.lock"):
        result = agentflow("run", pack, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "another run is using" in result.output


def test_an_interrupted_run_says_that_nothing_is_lost(tmp_path: Path):
    pack = write_pack(tmp_path, *(f"letter {n}" for n in range(1500)))
    # A shell's background jobs, and what they start, ignore an interrupt unless they say otherwise.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    started = f"{heard}; from agentflow.cli import main; main()"
    command = [sys.executable, "-c", started, "run", str(pack), "--out", str(tmp_path / "out")]
    results = tmp_path / "out" / "results.jsonl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
        while process.poll() is None and (not results.exists() or results.read_text().count("\n") < 5):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[0]
    assert process.returncode == 130
    assert "the same command goes on from here" in said
    assert 5 <= len(lines(tmp_path / "out")) < 1500


def test_a_waiting_job_is_listed_shown_and_answered(tmp_path: Path):
    pack = write_pack(tmp_path, "HELLO YOU")
    agentflow("run", pack, "--out", tmp_path / "out")
    [line] = lines(tmp_path / "out")
    listed = agentflow("review", pack, "--out", tmp_path / "out")
    assert "1 jobs wait for a person" in listed.output
    shown = agentflow("review", pack, line["job"], "--out", tmp_path / "out")
    assert "[shouting] words: It shouts." in shown.output
    answered = agentflow("review", pack, line["job"], "--accept", "--out", tmp_path / "out")
    assert "Filed" in answered.output
    agentflow("run", pack, "--out", tmp_path / "out")
    assert [line["status"] for line in lines(tmp_path / "out")] == ["delivered"]


def test_a_person_who_is_asked_sees_what_came_in_what_is_doubted_and_the_commands_that_answer(tmp_path: Path):
    pack = write_pack(tmp_path, "HELLO YOU")
    agentflow("run", pack, "--out", tmp_path / "out")
    [line] = lines(tmp_path / "out")
    name = line["input"].rpartition("/")[2]
    assert f"{line['job']}  {name}  count: shouting" in agentflow("review", pack, "--out", tmp_path / "out").output
    shown = agentflow("review", pack, name, "--out", tmp_path / "out").output
    assert '"text": "HELLO YOU"' in shown
    assert "[shouting] words: It shouts.\n    2\n" in shown
    assert f"agentflow review {pack} --out {tmp_path / 'out'} {line['job']} --accept" in shown


def test_a_proposal_is_saved_corrected_and_answered_with(tmp_path: Path):
    pack = write_pack(tmp_path, "HELLO YOU")
    agentflow("run", pack, "--out", tmp_path / "out")
    given = ("review", pack, lines(tmp_path / "out")[0]["job"], "--out", tmp_path / "out")
    file = tmp_path / "answer.json"
    assert agentflow(*given, "--save", file).exit_code == 0
    assert json.loads(file.read_text()) == {"words": 2}
    file.write_text('{"words": 7}')
    agentflow(*given, "--answer", file)
    agentflow("run", pack, "--out", tmp_path / "out")
    assert lines(tmp_path / "out")[0]["output"] == {"words": 7}


def test_an_answer_keeps_the_evidence_of_what_it_leaves_as_proposed_and_no_other():
    from agentflow.cli.review import _with_evidence

    proposed = {"total": "1", "lines": [{"net": "2"}], "evidence": {"total": {"page": 1}, "lines.0.net": {"page": 2}}}
    kept = _with_evidence({"total": "9", "lines": [{"net": "2"}]}, {"value": proposed})
    assert kept["evidence"] == {"lines.0.net": {"page": 2}}


def test_check_finds_no_fault_in_a_good_pack_and_says_what_it_lacks(tmp_path: Path):
    pack = write_pack(tmp_path, "a")
    good = agentflow("check", pack)
    assert good.exit_code == 0
    assert "2 steps, 2 outcomes, 0 connectors, 0 faults" in good.output


def test_check_names_a_connector_that_the_pack_lacks(tmp_path: Path):
    pack = write_pack(tmp_path, "a")
    text = (pack / "pack.py").read_text()
    (pack / "pack.py").write_text(text.replace("*, key: EffectKey)", "*, key: EffectKey, books: dict)"))
    found = agentflow("check", pack)
    assert found.exit_code == 1
    assert "fault: file asks for books: dict, which is no connector of the pack" in found.output


def test_draw_labels_edges_by_record_and_outcomes_by_price(tmp_path: Path):
    pack = write_pack(tmp_path, "a")
    text = agentflow("draw", pack).output
    assert text.startswith("graph TD\n")
    assert '-- "Counted" -->' in text
    assert "Filed<br/>0.40 USD" in text
    assert agentflow("draw", pack, "--svg", tmp_path / "flow.svg").exit_code == 0
    assert "<svg" in (tmp_path / "flow.svg").read_text()


def test_db_upgrade_and_check_agree(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    assert "the database is at 00" in agentflow("db", "upgrade", url).output
    assert agentflow("db", "check", url).exit_code == 0


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--accept"], "name the JOB that is answered"),
        (["JOB", "--answer", "text.json"], "is no JSON in UTF-8"),
        (["JOB", "--answer", "list.json"], "must hold one JSON object"),
        (["JOB", "--accept", "--answer", "list.json"], "give one of the two"),
        (["JOB", "--answer", "wrong.json"], "no valid Counted: words: Field required"),
        (["nobody", "--accept"], "job nobody is not in this database"),
        (["JOB", "--out", "elsewhere"], "there is no run in elsewhere"),
    ],
)
def test_a_wrong_answer_says_what_is_wrong_and_loses_nothing(tmp_path: Path, arguments: list[str], says: str):
    pack = write_pack(tmp_path, "HELLO YOU")
    agentflow("run", pack, "--out", tmp_path / "out")
    [line] = lines(tmp_path / "out")
    for name, text in {"text": "not json", "list": "[]", "wrong": "{}"}.items():
        (tmp_path / f"{name}.json").write_text(text)
    given = [line["job"] if a == "JOB" else a for a in arguments]
    command = [sys.executable, "-m", "agentflow.cli", "review", str(pack), "--out", "out", *given]
    done = subprocess.run(command, cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Filed" in agentflow("review", pack, line["job"], "--accept", "--out", tmp_path / "out").output


def test_an_error_of_the_packs_own_names_its_step(tmp_path: Path):
    pack = write_pack(tmp_path, "crash")
    agentflow("run", pack, "--out", tmp_path / "out")
    [line] = lines(tmp_path / "out")
    assert line["problems"][0]["message"] == "OSError: the disk is full (in step count)"


def test_a_pack_that_is_no_python_names_the_line(tmp_path: Path):
    pack = write_pack(tmp_path, "a")
    (pack / "pack.py").write_text("x = = 1\n")
    result = agentflow("check", pack)
    assert "pack.py, line 1: invalid syntax" in str(result.exception)

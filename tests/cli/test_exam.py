"""`agentflow exam` measures a pack's candidates, goes on where it stopped, and says by its exit code what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from agentflow.exams.cases import dump_cases
from tests.exams.packs import case_of

FAULTY = """
seed = {seed}
[models.small]
error = {small}
split = [0, 0.5, 0.5]
price = {{ input = "1", output = "2" }}
[models.large]
error = 0.02
price = {{ input = "10", output = "20" }}
"""


def exam(*arguments: object) -> Result:
    return CliRunner().invoke(group, ["exam", *(str(a) for a in arguments)])


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / f"p_{tmp_path.name.replace('-', '_')}"
    (folder / "exam").mkdir(parents=True)
    (folder / "pack.py").write_text("from tests.exams.packs import letters\n")
    (folder / "exam" / "cases.jsonl").write_text(dump_cases([case_of(number) for number in range(24)]))
    return folder


def faults(tmp_path: Path, small: float = 0.2, seed: int = 1) -> Path:
    file = tmp_path / f"faulty-{small}-{seed}.toml"
    file.write_text(FAULTY.format(small=small, seed=seed))
    return file


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


def test_each_candidate_has_its_figures_with_their_intervals(pack: Path, tmp_path: Path):
    done = exam(pack, "--faults", faults(tmp_path), "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    found = report(tmp_path / "out")["candidates"]
    assert list(found) == ["pack", "small", "large"]
    small = found["small"]["end_to_end"]
    assert small["cases"] == 24
    assert small["right"]["low"] < small["right"]["value"] < small["right"]["high"]
    assert len(small["passes"]) == 3
    assert set(found["small"]["steps"]) == {"sort", "answer"}
    assert set(found["small"]["tags"]["language"]) == {"de", "en"}
    assert found["small"]["fields"]["Reply.code"]["seen"] == 72
    source = report(tmp_path / "out")["sources"]["sort"]["errs"]["small"]["slip"]
    assert source["low"] < source["value"] < source["high"]


def test_one_step_alone_is_judged_by_what_the_gold_says_of_it(pack: Path, tmp_path: Path):
    arguments = (pack, "--models", "small", "--faults", faults(tmp_path, 0.3), "--out", tmp_path / "out")
    done = exam(*arguments, "--step", "answer")
    assert done.exit_code == 0, done.output
    small = report(tmp_path / "out")["candidates"]["small"]
    assert list(small["steps"]) == ["answer"]
    assert small["end_to_end"]["right"] == small["steps"]["answer"]["right"]
    assert 0.4 < small["end_to_end"]["right"]["value"] < 0.95
    assert "the step answer alone" in (tmp_path / "out" / "verdict.html").read_text()


def test_a_step_that_no_case_tells_of_is_told(pack: Path, tmp_path: Path):
    arguments = (pack, "--models", "small", "--faults", faults(tmp_path), "--out", tmp_path / "out")
    assert "no case tells what is right for step send" in str(exam(*arguments, "--step", "send").exception)


CONNECTED = """
from contextlib import asynccontextmanager

from agentflow import Pack, Price, Record, workflow


class Ask(Record):
    number: int


class Told(Record):
    url: str


class Ledger:
    name = "ledger"

    def __init__(self, url):
        self.url = url

    @classmethod
    @asynccontextmanager
    async def open(cls, url, home):
        yield cls(url)


async def tell(ask: Ask, *, ledger: Ledger) -> Told:
    return Told(url=str(ledger.url))


told = Pack(
    name="told",
    workflow=workflow("told", takes=Ask, gives=Told).step(tell).build(),
    connectors=[Ledger],
    prices={Told: Price("1.00")},
)
"""


def test_an_exam_is_not_connected_to_what_production_is_connected_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "p_connected"
    (folder / "exam").mkdir(parents=True)
    (folder / "pack.py").write_text(CONNECTED)
    (folder / "connect.toml").write_text('ledger = "sqlite:///production.db"')
    monkeypatch.setenv("AGENTFLOW_CONNECT_LEDGER", "postgresql://production/ledger")
    (folder / "exam" / "cases.jsonl").write_text(
        '{"id": "1", "input": {"number": 1}, "gold": {"Told": {"url": "None"}}}'
    )
    assert exam(folder, "--trials", "1", "--out", tmp_path / "out").exit_code == 0
    assert report(tmp_path / "out")["candidates"]["pack"]["end_to_end"]["right"]["value"] == 1.0


def test_the_same_command_again_pays_for_nothing(pack: Path, tmp_path: Path):
    arguments = (pack, "--faults", faults(tmp_path), "--out", tmp_path / "out")
    exam(*arguments)
    before = (tmp_path / "out" / "attempts.jsonl").read_text()
    exam(*arguments)
    assert (tmp_path / "out" / "attempts.jsonl").read_text() == before


def test_a_missed_bar_is_told_and_ends_with_1(pack: Path, tmp_path: Path):
    (pack / "exam" / "exam.toml").write_text("[bars]\nsilent = 0.01\n")
    done = exam(pack, "--models", "small", "--faults", faults(tmp_path), "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "missed: small: silent is" in done.output


def test_a_bar_that_is_reached_ends_with_0(pack: Path, tmp_path: Path):
    (pack / "exam" / "exam.toml").write_text("[bars]\nright = 0.5\n")
    done = exam(pack, "--models", "small", "--faults", faults(tmp_path), "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output


def test_a_regression_is_told_with_the_cases_that_broke_and_ends_with_1(pack: Path, tmp_path: Path):
    exam(pack, "--models", "small", "--faults", faults(tmp_path, 0.02), "--out", tmp_path / "before")
    now = (pack, "--models", "small", "--faults", faults(tmp_path, 0.6), "--out", tmp_path / "now")
    done = exam(*now, "--against", tmp_path / "before")
    assert done.exit_code == 1
    assert "small has become worse" in done.output
    assert "broke: " in done.output
    assert report(tmp_path / "now")["comparisons"][0]["regression"]


def test_an_exam_held_against_itself_ends_with_0(pack: Path, tmp_path: Path):
    for out in ("before", "now"):
        arguments = (pack, "--models", "small", "--faults", faults(tmp_path), "--out", tmp_path / out)
        done = exam(*arguments, *(["--against", tmp_path / "before"] if out == "now" else []))
    assert done.exit_code == 0, done.output


def test_another_candidate_can_be_compared_with(pack: Path, tmp_path: Path):
    out = tmp_path / "before"
    exam(pack, "--faults", faults(tmp_path), "--out", out)
    arguments = (pack, "--models", "large", "--faults", faults(tmp_path), "--out", tmp_path / "now")
    exam(*arguments, "--against", f"{out}:small")
    assert report(tmp_path / "now")["comparisons"][0]["against"] == "small"


def test_candidates_of_one_exam_can_be_compared_with_each_other(pack: Path, tmp_path: Path):
    out = tmp_path / "out"
    exam(pack, "--faults", faults(tmp_path, 0.6), "--out", out, "--against", f"{out}:large")
    found = {each["name"]: each for each in report(out)["comparisons"]}
    assert set(found) == {"pack", "small"}
    assert found["small"]["regression"]


def test_money_that_ends_first_is_told_and_ends_with_1(pack: Path, tmp_path: Path):
    arguments = (pack, "--models", "small", "--faults", faults(tmp_path), "--out", tmp_path / "out")
    done = exam(*arguments, "--max-cost", "0.009")
    assert done.exit_code == 1
    assert "higher --max-cost" in done.output
    assert not report(tmp_path / "out")["complete"]
    assert exam(*arguments, "--max-cost", "1").exit_code == 0


def test_models_that_do_not_answer_are_told_and_end_with_1(pack: Path, tmp_path: Path):
    file = tmp_path / "down.toml"
    file.write_text(
        FAULTY.format(small=0.0, seed=1) + "[[models.large.episodes]]\nrequests = [0, 9999]\nstatus = 401\n"
    )
    done = exam(pack, "--models", "small,large", "--trials", "1", "--faults", file, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "24 runs met no model that answers" in done.output
    assert list(report(tmp_path / "out")["candidates"]) == ["small"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--models", "huge"], "huge is no candidate of letters; take pack, small, large"),
        (["--step", "code"], "letters has no step code"),
        (["--against", "nowhere"], "name the folder of another exam"),
    ],
)
def test_a_wrong_option_is_told(pack: Path, tmp_path: Path, arguments: list[str], says: str):
    done = exam(pack, "--faults", faults(tmp_path), "--out", tmp_path / "out", *arguments)
    assert done.exit_code != 0
    assert says in str(done.exception)


def test_a_pack_without_cases_is_told(pack: Path, tmp_path: Path):
    (pack / "exam" / "cases.jsonl").unlink()
    assert "has no exam" in str(exam(pack, "--out", tmp_path / "out").exception)


def test_one_name_for_two_candidates_is_told_before_anything_is_paid_for(pack: Path, tmp_path: Path):
    given = (pack, "--faults", faults(tmp_path), "--out", tmp_path / "out")
    assert "2 candidates are called small" in str(exam(*given, "--models", "small,small").exception)
    assert not (tmp_path / "out" / "attempts.jsonl").exists()


def test_tables_of_one_name_are_no_two_candidates(pack: Path, tmp_path: Path):
    tables = [tmp_path / name / "cheaper.toml" for name in ("a", "b")]
    for table in tables:
        table.parent.mkdir()
        table.write_text('[small]\nmodel = "openai/small"\n')
    done = exam(pack, "--models", ",".join(map(str, tables)), "--out", tmp_path / "out")
    assert "2 candidates are called cheaper" in str(done.exception)


def test_no_money_at_all_is_told_as_that(pack: Path, tmp_path: Path):
    done = exam(pack, "--faults", faults(tmp_path), "--max-cost", "0", "--out", tmp_path / "out")
    assert "the money has ended before any run had" in str(done.exception)


def test_a_split_without_cases_is_told(pack: Path, tmp_path: Path):
    (pack / "exam" / "cases.jsonl").write_text(dump_cases([case_of(n, split="tune") for n in range(3)]))
    done = exam(pack, "--faults", faults(tmp_path), "--split", "hold", "--out", tmp_path / "out")
    assert "no case is in these splits" in str(done.exception)


def test_bytes_that_are_no_text_are_no_exam(pack: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "attempts.jsonl").write_bytes(b"\xff\xfe\n")
    done = exam(pack, "--faults", faults(tmp_path), "--out", tmp_path / "out")
    assert "line 1 is no line of an exam" in str(done.exception)


OTHER = """
from agentflow import Model, Pack, Policy, Price, Record, workflow

class Letter(Record):
    number: int
    text: str

class Reply(Record):
    other: str

async def speak(letter: Letter, *, model: Model) -> Reply:
    return await model.ask(Reply, "Speak.", f"[case:{letter.number}]")

other = Pack(
    name="other",
    workflow=workflow("other", takes=Letter, gives=Reply).step(speak, policy=Policy(ladder=("small", "large"))).build(),
    prices={Reply: Price("1")},
)
"""


def test_an_exam_of_records_that_the_pack_does_not_have_is_not_compared_with(pack: Path, tmp_path: Path):
    other = tmp_path / f"p_other_{tmp_path.name.replace('-', '_')}"
    (other / "exam").mkdir(parents=True)
    (other / "pack.py").write_text(OTHER)
    cases = [case_of(number, gold={"Reply": {"other": "x"}}) for number in range(3)]
    (other / "exam" / "cases.jsonl").write_text(dump_cases(cases))
    exam(other, "--faults", faults(tmp_path), "--out", tmp_path / "theirs")
    done = exam(pack, "--faults", faults(tmp_path), "--against", tmp_path / "theirs", "--out", tmp_path / "out")
    assert "what it keeps is no Reply as the pack has it" in str(done.exception)

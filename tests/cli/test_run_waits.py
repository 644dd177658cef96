"""Whoever runs a pack is told that a model is waited for, and whoever reviews what a step asks for itself."""

import io
from pathlib import Path

from rich.console import Console

from agentflow.cli.run import following
from agentflow.engine.roster import log
from tests.cli.packs import PACK, write_pack
from tests.cli.test_run import agentflow

ASKS = """

class Which(Record):
    text: str
    words: int


async def ask(counted: Counted) -> Which:
    return Which(text="Is [this] a letter?", words=counted.words)


letters = Pack(
    name="letters",
    workflow=workflow("letters", takes=Letter, gives=Filed | Empty)
    .step(count)
    .step(ask)
    .review(Which, answers=Filed)
    .build(),
    prices={Filed: Price("0.40"), Empty: Price("0.05")},
    delivers=Filed,
)
"""


def rewritten(pack: Path, more: str) -> Path:
    """The pack with another table."""
    head = PACK.partition("letters = Pack(")[0]
    (pack / "pack.py").write_text(head + more)
    return pack


async def test_off_a_terminal_the_first_wait_of_each_step_is_told_and_no_other():
    screen = io.StringIO()
    async with following(1, Console(file=screen, width=120)):
        for seconds in (1, 2, 4):
            log.info("%s waits %d s for small", "read", seconds)
        log.info("judge waits 1 s for large")
    assert screen.getvalue().splitlines() == ["read waits 1 s for small", "judge waits 1 s for large"]


async def test_on_a_terminal_the_wait_stands_where_the_progress_does_and_ends_with_it():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    before = log.level, list(log.handlers)
    async with following(1, console):
        log.info("read waits 1 s for small")
    assert "read waits 1 s for small" in screen.getvalue()
    assert (log.level, list(log.handlers)) == before


def test_the_list_of_what_waits_says_what_a_plain_question_is(tmp_path: Path):
    pack = rewritten(write_pack(tmp_path, "a b"), ASKS)
    agentflow("run", pack, "--out", tmp_path / "out")
    listed = " ".join(agentflow("review", pack, "--out", tmp_path / "out").output.split())
    assert "Which:" in listed
    assert "[this]" in listed

"""A small pack folder on disk, for the command's tests."""

from pathlib import Path

PACK = '''\
"""Counts words; asks a person where a letter shouts."""

from agentflow import EffectKey, Pack, Price, Problem, Record, workflow


class Letter(Record):
    text: str


class Counted(Record):
    words: int


class Filed(Record):
    words: int


class Empty(Record):
    problems: list[Problem]


async def count(letter: Letter) -> Counted | Empty:
    if letter.text == "crash":
        raise OSError("the disk is full")
    if not letter.text:
        return Empty(problems=[Problem(code="empty", message="There is no text; send the letter again.")])
    return Counted(words=len(letter.text.split()))


def few(counted: Counted, letter: Letter) -> list[Problem]:
    return [Problem(code="shouting", message="It shouts.", path="words")] if letter.text.isupper() else []


async def file(counted: Counted, *, key: EffectKey) -> Filed:
    return Filed(words=counted.words)


letters = Pack(
    name="letters",
    workflow=workflow("letters", takes=Letter, gives=Filed | Empty)
    .step(count, checks=[few])
    .step(file, effect=True)
    .build(),
    prices={Filed: Price("0.40"), Empty: Price("0.05")},
    delivers=Counted,
)
'''


def write_pack(folder: Path, *letters: str) -> Path:
    """A pack folder with the letters as its samples; the folder's name is unlike any other's."""
    import json

    home = folder / f"letters_{folder.name.replace('-', '_')}"
    (home / "samples").mkdir(parents=True)
    (home / "pack.py").write_text(PACK)
    (home / "samples" / "letters.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in letters))
    return home

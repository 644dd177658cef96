"""The page about abuse names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
LEFT_OUT = {4, 27, 28}


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_a_test_that_is_named_exists(file: str, test: str):
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_line_of_the_list_has_a_test_or_a_reason():
    rows = [row for row in PAGE.splitlines() if re.match(r"\| (S\d|-)", row)]
    assert all("`tests/" in row for row in rows)
    covered = {int(number) for row in rows for number in re.findall(r"S(\d+)", row.split("|")[1])}
    assert covered == set(range(1, 33)) - LEFT_OUT
    reasons = PAGE.partition("## What is not held")[2]
    assert all(f"S{number}" in reasons for number in LEFT_OUT)

"""Gaps that the network read over."""

import numpy as np
import pytest

from domains.invoices.reading.picture import Grey
from domains.invoices.reading.spaces import missed


def line(gaps: list[int]) -> tuple[list[float], Grey]:
    """Bars 10 pixels wide for characters, the given gaps between them; their middles as shares of the width."""
    starts = [10 + 10 * n + sum(gaps[:n]) for n in range(len(gaps) + 1)]
    picture = np.full((48, starts[-1] + 20), 255, np.uint8)
    for start in starts:
        picture[10:38, start : start + 10] = 0
    return [(start + 5) / picture.shape[1] for start in starts], picture


@pytest.mark.parametrize(
    ("text", "gaps", "where"),
    [
        ("Datevom", [2, 2, 2, 18, 2, 2], [4]),
        ("Nr:123", [2, 2, 13, 2, 2], [3]),
        ("12.345", [2, 18, 2, 2, 2], []),
        ("S P E L", [18, 18, 18, 18, 18, 18], []),
        ("SPELT", [18, 18, 18, 18], []),
        ("word", [2, 2, 2], []),
        ("a", [], []),
    ],
)
def test_a_gap_as_wide_as_a_space_parts_words(text: str, gaps: list[int], where: list[int]) -> None:
    places, picture = line(gaps)
    assert missed(text, places, picture) == where

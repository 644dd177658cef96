"""Invoices of many trades, drawn with characters."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from domains.invoices.extraction import is_invoice, read_invoice

from .gallery import GALLERY, Picture

ALL = GALLERY


def same(said: object, meant: str) -> bool:
    if isinstance(said, Decimal):
        return said == Decimal(meant)
    if isinstance(said, date):
        return said.isoformat() == meant
    return said is not None and [c for c in str(said).upper() if c.isalnum()] == [
        c for c in meant.upper() if c.isalnum()
    ]


@pytest.mark.parametrize("picture", ALL, ids=lambda p: p.name)
def test_a_style_of_the_trade_is_read(picture: Picture):
    invoice = read_invoice(picture.layout)
    hits = Counter(same(getattr(invoice, field), meant) for field, meant in picture.gold.items())
    assert hits[True] / hits.total() > 0.85


@pytest.mark.parametrize("picture", ALL, ids=lambda p: p.name)
def test_every_style_is_an_invoice(picture: Picture):
    assert is_invoice(picture.layout).invoice


def test_hardly_a_value_is_wrong_in_any_style():
    read = [(p, read_invoice(p.layout)) for p in ALL]
    given = [same(value, meant) for p, i in read for f, meant in p.gold.items() if (value := getattr(i, f)) is not None]
    assert sum(given) / len(given) > 0.98

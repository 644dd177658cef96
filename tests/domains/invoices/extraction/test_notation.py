"""Numbers read as they are printed, in every usual notation."""

# ruff: noqa: RUF001 - signs that look alike are what is tested here

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.invoices.extraction.notation import currency_of, decimal_mark, parse_amount, read_amount

MARKS = [(",", "."), (".", ","), (",", " "), (",", "\N{NO-BREAK SPACE}"), (".", "'"), (".", "’"), (",", ""), (".", "")]
amounts = st.decimals(min_value=0, max_value=999999999, places=2)


def printed(value: Decimal, decimal: str, group: str) -> str:
    whole, cents = f"{value:,.2f}".split(".")
    return whole.replace(",", group) + decimal + cents


@given(value=amounts, marks=st.sampled_from(MARKS))
def test_an_amount_with_cents_reads_back_in_every_notation(value: Decimal, marks: tuple[str, str]):
    assert parse_amount(printed(value, *marks)) == value


@given(
    value=amounts,
    marks=st.sampled_from(MARKS),
    sign=st.sampled_from(["-{}", "{}-", "({})", "−{}", "- {}", "EUR -{}", "-{} €"]),
)
def test_a_sign_is_read_wherever_it_stands(value: Decimal, marks: tuple[str, str], sign: str):
    assert parse_amount(sign.format(printed(value, *marks))) == -value


@given(value=st.integers(min_value=1000, max_value=999999), mark=st.sampled_from(".,"))
def test_the_documents_decimal_mark_decides_what_three_digits_mean(value: int, mark: str):
    other = "," if mark == "." else "."
    text = f"{value:,}".replace(",", other)
    assert parse_amount(text, mark) == value
    assert parse_amount(text, other) == Decimal(text.replace(",", "."))


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading(text: str):
    parse_amount(text)


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("$1,234.50", "1234.50", "USD"),
        ("1.234,50 €", "1234.50", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("kr 1 234,50", "1234.50", None),
        ("12 000 zł", "12000", "PLN"),
        ("RM 5.00", "5.00", "MYR"),
        ("1,00,000.00", "100000.00", None),
        ("5.000,--", "5000", None),
        ("¥423,775", "423775", "JPY"),
    ],
)
def test_currency_signs_and_codes_are_read_with_the_amount(text: str, value: str, currency: str | None):
    amount = read_amount(text)
    assert amount is not None
    assert (amount.value, amount.currency) == (Decimal(value), currency)


@pytest.mark.parametrize(
    "text", ["", "-", "abc", "12.05.2020", "1.2.3.4", "(5.00", "ABC 5.00", "5 6 7", "1..2", "12-13"]
)
def test_what_is_not_one_number_is_none(text: str):
    assert parse_amount(text) is None


@given(values=st.lists(amounts, min_size=1, max_size=20), marks=st.sampled_from(MARKS[:3]))
def test_the_decimal_mark_of_a_document_follows_from_its_amounts(values: list[Decimal], marks: tuple[str, str]):
    assert decimal_mark([printed(v, *marks) for v in values]) == marks[0]


def test_dates_do_not_count_as_amounts_for_the_decimal_mark():
    assert decimal_mark(["12.03.2024", "13.04.2024", "7,50"]) == ","


def test_a_word_is_no_currency():
    assert currency_of("Brot") is None

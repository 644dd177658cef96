"""Lines read from a page add up and follow from their prices, or the page prints why they do not."""

from decimal import Decimal

import pytest

from domains.invoices.checks import line_prices_explained, lines_explained
from domains.invoices.records import Invoice, Layout, Line, Page, Word


def page(text: str) -> Layout:
    words = [Word(text=word, box=(0, 0, 1, 1)) for word in text.split()]
    return Layout(pages=[Page(number=1, width=600, height=800, words=words)])


def invoice(net: str, *totals: str) -> Invoice:
    return Invoice(net_total=Decimal(net), lines=[Line(line_total=Decimal(total)) for total in totals])


def priced(quantity: str, price: str, total: str) -> Invoice:
    line = Line(quantity=Decimal(quantity), unit_price=Decimal(price), line_total=Decimal(total))
    return Invoice(lines=[line])


@pytest.mark.parametrize(
    ("text", "read", "passes"),
    [
        ("", invoice("30", "10", "20"), True),
        ("Subtotal 40,00 discount -10,00", invoice("30", "15", "25"), True),
        ("Subtotal 40,00 discount -10,00", invoice("30", "15", "26"), False),
        ("Subtotal 1.240,00", invoice("30", "40", "1200"), True),
        ("freight 5.90", invoice("105.90", "100"), True),
        ("other 77.00", invoice("105.90", "77"), False),
        ("", invoice("30"), True),
    ],
)
def test_lines_add_up_to_a_total_or_to_a_subtotal_that_is_printed(text: str, read: Invoice, passes: bool):
    problems = lines_explained(page(text))(read)
    assert not problems if passes else [(p.code, p.severity) for p in problems] == [("lines_differ", "error")]


@pytest.mark.parametrize(
    ("text", "read", "passes"),
    [
        ("", priced("2", "5.00", "10.00"), True),
        ("", priced("2", "5.00", "9.00"), False),
        ("Rem. 10 %", priced("2", "5.00", "9.00"), True),
        ("less 1,00", priced("2", "5.00", "9.00"), True),
        ("incl. 19% duty", priced("1", "67.2244", "80.00"), True),
        ("incl. 7% duty", priced("1", "67.2244", "80.00"), False),
    ],
)
def test_a_line_is_its_quantity_times_its_price_or_a_printed_rate_or_amount_explains_it(
    text: str, read: Invoice, passes: bool
):
    problems = line_prices_explained(page(text))(read)
    assert not problems if passes else [(p.code, p.severity) for p in problems] == [("line_mismatch", "error")]

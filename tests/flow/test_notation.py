"""A text says a value in whichever usual notation, and no other value."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow.flow.notation import numbers, says


class Kind(Enum):
    CREDIT = "credit note"


SAID = [
    ("1.234,56", Decimal("1234.56")),
    ("Total EUR 1,234.56", Decimal("1234.56")),
    ("1 234,56 €", Decimal("1234.56")),
    ("1\u202f234,56", Decimal("1234.56")),
    ("1'234.56", Decimal("1234.56")),
    ("12,34,567.80", Decimal("1234567.8")),
    ("1.234", 1234),
    ("1.234", Decimal("1.234")),
    ("3 234,50", Decimal("234.5")),
    ("19 %", 19),
    ("0.5", 0.5),
    ("-12,00", Decimal(-12)),
    ("(12.00)", Decimal(-12)),
    ("- 12,00", Decimal(12)),
    ("2024-03-05", date(2024, 3, 5)),
    ("05.03.2024", date(2024, 3, 5)),
    ("3/5/24", date(2024, 3, 5)),
    ("20240305", date(2024, 3, 5)),
    ("5. März 2024", date(2024, 3, 5)),
    ("5th of March, 2024", date(2024, 3, 5)),
    ("le 5 mars 2024", date(2024, 3, 5)),
    ("5 marzo 2024", date(2024, 3, 5)),
    ("5 martie 2024", date(2024, 3, 5)),
    ("2024-03-05T10:11", datetime(2024, 3, 5, 10, 11, tzinfo=UTC)),
    ("IBAN: DE02 1203 0000", "DE0212030000"),
    ("ACME  Ltd.", "Acme Ltd"),
    ("Ä", "ä"),
    ("Credit Note No. 7", Kind.CREDIT),
    ("paid", True),
]
NOT_SAID = [
    ("1.234,56", Decimal("1234.57")),
    ("1.234,56", Decimal("34.56")),
    ("12.34,5", Decimal("1234.5")),
    ("12,00", Decimal(-12)),
    ("no number", 0),
    ("", Decimal(0)),
    ("05.03.2024", date(2024, 3, 6)),
    ("05.03.2024", date(2023, 3, 5)),
    ("5 April 2024", date(2024, 3, 5)),
    ("5 2024", date(2024, 3, 5)),
    ("ACME Ltd", "ACME Inc"),
    ("Invoice", Kind.CREDIT),
]


@pytest.mark.parametrize(("quote", "value"), SAID, ids=str)
def test_a_quote_says_its_value(quote: str, value: object):
    assert says(quote, value)


@pytest.mark.parametrize(("quote", "value"), NOT_SAID, ids=str)
def test_a_quote_does_not_say_another_value(quote: str, value: object):
    assert not says(quote, value)


MONTHS = {
    3: ["March", "März", "mars", "marzo", "maart", "março", "marts", "marzec", "ožujak", "březen"],
    5: ["May", "Mai", "mai", "mayo", "maggio", "mei", "maio", "maj", "svibanj", "květen"],
    6: ["June", "Juni", "juin", "junio", "giugno", "junho", "czerwiec", "lipanj", "červen"],
    7: ["July", "Juli", "juillet", "julio", "luglio", "julho", "lipiec", "srpanj", "červenec"],
    8: ["August", "août", "agosto", "augustus", "sierpień", "kolovoz", "srpen"],
    10: ["October", "Oktober", "octobre", "ottobre", "outubro", "październik", "listopad", "říjen"],
}


@pytest.mark.parametrize(("month", "name"), [(m, name) for m, names in MONTHS.items() for name in names])
def test_a_month_goes_by_its_name_in_many_languages(month: int, name: str):
    assert says(f"9 {name} 2024", date(2024, month, 9))


@given(st.decimals(0, 10**9, places=2), st.sampled_from([(".", ","), (",", "."), ("'", "."), (" ", ",")]))
def test_every_usual_way_to_print_an_amount_is_read(amount: Decimal, marks: tuple[str, str]):
    printed = f"{amount:,.2f}".translate(str.maketrans({",": marks[0], ".": marks[1]}))
    assert amount in set(numbers(f"sum: {printed} due"))


@given(st.dates(date(2000, 1, 1)), st.sampled_from(["%d.%m.%Y", "%m/%d/%y", "%Y-%m-%d", "%d %B %Y", "%b %d, %Y"]))
def test_every_usual_way_to_print_a_date_is_read(day: date, form: str):
    assert says(day.strftime(form), day)

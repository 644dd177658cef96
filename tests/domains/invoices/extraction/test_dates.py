"""Dates read in many languages and orders."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.invoices.extraction.dates import find_dates, month_of, order_votes, parse_date

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))


@given(
    day=days,
    form=st.sampled_from(
        ["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%d. %B %Y", "%Y%m%d"]
    ),
)
def test_an_unambiguous_form_reads_back(day: date, form: str):
    assert parse_date(day.strftime(form)) == day


@given(day=days)
def test_the_order_of_a_slashed_date_is_the_documents(day: date):
    assert parse_date(day.strftime("%d/%m/%Y"), day_first=True) == day
    assert parse_date(day.strftime("%m/%d/%Y"), day_first=False) == day


@given(st.text(max_size=40))
def test_no_text_breaks_the_search(text: str):
    find_dates(text)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("7. Mai 2014", 5),
        ("1er janvier 2020", 1),
        ("19 april 2014", 4),
        ("3 de marzo de 2021", 3),
        ("12 grudnia 2023", 12),
        ("5. května 2022", 5),
        ("1 oktober 2020", 10),
        ("14 février 2019", 2),
        ("9. heinäkuuta 2021", 7),
        ("21 agosto 2020", 8),
        ("Sept 3rd, 2020", 9),
        ("30. März 2020", 3),
    ],
)
def test_month_names_of_many_languages_are_known(text: str, month: int):
    found = parse_date(text)
    assert found is not None
    assert found.month == month


@pytest.mark.parametrize("text", ["31.02.2020", "99/99/2020", "12.345,67", "1.2.3", "Version 2.5", "RE-20171118/506"])
def test_what_is_no_date_is_not_found(text: str):
    assert find_dates(text) == []


def test_a_time_may_run_into_the_year():
    assert [f.value for f in find_dates("09/01/20198:01:11PM")] == [date(2019, 1, 9)]


def test_an_abbreviation_that_two_months_share_is_no_month():
    assert month_of("ju") is None
    assert month_of("jun") == 6


def test_a_day_past_twelve_tells_the_order_of_a_document():
    assert order_votes(["25/03/2020", "01/02/2020"]) > 0
    assert order_votes(["03/25/2020", "01/02/2020"]) < 0

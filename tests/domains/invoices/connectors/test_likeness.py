"""Likeness: what people and OCR engines write differently is one, what is another company or number is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.invoices.connectors.likeness import name_likeness, near_number, number_key, same_number


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Müller & Söhne GmbH", "MUELLER UND SOEHNE GMBH"),
        ("Müller Söhne GmbH", "Muller Sohne"),
        ("Windrad B.V.", "WlNDRAD BV"),
        ("Rossi S.p.A.", "ROSSI SPA"),
        ("Kowalski Sp. z o.o.", "Kowalski"),
        ("Blau Druck GmbH & Co. KG", "Blaudruck"),
        ("Nordlicht Energie GmbH", "Nordlioht Energle GmbH"),
        ("Nordlicht Energie GmbH", "Nordlicht Energie GmbH Niederlassung Kiel"),
    ],
)
def test_spellings_of_one_company_are_alike(a, b):
    assert name_likeness(a, b) >= 0.87
    assert name_likeness(a, b) == name_likeness(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Stadtwerke Bonn GmbH", "Stadtwerke Oslo GmbH"),
        ("Nordlicht Energie GmbH", "Nordlicht Handel GmbH"),
        ("Autohaus Weber", "Weber Reinigung"),
        ("Acme", "Acme Web Services"),
        ("", "Acme"),
    ],
)
def test_companies_that_share_a_word_are_not(a, b):
    assert name_likeness(a, b) < 0.8


def test_another_legal_form_is_a_little_less_alike():
    assert name_likeness("Acme Ltd", "Acme Limited Inc") < name_likeness("Acme Ltd", "ACME LTD.") == 1
    assert 0.87 < name_likeness("Acme GmbH", "Acme AG") < 1


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_between_nothing_and_one(a, b):
    assert 0 <= name_likeness(a, b) <= 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("RE-2024/0815", "re 2024 0815"),
        ("RE-2024/0815", "RE-2O24/08l5"),
        ("INV 2024-0008", "2024-0008"),
        ("№ 4711", "4711"),
    ],
)
def test_a_number_is_one_whatever_stands_between_and_before_its_digits(a, b):
    assert same_number(a, b)
    assert same_number(b, a)


@pytest.mark.parametrize(
    ("a", "b"), [("RE-1001", "GS-1001"), ("RE-506", "RE-507"), ("12", "RE12"), ("", ""), ("-", "/")]
)
def test_other_numbers_are_other_numbers(a, b):
    assert not same_number(a, b)
    assert not near_number(a, b)


@pytest.mark.parametrize(("a", "b"), [("471102", "47110"), ("471108", "471103"), ("47X102", "477102")])
def test_a_number_with_one_character_misread_or_lost_is_near(a, b):
    assert near_number(a, b)
    assert not same_number(a, b)


@given(st.text(min_size=1, max_size=30))
def test_the_key_of_a_key_is_itself(number):
    assert number_key(number_key(number)) == number_key(number)

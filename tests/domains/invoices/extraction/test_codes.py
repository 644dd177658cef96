"""VAT ids, IBANs and BICs found by their form."""

from collections.abc import Sequence

from domains.invoices.extraction.codes import bare_vat, ibans, labelled_bic, labelled_iban, prefixed_vats
from domains.invoices.extraction.geometry import Token, segment
from domains.invoices.extraction.text import compact


def tokens(text: str) -> Sequence[Token]:
    """A line of tokens, six points a character."""
    made: list[Token] = []
    at = 0.0
    for index, word in enumerate(text.split()):
        made.append(Token(index, 1, word, (at, 0, at + 6 * len(word), 10), compact(word)))
        at += 6 * len(word) + 3
    return made


def test_an_iban_in_groups_is_found_and_proven():
    found = list(ibans(tokens("IBAN: DE89 3704 0044 0532 0130 00 BIC: COBADEFFXXX")))
    assert [(c.value, c.valid) for c in found] == [("DE89370400440532013000", True)]


def test_a_letter_misread_for_a_digit_is_mended_where_that_proves_the_iban():
    found = list(ibans(tokens("DE89 37O4 0044 O532 0130 00")))
    assert [(c.value, c.valid) for c in found] == [("DE89370400440532013000", False)]


def test_a_wrong_check_digit_is_no_iban_without_a_label():
    assert list(ibans(tokens("DE88 3704 0044 0532 0130 00"))) == []


def test_a_labelled_iban_is_given_even_if_its_check_digits_are_wrong():
    code = labelled_iban(tokens("DE88 3704 0044 0532 0130 00 Bank"))
    assert code is not None
    assert (code.value, code.valid) == ("DE88370400440532013000", False)


def test_vat_ids_keep_their_country_and_lose_their_blanks():
    found = list(prefixed_vats(segment(tokens("DE 136 695 976 and NL810433941B01"), 0)))
    assert [(c.value, c.valid) for c in found] == [("DE136695976", True), ("NL810433941B01", True)]


def test_a_national_tax_number_counts_behind_its_label():
    assert [c and c.value for c in (bare_vat(tokens("987 654 321 MVA")), bare_vat(tokens("B12345678")))] == [
        "987654321MVA",
        "B12345678",
    ]


def test_a_tax_amount_is_no_vat_id():
    assert bare_vat(tokens("19% 1.234,50 EUR")) is None


def test_a_bic_has_eight_or_eleven_characters():
    code = labelled_bic(tokens("COBADEFFXXX"))
    assert code is not None
    assert code.value == "COBADEFFXXX"
    assert labelled_bic(tokens("COBADEF")) is None

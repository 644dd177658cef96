"""Numbers with a known form: VAT ids, IBANs, BICs, found by form and proven by check digit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from stdnum import get_cc_module
from stdnum import iban as iban_numbers
from stdnum.exceptions import ValidationError

from domains.invoices.extraction.geometry import Segment, Token

VAT_FORMS = {
    "AT": r"U\d{8}",
    "BE": r"[01]?\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "GR": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"(?:\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "XI": r"\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(?:\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{6,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "CHE": r"\d{9}(?:MWST|TVA|IVA)?",
    "NO": r"\d{9}(?:MVA)?",
}
"""The VAT id of each country after its prefix (Council Directive 2006/112/EC, art. 215, and the national forms)."""
PREFIXED = re.compile("|".join(f"{country}{form}" for country, form in VAT_FORMS.items()))
BARE = re.compile(r"(?=(?:[A-Z]*\d){7})[A-Z]{0,3}\d[A-Z0-9]{6,14}|[A-Z]\d{8}|\d{9}MVA|\d{7,12}[A-Z]{1,3}")
SWISS = re.compile(r"(?<=CHE\d{9})(?:MWST|TVA|IVA)$")
"""The word for the tax behind a Swiss number, which differs by language."""
IBAN_START = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]*")
BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
DIGITS = str.maketrans("OoQIl|SBZ", "000111582")


@dataclass(frozen=True, slots=True)
class Code:
    """A number with a known form: its letters and digits, whether its check digits hold, where it is printed."""

    value: str
    valid: bool
    tokens: tuple[Token, ...]


def alnum(tokens: Sequence[Token]) -> str:
    """Letters and digits of tokens, upper case."""
    return "".join(c for t in tokens for c in t.text if c.isalnum()).upper()


def valid_vat(value: str) -> bool:
    """Whether a prefixed VAT id passes its country's check digits."""
    country, number = ("CH", value) if value.startswith("CHE") else (value[:2], value)
    module = vat_module(country.replace("EL", "GR"))
    try:
        return module is not None and bool(module.validate(number))
    except ValidationError:
        return False


@cache
def vat_module(country: str) -> Any:
    """What knows the check digits of a country's VAT ids; None where nothing does."""
    return get_cc_module(country, "vat") or get_cc_module(country, "mva")


def prefixed_vats(segment: Segment) -> Iterator[Code]:
    """Every VAT id with its country's prefix in a segment; the longest form that fits."""
    tokens = segment.tokens
    at = 0
    while at < len(tokens):
        hit = next((c for end in range(min(len(tokens), at + 5), at, -1) if (c := vat_code(tokens[at:end]))), None)
        if hit:
            yield hit
        at += len(hit.tokens) if hit else 1


def vat_code(tokens: Sequence[Token]) -> Code | None:
    """Tokens that together are one prefixed VAT id."""
    if not re.match(r"[(]?[A-Z]{2}", tokens[0].text) or any("," in t.text[:-1] for t in tokens):
        return None
    value = alnum(tokens)
    if not PREFIXED.fullmatch(value) or not ends_code(tokens[-1]):
        return None
    return Code(SWISS.sub("", value), valid_vat(value), tuple(tokens))


def ends_code(token: Token) -> bool:
    """Whether a token can be the last of a VAT id: it has a digit, or is the word that closes a national form."""
    return any(c.isdigit() for c in token.text) or token.plain in ("mwst", "tva", "iva", "mva")


def bare_vat(tokens: Sequence[Token]) -> Code | None:
    """A tax id behind its label: with or without a prefix, the longest run of tokens that fits."""
    lead = list(tokens[:6])
    while lead and not any(c.isdigit() for c in lead[0].text) and not re.fullmatch(r"[A-Z]{2,3}", lead[0].text):
        lead = lead[1:] if not lead[0].plain or len(lead[0].plain) <= 2 else []
    for end in range(len(lead), 0, -1):
        part = lead[:end]
        if any(b.box[0] - a.box[2] > 1.2 * b.height for a, b in pairwise(part)) or any(
            re.search(r"\d[.,]\d{2}$|[%€$]", t.text) for t in part
        ):
            continue
        value = alnum(part)
        if PREFIXED.fullmatch(value):
            return Code(SWISS.sub("", value), valid_vat(value), tuple(part))
        if BARE.fullmatch(value) and ends_code(part[-1]):
            return Code(value, False, tuple(part))
    return None


def valid_iban(value: str) -> bool:
    """Whether an IBAN has its country's form and passes mod 97 (ISO 13616)."""
    try:
        iban_numbers.validate(value, check_country=False)
    except ValidationError:
        return False
    return True


def ibans(tokens: Sequence[Token]) -> Iterator[Code]:
    """Every valid IBAN in tokens that follow one another, OCR slips mended where that makes it valid."""
    at = 0
    while at < len(tokens):
        hit = iban_at(tokens, at)
        if hit:
            yield hit
        at += len(hit.tokens) if hit else 1


def iban_at(tokens: Sequence[Token], at: int) -> Code | None:
    """The valid IBAN that begins at a token; it may be grouped over up to ten tokens."""
    start = alnum(tokens[at : at + 1])
    if not re.match(r"[A-Z]{2}[\dOIlSBQ]{2}|[A-Z]{2}$", start) or len(start) > 34:
        return None
    for end in range(at + 1, min(len(tokens), at + 10) + 1):
        value = alnum(tokens[at:end])
        if len(value) > 34:
            return None
        if len(value) >= 15:
            mended = next((v for v in (value, value[:2] + value[2:].translate(DIGITS)) if valid_iban(v)), None)
            if mended:
                return Code(mended, mended == value, tuple(tokens[at:end]))
    return None


def labelled_iban(tokens: Sequence[Token]) -> Code | None:
    """What stands where an IBAN must stand, whatever its check digits say."""
    taken: list[Token] = []
    for token in tokens[:10]:
        part = alnum([token])
        if (
            not part
            or (taken and not re.fullmatch(r"[A-Z]{0,4}\d[A-Z0-9]*", part))
            or len(alnum(taken)) + len(part) > 34
        ):
            break
        taken.append(token)
    value = alnum(taken)
    return Code(value, False, tuple(taken)) if len(value) >= 15 and IBAN_START.fullmatch(value) else None


def labelled_bic(tokens: Sequence[Token]) -> Code | None:
    """A BIC at the start of tokens."""
    for token in tokens[:2]:
        value = alnum([token])
        if BIC.fullmatch(value):
            return Code(value, True, (token,))
    return None

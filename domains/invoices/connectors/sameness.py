"""Sameness: whether two readings are of one invoice, decided from what both of them know."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from domains.invoices.checks.identities import CREDIT_NOTES
from domains.invoices.codes import vat_id
from domains.invoices.connectors.likeness import name_likeness, near_number, number_key, same_number
from domains.invoices.records import Invoice

Relation = Literal["same", "counterpart", "redated", "near", "reused", "other"]
"""`same` invoice; `counterpart`: the same but for being an invoice or a credit note; `redated`: the same but for its
date, since who sends a bill twice may date it anew; `near`: may be the same, a person must look; `reused`: the
supplier's number again on something else."""

Agreement = Literal["agree", "unknown", "differ"]

ALIKE = 0.85
UNLIKE = 0.55
"""Names from ALIKE on are one supplier's, names below UNLIKE are not."""
REDATED = 45
"""Days by which a bill that is sent again may be dated anew; years apart the number is used again."""
SELF_BILLED = "389"
"""A self-billed invoice, which German pages call by the same word as a credit note."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What tells an invoice from others."""

    number: str | None
    supplier: str | None
    vat: str | None
    """In plain form."""
    issued: date | None
    currency: str | None
    credit: bool | None
    """Whether it is a credit note by its type; None where the type does not tell."""
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    due: Decimal | None


def facts(invoice: Invoice) -> Facts:
    """The facts of a reading."""
    return Facts(
        number=invoice.invoice_number if number_key(invoice.invoice_number or "") else None,
        supplier=invoice.supplier_name,
        vat=vat_id(invoice.supplier_vat_id or "") or None,
        issued=invoice.issue_date,
        currency=invoice.currency,
        credit=None if invoice.type_code in (None, SELF_BILLED) else invoice.type_code in CREDIT_NOTES,
        net=invoice.net_total,
        tax=invoice.tax_total,
        gross=invoice.gross_total,
        due=invoice.amount_due,
    )


def relation(a: Facts, b: Facts) -> Relation:
    """How two readings are related; symmetric, and never `same` where both know something that differs.

    Nor where one does not say whose it is, or is a credit note with amounts below zero: which way it counts is open.
    """
    supplier = _supplier(a, b)
    if supplier == "differ":
        return "other"
    number, issued, amount = _number(a, b), _known(a.issued, b.issued), _amounts(a, b)
    differs = "differ" in (issued, amount, _known(a.currency, b.currency))
    if number == supplier == amount == "agree" and _redated(a, b):
        return "redated"
    if number == "agree" and differs:
        return "reused" if supplier == "agree" else "other"
    if differs or number == "differ":
        return "other"
    if number == supplier == amount == "agree" and _told(a, b, issued) and not (undecided(a) or undecided(b)):
        return "counterpart" if _known(a.credit, b.credit) == "differ" else "same"
    agreeing = (number, supplier, issued, amount).count("agree")
    return "near" if agreeing >= 3 or number == supplier == "agree" else "other"


def _redated(a: Facts, b: Facts) -> bool:
    return a.issued is not None and b.issued is not None and 0 < abs((a.issued - b.issued).days) <= REDATED


def undecided(told: Facts) -> bool:
    """Whether it is a credit note with amounts below zero, which may mean either sign."""
    return bool(told.credit) and told.gross is not None and told.gross < 0


def _told(a: Facts, b: Facts, issued: Agreement) -> bool:
    """Whether the date agrees, or more amounts than one make up for a date that one side lacks."""
    amounts = [_known(a.gross, b.gross), _known(a.net, b.net), _known(a.tax, b.tax)]
    return issued == "agree" or amounts.count("agree") > 1


def _known(a: object, b: object) -> Agreement:
    if a is None or b is None:
        return "unknown"
    return "agree" if a == b else "differ"


def _number(a: Facts, b: Facts) -> Agreement:
    """A number that may be misread says as much as one that is not there."""
    if a.number is None or b.number is None:
        return "unknown"
    if same_number(a.number, b.number):
        return "agree"
    return "unknown" if near_number(a.number, b.number) else "differ"


def _supplier(a: Facts, b: Facts) -> Agreement:
    """One VAT id is one supplier; other VAT ids are too where the names are alike: groups have several."""
    if a.vat and a.vat == b.vat:
        return "agree"
    if a.supplier and b.supplier:
        likeness = name_likeness(a.supplier, b.supplier)
        if likeness >= ALIKE:
            return "agree"
        return "differ" if likeness < UNLIKE else "unknown"
    return _known(a.vat, b.vat)


def _amounts(a: Facts, b: Facts) -> Agreement:
    """The gross total decides; where one does not know it, the other amounts that both know."""
    gross = _known(a.gross, b.gross)
    if gross != "unknown":
        return gross
    others = {_known(a.net, b.net), _known(a.tax, b.tax), _known(a.due, b.due)}
    return "differ" if "differ" in others else "agree" if "agree" in others else "unknown"

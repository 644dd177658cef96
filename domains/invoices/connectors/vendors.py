"""Vendors: the buyer's own book of suppliers, and what an invoice says that differs from it."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar, Literal, Self

from rapidfuzz import fuzz, process

from agentflow import Problem
from domains.invoices.codes import plain, vat_id
from domains.invoices.connectors.likeness import company, name_likeness
from domains.invoices.connectors.vendor_book import Vendor, read_vendors
from domains.invoices.records import Invoice

By = Literal["name", "vat_id", "iban"]

SURE = {"vat_id": 0.7, "iban": 0.8, "name": 0.87}
"""The score from which a vendor counts as found, by the strongest thing that agrees."""
NATIONAL = 8
"""Characters from which a national account number is held against the end of an IBAN."""
LEAD = 0.05
"""How far the best must lead the second."""


@dataclass(frozen=True, slots=True)
class VendorMatch:
    """A supplier of the book that an invoice comes from."""

    vendor: Vendor
    score: float
    """0 to 1."""
    by: tuple[By, ...]
    """What agrees, the strongest first."""
    likeness: float | None
    """How alike the names are; None where the invoice has none."""


class Vendors:
    """The vendor book: a CSV file or a SQL table; with none configured it finds nothing and objects to nothing."""

    name: ClassVar[str] = "vendors"

    def __init__(self, vendors: Iterable[Vendor], *, connected: bool = True) -> None:
        self.vendors = list(vendors)
        self.connected = connected
        self._cores = [company(vendor.name).core for vendor in self.vendors]
        self._by_vat = _index(vendor.vat_ids for vendor in self.vendors)
        self._by_iban = _index(vendor.ibans for vendor in self.vendors)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator[Self]:
        """The book at `url`, read whole. Raises ConnectorError where it cannot be read or has no column for names."""
        yield cls(await read_vendors(url) if url else [], connected=url is not None)

    def match(self, invoice: Invoice) -> VendorMatch | None:
        """The vendor an invoice comes from; None where there is none or where several could be meant."""
        found = self._found(invoice)
        return found[0] if len(found) == 1 else None

    def problems(self, invoice: Invoice) -> list[Problem]:
        """What differs from the book: `new_vendor`, `vendor_ambiguous`, `bank_details_changed`, `vat_id_differs` ..."""
        if not self.connected:
            return []
        found = self._found(invoice)
        if len(found) != 1:
            return [_ambiguous(invoice, found) if found else _new(invoice)]
        vendor = found[0].vendor
        differing = [self._bank(invoice, vendor), _vat(invoice, vendor), _currency(invoice, vendor)]
        return [problem for problem in [*differing, _name(invoice, found[0])] if problem]

    def _found(self, invoice: Invoice) -> list[VendorMatch]:
        """The vendors that could be meant: one where it is clear, none, or all between which it is not."""
        scored = [_scored(invoice, vendor) for vendor in self._candidates(invoice)]
        good = sorted((m for m in scored if m.by and m.score >= SURE[m.by[0]]), key=lambda m: -m.score)
        if not good:
            return []
        registered = [m for m in good if "vat_id" in m.by]
        if registered and good[0] not in registered:
            return [good[0], registered[0]]
        close = [m for m in registered or good if good[0].score - m.score < LEAD]
        return close if len(close) == 1 else _told_apart(invoice, close)

    def _candidates(self, invoice: Invoice) -> list[Vendor]:
        code, iban = vat_id(invoice.supplier_vat_id or ""), plain(invoice.iban or "")
        exact = chain(self._by_vat.get(code, ()), self._by_iban.get(iban, ()))
        core = company(invoice.supplier_name or "").core
        alike = process.extract(core, self._cores, scorer=fuzz.WRatio, limit=20, score_cutoff=60) if core else []
        return [self.vendors[n] for n in dict.fromkeys(chain(exact, (n for _, _, n in alike)))]

    def _bank(self, invoice: Invoice, vendor: Vendor) -> Problem | None:
        asked = dict.fromkeys(filter(None, (plain(invoice.iban or ""), *invoice.accounts)))
        strange = [account for account in asked if not _on_file(account, vendor)]
        if not strange:
            return None
        iban = strange[0]
        if vendor.ibans:
            known = ", ".join(sorted(vendor.ibans))
            message = f"The invoice asks for payment to {iban}; for {vendor.name} the vendor book has {known}."
            return Problem(code="bank_details_changed", path="iban", message=message, reference=vendor.vendor_id)
        owners = [self.vendors[number].name for number in self._by_iban.get(iban, ())]
        if owners:
            message = f"The invoice of {vendor.name} asks for payment to {iban}, the account of {', '.join(owners)}."
            return Problem(code="bank_details_changed", path="iban", message=message, reference=vendor.vendor_id)
        message = f"The vendor book has no bank account of {vendor.name}; the invoice names {iban}."
        return Problem(code="bank_details_new", path="iban", message=message, severity="note")


def _on_file(account: str, vendor: Vendor) -> bool:
    """Whether an account is one of the vendor's, or the national number that one of its IBANs ends with."""
    return account in vendor.ibans or (len(account) >= NATIONAL and any(i.endswith(account) for i in vendor.ibans))


def _index(codes: Iterable[frozenset[str]]) -> dict[str, list[int]]:
    """Which vendors, by their place in the book, have a code."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, found in enumerate(codes):
        for code in found:
            places[code].append(place)
    return places


def _scored(invoice: Invoice, vendor: Vendor) -> VendorMatch:
    """VAT id before bank account before name; the name also decides between vendors that share one of the others."""
    likeness = name_likeness(invoice.supplier_name, vendor.name) if invoice.supplier_name else None
    by: list[By] = []
    if vat_id(invoice.supplier_vat_id or "") in vendor.vat_ids:
        by.append("vat_id")
    if plain(invoice.iban or "") in vendor.ibans:
        by.append("iban")
    if likeness is not None and likeness >= SURE["name"]:
        by.append("name")
    base = SURE["vat_id"] if "vat_id" in by else 0.6 if "iban" in by else 0.0
    named = (0.7 if base else 0.0) if likeness is None else likeness
    return VendorMatch(vendor, base + (1 - base) * named, tuple(by), likeness)


def _told_apart(invoice: Invoice, close: list[VendorMatch]) -> list[VendorMatch]:
    """Of vendors that are alike, the one with the invoice's bank account or, failing that, its currency."""
    paid = [m for m in close if "iban" in m.by]
    billed = [m for m in paid or close if invoice.currency in m.vendor.currencies]
    for narrowed in (paid, billed):
        if len(narrowed) == 1:
            return narrowed
    return close


def _new(invoice: Invoice) -> Problem:
    said = invoice.supplier_name or invoice.supplier_vat_id
    message = f"The vendor book has no {said}." if said else "The invoice names no supplier to look up."
    return Problem(code="new_vendor", path="supplier_name", message=message)


def _ambiguous(invoice: Invoice, found: list[VendorMatch]) -> Problem:
    names = ", ".join(f"{m.vendor.name} ({m.vendor.vendor_id})" for m in found)
    message = f"{invoice.supplier_name or 'The supplier'} could be any of these in the vendor book: {names}."
    return Problem(code="vendor_ambiguous", path="supplier_name", message=message)


def _vat(invoice: Invoice, vendor: Vendor) -> Problem | None:
    code = invoice.supplier_vat_id
    if not code or not vendor.vat_ids or vat_id(code) in vendor.vat_ids:
        return None
    known = ", ".join(sorted(vendor.vat_ids))
    message = f"The invoice has the VAT id {code}; for {vendor.name} the vendor book has {known}."
    return Problem(code="vat_id_differs", path="supplier_vat_id", message=message, reference=vendor.vendor_id)


def _currency(invoice: Invoice, vendor: Vendor) -> Problem | None:
    if not invoice.currency or not vendor.currencies or invoice.currency in vendor.currencies:
        return None
    usual = ", ".join(sorted(vendor.currencies))
    message = f"The invoice is in {invoice.currency}; {vendor.name} bills in {usual}."
    return Problem(code="currency_unusual", path="currency", message=message, reference=vendor.vendor_id)


def _name(invoice: Invoice, match: VendorMatch) -> Problem | None:
    if match.likeness is None or match.likeness >= SURE["name"]:
        return None
    message = f"The invoice says {invoice.supplier_name}; by its {match.by[0]} it is from {match.vendor.name}."
    return Problem(code="vendor_name_differs", path="supplier_name", message=message, severity="note")

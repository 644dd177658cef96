"""Vendor book: the buyer's suppliers as the buyer's own table has them."""

from dataclasses import dataclass

from agentflow import Row, read_columns
from domains.invoices.codes import plain, vat_id

SPELLINGS = {
    "vendor_id": (
        "id", "vendor no", "vendor nr", "vendor number", "vendor code", "supplier id", "supplier no", "supplier number",
        "supplier code", "creditor", "creditor no", "creditor number", "kreditor", "kreditor nr", "kreditorennummer",
        "lieferant nr", "lieferantennummer", "code fournisseur", "number", "no", "nr",
    ),
    "name": (
        "vendor name", "vendor", "supplier name", "supplier", "creditor name", "company name", "company",
        "kreditorname", "lieferant", "lieferantenname", "firma", "firmenname", "fournisseur", "raison sociale", "nom",
        "naam", "nombre",
    ),
    "vat_id": (
        "vat", "vat no", "vat nr", "vat number", "vat ids", "vat reg no", "vat registration number", "tax id", "ust id",
        "ust id nr", "ust idnr", "umsatzsteuer id", "uid", "tva", "numero tva", "no tva", "btw", "btw nummer",
        "partita iva", "p iva", "nif", "mva", "moms",
    ),
    "iban": ("ibans", "bank account", "account iban", "iban number", "konto iban", "bankverbindung", "bank"),
    "currency": ("currencies", "currency code", "ccy", "waehrung", "währung", "devise", "valuta"),
    "account": (
        "ledger account", "gl account", "account no", "account number", "account code", "expense account", "konto",
        "kreditorenkonto", "sachkonto", "compte",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vendor:
    """One supplier in the book."""

    vendor_id: str
    name: str
    vat_ids: frozenset[str] = frozenset()
    """In plain form."""
    ibans: frozenset[str] = frozenset()
    """In plain form."""
    currencies: frozenset[str] = frozenset()
    account: str | None = None


async def read_vendors(url: str) -> list[Vendor]:
    """The vendors at `url`. Raises ConnectorError where it cannot be read or has no column for names."""
    return [_vendor(row) for row in await read_columns(url, SPELLINGS, ["name"]) if row.get("name")]


def _vendor(row: Row) -> Vendor:
    name = row.get("name") or ""
    return Vendor(
        vendor_id=row.get("vendor_id") or name,
        name=name,
        vat_ids=frozenset(filter(None, map(vat_id, _several(row.get("vat_id"))))),
        ibans=frozenset(filter(None, map(plain, _several(row.get("iban"))))),
        currencies=frozenset(part.upper() for part in _several(row.get("currency"))),
        account=row.get("account"),
    )


def _several(cell: str | None) -> list[str]:
    return [part.strip() for part in (cell or "").replace(";", "|").split("|") if part.strip()]

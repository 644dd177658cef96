"""Order table: purchase orders as a customer's own table has them."""

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from agentflow import ConnectorError, Row, read_columns
from domains.invoices.connectors.likeness import number_key

SPELLINGS = {
    "po_number": (
        "po", "po no", "po nr", "purchase order", "purchase order number", "order", "order no", "order nr",
        "order number", "order id", "bestellung", "bestellnummer", "bestell nr", "auftragsnummer", "commande",
        "numero commande",
    ),
    "vendor_id": ("vendor no", "vendor number", "supplier id", "supplier no", "creditor", "kreditor"),
    "supplier": ("vendor", "supplier name", "vendor name", "lieferant", "fournisseur", "company"),
    "currency": ("currency code", "ccy", "waehrung", "währung", "devise"),
    "net_total": ("net", "net amount", "order value", "netto", "nettobetrag", "total net", "amount", "total", "value"),
    "gross_total": ("gross", "gross amount", "brutto", "bruttobetrag", "total gross"),
    "line_total": ("line amount", "line value", "line net", "position total", "positionswert", "line sum"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """One purchase order."""

    po_number: str
    vendor_id: str | None = None
    supplier: str | None = None
    currency: str | None = None
    net_total: Decimal | None = None
    gross_total: Decimal | None = None


async def read_orders(url: str) -> list[Order]:
    """The orders at `url`, one a number; rows with the same number are its lines.

    Raises ConnectorError where they cannot be read, have no column of order numbers, or an amount is no number.
    """
    by_number: defaultdict[str, list[Row]] = defaultdict(list)
    for row in await read_columns(url, SPELLINGS, ["po_number"]):
        if row.get("po_number"):
            by_number[number_key(row["po_number"] or "")].append(row)
    return [_order(lines) for lines in by_number.values()]


def _order(lines: list[Row]) -> Order:
    first = lines[0]
    amounts = {
        name: [_decimal(line.get(name), first) for line in lines] for name in ("net_total", "gross_total", "line_total")
    }
    return Order(
        po_number=first["po_number"] or "",
        vendor_id=first.get("vendor_id"),
        supplier=first.get("supplier"),
        currency=(first.get("currency") or "").upper() or None,
        net_total=_sum(amounts["line_total"])
        if _sum(amounts["line_total"]) is not None
        else _once(amounts["net_total"]),
        gross_total=_once(amounts["gross_total"]),
    )


def _once(amounts: list[Decimal | None]) -> Decimal | None:
    """A total that every line repeats counts once; totals that differ are those of the lines."""
    known = [amount for amount in amounts if amount is not None]
    return known[0] if len(set(known)) == 1 else _sum(amounts)


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _decimal(text: str | None, row: Row) -> Decimal | None:
    """An amount of a table: `1234.56`, `1,234.56` or `1.234,56`."""
    if text is None:
        return None
    plain = re.sub(r"[^\d.,+-]", "", text)
    decimal = max(plain.rfind("."), plain.rfind(","))
    grouped = re.fullmatch(r"[+-]?\d{1,3}([.,])\d{3}(\1\d{3})+", plain) or re.fullmatch(r"[+-]?\d{1,3},\d{3}", plain)
    whole = plain if decimal < 0 or grouped else plain[:decimal]
    rest = "" if decimal < 0 or grouped else plain[decimal + 1 :]
    try:
        return Decimal(f"{re.sub('[.,]', '', whole) or 0}.{rest or 0}")
    except InvalidOperation:
        raise ConnectorError(f"Order {row.get('po_number')} has an amount that is no number: {text!r}.") from None

"""Arithmetic: the sums that every invoice must keep, and the signs of its amounts."""

from collections.abc import Sequence
from decimal import Decimal

from agentflow import Problem, ties
from domains.invoices.checks.sources import error_if_printed
from domains.invoices.records import Invoice, Line

CENT = Decimal("0.01")
HALF_CENT = Decimal("0.005")
CREDIT_NOTES = frozenset(("81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"))
"""UNTDID 1001 codes of documents whose amounts are owed to the buyer."""


@ties("net_total", "tax_total", "gross_total")
def totals_add_up(invoice: Invoice) -> list[Problem]:
    """`total_mismatch` unless net + tax = gross, the rounding let in or out."""
    net, tax, gross = invoice.net_total, invoice.tax_total, invoice.gross_total
    if net is None or tax is None or gross is None:
        return []
    if any(abs(net + tax + extra - gross) <= CENT for extra in (Decimal(0), invoice.rounding or Decimal(0))):
        return []
    message = f"Net {net} + tax {tax} is {net + tax}, the gross total says {gross}."
    return [Problem(code="total_mismatch", path="gross_total", message=message)]


@ties("gross_total", "amount_due")
def due_follows(invoice: Invoice) -> list[Problem]:
    """`due_mismatch`, `due_unexplained` unless gross - prepaid + rounding = due."""
    gross, due, prepaid = invoice.gross_total, invoice.amount_due, invoice.prepaid
    rounding = invoice.rounding or Decimal(0)
    if gross is None or due is None:
        return []
    expected = gross - (prepaid or 0)
    if abs(expected + rounding - due) <= CENT or abs(expected - due) <= CENT:
        return []
    if prepaid is None:
        # An XML that lacks the amount paid is held to that by the official rules, where its profile has room for it.
        message = f"{due} is due of {gross}, and nothing says why; an amount already paid must explain it."
        severity = error_if_printed(invoice, "amount_due")
        return [Problem(code="due_unexplained", path="amount_due", message=message, severity=severity)]
    message = f"Gross {gross} - prepaid {prepaid} + rounding {rounding} is {expected + rounding}, due says {due}."
    return [Problem(code="due_mismatch", path="amount_due", message=message)]


@ties("taxes.*.rate", "taxes.*.base", "taxes.*.amount")
def tax_rows_hold(invoice: Invoice) -> list[Problem]:
    """`tax_row_mismatch` for each row of the breakdown whose tax is not its rate of its base."""
    found: list[Problem] = []
    for number, tax in enumerate(invoice.taxes):
        if tax.rate is None or tax.base is None or tax.amount is None:
            continue
        expected = tax.base * tax.rate / 100
        if abs(expected - tax.amount) > _tax_slack(invoice):
            message = f"{tax.rate} % of {tax.base} is {_money(expected)}, the tax row says {tax.amount}."
            found.append(Problem(code="tax_row_mismatch", path=f"taxes.{number}.amount", message=message))
    return found


@ties("taxes.*.amount", "tax_total")
def tax_rows_add_up(invoice: Invoice) -> list[Problem]:
    """`tax_sum_mismatch` unless the rows of the breakdown add up to the tax total."""
    amounts = _total([tax.amount for tax in invoice.taxes])
    if amounts is None or invoice.tax_total is None or abs(amounts - invoice.tax_total) <= _row_slack(invoice):
        return []
    message = f"The tax rows add up to {amounts}, the tax total says {invoice.tax_total}."
    return [Problem(code="tax_sum_mismatch", path="tax_total", message=message)]


@ties("taxes.*.base", "net_total")
def tax_bases_add_up(invoice: Invoice) -> list[Problem]:
    """`tax_base_differs` unless what is taxed adds up to the net total; only noted where a part is not taxed."""
    bases = _total([tax.base for tax in invoice.taxes])
    if bases is None or invoice.net_total is None or abs(bases - invoice.net_total) <= _row_slack(invoice):
        return []
    message = f"The taxed amounts add up to {bases}, the net total says {invoice.net_total}."
    severity = "note" if abs(bases) < abs(invoice.net_total) else error_if_printed(invoice, "net_total")
    return [Problem(code="tax_base_differs", path="net_total", message=message, severity=severity)]


@ties("lines.*.line_total", "net_total")
def lines_add_up(invoice: Invoice) -> list[Problem]:
    """Notes `lines_differ` unless the lines add up to the net total, or to the gross total where they are with tax."""
    total = _total([line.line_total for line in invoice.lines])
    if total is None or invoice.net_total is None or _lines_vouched(invoice):
        return []
    message = (
        f"The lines add up to {total}, the net total says {invoice.net_total}: "
        f"allowances or charges of {invoice.net_total - total} must explain it."
    )
    return [Problem(code="lines_differ", path="net_total", message=message, severity="note")]


@ties("lines.*.quantity", "lines.*.unit_price", "lines.*.line_total")
def line_totals(invoice: Invoice) -> list[Problem]:
    """Quantity x unit price = line total, by the price base of 1 to 1000, before or with tax.

    An error only where the total may be misread, the sum of the lines does not vouch for it either, and it is no
    discount. EN 16931 lets a line's own allowances and charges stand between price and total.
    """
    vouched = _lines_vouched(invoice)
    found: list[Problem] = []
    for number, line in enumerate(invoice.lines):
        expected = _expected(line)
        if expected is None or line.line_total is None or _explained(line, expected):
            continue
        path = f"lines.{number}.line_total"
        discount = abs(line.line_total) < abs(expected) and line.line_total * expected >= 0
        found.append(
            Problem(
                code="line_mismatch",
                path=path,
                message=f"Line {number + 1}: {line.quantity} x {line.unit_price} is {_money(expected)}, "
                f"its total says {line.line_total}.",
                severity="note" if vouched or discount else error_if_printed(invoice, path),
            )
        )
    return found


def signs(invoice: Invoice) -> list[Problem]:
    """Net, tax and gross have one sign; a credit note that says less than nothing, or an invoice that does, is noted.

    EN 16931 has a credit note's amounts positive; on paper both ways are usual, and both mean a credit.
    """
    amounts = [a for a in (invoice.net_total, invoice.tax_total, invoice.gross_total) if a]
    if any(a < 0 for a in amounts) and any(a > 0 for a in amounts):
        said = f"net {invoice.net_total}, tax {invoice.tax_total}, gross {invoice.gross_total}"
        return [Problem(code="signs_mixed", path="gross_total", message=f"The totals have different signs: {said}.")]
    if not amounts or amounts[0] > 0:
        return []
    what = "A credit note" if invoice.type_code in CREDIT_NOTES else "An invoice"
    message = f"{what} with a negative total ({invoice.gross_total}): it is taken as a credit."
    return [Problem(code="negative_total", path="gross_total", message=message, severity="note")]


def _tax_slack(invoice: Invoice) -> Decimal:
    """Tax may be rounded a line at a time: half a cent a line, and a cent for the row."""
    return 2 * CENT + HALF_CENT * len(invoice.lines)


def _row_slack(invoice: Invoice) -> Decimal:
    return CENT * (1 + len(invoice.taxes))


def _total(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """The sum, where every amount is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _lines_vouched(invoice: Invoice) -> bool:
    """Whether the lines add up to the net total, or to the gross total where their prices are with tax."""
    total = _total([line.line_total for line in invoice.lines])
    slack = CENT + HALF_CENT * len(invoice.lines)
    sums = [t for t in (invoice.net_total, invoice.gross_total) if t is not None]
    return total is not None and any(abs(total - t) <= slack for t in sums)


def _expected(line: Line) -> Decimal | None:
    if line.quantity is None or line.unit_price is None:
        return None
    return line.quantity * line.unit_price


def _explained(line: Line, expected: Decimal) -> bool:
    """Whether a line total follows from quantity and price by a price base, a rounded price or the tax."""
    total = line.line_total or Decimal(0)
    price_slack = CENT + abs(line.quantity or 0) * _half_digit(line.unit_price or Decimal(0))
    bases = (expected / base for base in (1, 10, 100, 1000))
    if any(abs(value - total) <= (price_slack if value == expected else CENT) for value in bases):
        return True
    factor = 1 + (line.tax_rate or Decimal(0)) / 100
    return any(abs(value - total) <= price_slack for value in (expected * factor, expected / factor))


def _half_digit(price: Decimal) -> Decimal:
    """Half of the last digit that a price is printed with, which is at most half a cent."""
    exponent = price.as_tuple().exponent
    return min(HALF_CENT, Decimal(5).scaleb(exponent - 1)) if isinstance(exponent, int) else HALF_CENT


def _money(value: Decimal) -> Decimal:
    return value.quantize(CENT)

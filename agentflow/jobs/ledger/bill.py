"""The bill as people and other programs read it: JSON, CSV and a page that prints."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from agentflow.connectors.spreadsheets import cell
from agentflow.flow.pack import MINOR_DIGITS
from agentflow.jobs.ledger.margin import Margin

Line = Mapping[str, Any]

COLUMNS = ("date", "kind", "input", "outcome", "amount", "currency", "job", "pack", "price_list", "verification")
STYLE = """body{font:14px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:60rem;color:#111;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}
.n{text-align:right;font-variant-numeric:tabular-nums}tfoot td{font-weight:600;border-bottom:0}
small{color:#555}@media print{body{margin:0}}"""


def money(minor: int, currency: str) -> str:
    """An amount in minor units as text: 4000 USD-cents are `40.00`."""
    digits = MINOR_DIGITS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def as_json(head: Mapping[str, Any], lines: Sequence[Line]) -> str:
    """The bill as JSON; amounts in minor units."""
    return json.dumps({**head, "lines": list(lines)}, ensure_ascii=False, indent=1)


def as_csv(lines: Sequence[Line]) -> str:
    """The lines as CSV; text that a spreadsheet would take for a formula stands behind an apostrophe."""
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow(map(cell, _shown(line)))
    return told.getvalue()


def as_html(head: Mapping[str, Any], lines: Sequence[Line]) -> str:
    """The bill as one page that needs nothing from elsewhere."""
    shown = ("date", "kind", "input", "outcome", "job")
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(str(line[name]))}</td>' for name in shown)}"
        f"<td class=n>{money(line['amount_minor'], line['currency'])}</td></tr>"
        for line in lines
    )
    title = escape(f"{head['title']} - {head['tenant']}")
    total = f"{money(head['total_minor'], head['currency'])} {escape(head['currency'])}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<h1>{title}</h1><p><small>until {escape(head['until'])}; paid is what was verified, free what was not"
        f"</small></p><table><thead><tr>{''.join(f'<th>{name}</th>' for name in shown)}<th class=n>amount</th></tr>"
        f"</thead><tbody>{rows}</tbody><tfoot><tr><td colspan={len(shown)}>total</td><td class=n>{total}</td></tr>"
        f"</tfoot></table></html>\n"
    )


def margin_row(margin: Margin) -> dict[str, str]:
    """A margin as text: amounts with their currency, USD with six decimals where the column says so."""
    charged = [f"{money(minor, currency)} {currency}" for currency, minor in sorted((margin.charged or {}).items())]
    left = margin.margin_micros
    return {
        "name": margin.by,
        "jobs": str(margin.jobs),
        "calls": str(margin.calls),
        "charged": " + ".join(charged) or ("" if margin.charged is None else "0"),
        "cost_usd": _usd(margin.cost_micros),
        "free_cost_usd": _usd(margin.free_micros),
        "margin_usd": "" if left is None else _usd(left),
        "no_margin_for": margin.why_none or "",
    }


def margins_json(by: str, found: Sequence[Margin]) -> str:
    """Margins as JSON; amounts in minor units by currency, costs in millionths of a USD."""
    lines = [
        {
            by: one.by,
            "jobs": one.jobs,
            "calls": one.calls,
            "charged_minor": one.charged,
            "cost_usd_micros": one.cost_micros,
            "free_cost_usd_micros": one.free_micros,
            "margin_usd_micros": one.margin_micros,
            "no_margin_for": one.why_none,
        }
        for one in found
    ]
    return json.dumps({"by": by, "lines": lines}, ensure_ascii=False, indent=1)


def margins_csv(by: str, found: Sequence[Margin]) -> str:
    """Margins as CSV, a line each."""
    told = io.StringIO()
    writer = csv.writer(told)
    rows = [margin_row(one) for one in found]
    writer.writerow([by, "jobs", "calls", "charged", "cost_usd", "free_cost_usd", "margin_usd", "no_margin_for"])
    writer.writerows([row[name] if name == "margin_usd" else cell(row[name]) for name in row] for row in rows)
    return told.getvalue()


def _usd(micros: int) -> str:
    return f"{Decimal(micros).scaleb(-6):.6f}"


def _shown(line: Line) -> list[Any]:
    row = {**line, "amount": Decimal(money(line["amount_minor"], line["currency"]))}
    return [row[name] for name in COLUMNS]

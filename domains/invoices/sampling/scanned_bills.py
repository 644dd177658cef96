# ruff: noqa: RUF001 - invoices are printed with real multiplication signs and dashes
"""The bills that come as scans and photos."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from domains.invoices.sampling import bills
from domains.invoices.sampling import parties as p
from domains.invoices.sampling.bill import Bill, Item, lines

TRAINING = Bill(
    "HC/2026/0455",
    date(2026, 4, 30),
    p.HARROWMERE,
    p.TARVENHOLM_UK,
    lines("""
    Operator training, permit to work, per delegate | 16 H87 | 145.00 | 20
    Workbooks, printed | 16 H87 | 12.50 | 20
"""),
    currency="GBP",
    language="en",
    due=date(2026, 5, 30),
    customer="TVH-UK",
)

TILES = Bill(
    "502/2026",
    date(2026, 6, 30),
    p.VALDROSA,
    p.TARVENHOLM_IT,
    lines("""
    Piastra refrattaria cordierite 400 × 350 mm | 30 H87 | 21.60 | 22 | PR-43
    Tubo di protezione per termocoppia, L 500 | 25 H87 | 16.90 | 22 | TP-500
"""),
    language="it",
    due=date(2026, 8, 31),
    delivered=date(2026, 6, 29),
    customer="CL0993",
)

PALLETS = Bill(
    "20260571",
    date(2026, 4, 9),
    p.OOSTVELDER,
    p.TARVENHOLM_NL,
    lines("""
    Transport Westerhaven – Port-Elland, 6 pallets | 1 LS | 890.00 | 21
    Wachttijd chauffeur | 1.5 HUR | 52.00 | 21
"""),
    language="nl",
    due=date(2026, 5, 9),
    customer="40127",
)

SHAFTS = Bill(
    "A-26/1262",
    date(2026, 5, 19),
    p.MONTALBEA,
    p.TARVENHOLM_ES,
    tuple(
        Item(
            f"Eje TA-{2300 + 7 * i}, acero F-114, Ø {18 + i} mm, L {120 + 15 * i} mm",
            Decimal(4 + i % 3),
            "H87",
            Decimal(31 + 2 * i) + Decimal(15 * i % 100) / 100 + Decimal("0.00"),
            Decimal(21),
            f"EJ-{2300 + 7 * i}",
        )
        for i in range(28)
    ),
    language="es",
    due=date(2026, 6, 18),
    delivered=date(2026, 5, 15),
    customer="0771",
)

GASKETS = replace(
    bills.VALVES,
    number="INV-104530",
    issued=date(2026, 4, 5),
    due=date(2026, 5, 5),
    po=None,
    items=lines("""
    PTFE gasket set, ANSI 300 | 40 H87 | 13.60 | 7.25 | GS-300-PT
"""),
)

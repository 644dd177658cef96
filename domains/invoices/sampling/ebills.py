# ruff: noqa: RUF001 - invoices are printed with real multiplication signs and dashes
"""The bills that come as e-invoices, alone or inside a PDF or an e-mail, and those that a trick is played with."""

from dataclasses import replace
from datetime import date

from domains.invoices.sampling import parties as p
from domains.invoices.sampling.bill import Bill, lines

REFUND = Bill(
    "CN-2026-31",
    date(2026, 5, 20),
    p.HARROWMERE,
    p.TARVENHOLM_UK,
    lines("""
    HAZOP study: half day not held | 0.5 DAY | 1150.00 | 20
"""),
    currency="GBP",
    language="en",
    type_code="381",
    corrects="HC/2026/0412",
)

LICENCES = Bill(
    "SW-2026-0915",
    date(2026, 4, 1),
    p.SOMMERAU,
    p.TARVENHOLM,
    lines("""
    Planungssuite „Fluss“, Arbeitsplatz, April bis Juni 2026 | 14 MON | 89.00 | 0
    Einrichtung Schnittstelle Stücklisten | 8 HUR | 118.00 | 0
"""),
    due=date(2026, 4, 15),
    delivered=date(2026, 4, 1),
    customer="AT-2203",
    exempt=("AE", "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge)"),
    note="Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge).",
)

LAMPS = Bill(
    "LR 260511-7",
    date(2026, 5, 11),
    p.LUMENTAL,
    p.TARVENHOLM,
    lines("""
    Hallenstrahler „Zenit 150“, 150 W, 5000 K, IP65 | 22 H87 | 168.50 | 19
    Notlichtelement 3 h, steckbar | 6 H87 | 54.90 | 19
    Abhängeset Drahtseil, 2 m | 22 H87 | 7.35 | 19
"""),
    due=date(2026, 6, 10),
    delivered=date(2026, 5, 8),
    po="4500071345",
    customer="771-03",
)

PANELS = Bill(
    "F2026-0341",
    date(2026, 6, 11),
    p.MIRVAUX,
    p.TARVENHOLM_FR,
    lines("""
    Panneau de consigne, dibond 600 × 400 mm | 10 H87 | 46.00 | 20 | PN-600
    Pictogramme ISO 7010, adhésif, lot de 10 | 12 XBX | 14.25 | 20 | ISO-7010
"""),
    language="fr",
    due=date(2026, 7, 11),
    delivered=date(2026, 6, 9),
    customer="C00418",
)

BROCHURES = Bill(
    "88341",
    date(2026, 4, 24),
    p.EBBINGHOF,
    p.TARVENHOLM,
    lines("""
    Imagebroschüre, 24 Seiten, Rückstichheftung | 1500 H87 | 1.18 | 7
    Lasergestanzte Präsentationsmappe | 400 H87 | 2.65 | 19
"""),
    due=date(2026, 5, 24),
    delivered=date(2026, 4, 22),
    customer="K-1180",
)

FILTERS = Bill(
    "VF26/00582",
    date(2026, 3, 3),
    p.BRAAMVELD,
    p.TARVENHOLM_NL,
    lines("""
    Filterpatroon FP-120, polyester | 16 H87 | 87.40 | 0
    Afdichtring EPDM, Ø 160 mm | 32 H87 | 3.95 | 0
"""),
    language="nl",
    due=date(2026, 4, 2),
    delivered=date(2026, 3, 2),
    exempt=("K", "Intracommunautaire levering"),
)

CABINETS = Bill(
    "26-20410",
    date(2026, 4, 14),
    p.FALKWITZ,
    p.TARVENHOLM,
    lines("""
    Schaltschrank 800 × 1200 × 300 mm, RAL 7035 | 4 H87 | 412.00 | 19
    Verdrahtung nach Stromlaufplan TA-4410 | 38 HUR | 64.50 | 19
"""),
    due=date(2026, 5, 14),
    delivered=date(2026, 4, 10),
    po="4500071301",
    customer="D-70114",
)

STATIONERY = Bill(
    "RE-26-02240",
    date(2026, 5, 5),
    p.QUELLSTEIN,
    p.TARVENHOLM,
    lines("""
    Aktenordner A4, 80 mm, schwarz | 60 H87 | 2.19 | 19 | AO-80-S
    Whiteboardmarker, 4er-Etui | 15 H87 | 5.49 | 19 | WM-4
"""),
    due=date(2026, 6, 4),
    delivered=date(2026, 5, 4),
    customer="20417",
)

LAMPS_AGAIN = replace(
    LAMPS,
    items=lines("""
    Hallenstrahler „Zenit 150“, 150 W, 5000 K, IP65 | 8 H87 | 168.50 | 19
"""),
    issued=date(2026, 5, 29),
    due=date(2026, 6, 28),
    delivered=date(2026, 5, 27),
    po=None,
)

UPGRADE = replace(
    LICENCES,
    number="SW-2026-1044",
    issued=date(2026, 5, 4),
    due=date(2026, 5, 18),
    delivered=date(2026, 5, 4),
    items=lines("""
    Planungssuite „Fluss“, Zusatzmodul Rohrleitungen | 14 MON | 24.00 | 0
"""),
)

MOTORS = replace(
    CABINETS,
    number="26-20611",
    issued=date(2026, 6, 2),
    due=date(2026, 7, 2),
    delivered=date(2026, 5, 29),
    po="4500071410",
    items=lines("""
    Getriebemotor 2,2 kW, B5, einschließlich Montage | 3 H87 | 742.00 | 19
"""),
)

DRIVES = replace(
    MOTORS,
    number="26-20640",
    issued=date(2026, 6, 9),
    due=date(2026, 7, 9),
    delivered=date(2026, 6, 8),
    po="4500071422",
    items=lines("""
    Frequenzumrichter 7,5 kW, Rückwandmontage | 5 H87 | 618.00 | 19
    Inbetriebnahme | 6 HUR | 72.00 | 19
"""),
)

TONER = replace(
    STATIONERY,
    number="RE-26-02391",
    issued=date(2026, 6, 1),
    due=date(2026, 7, 1),
    delivered=date(2026, 5, 29),
    items=lines("""
    Tonerkartusche schwarz, 12.000 Seiten | 8 H87 | 94.90 | 19 | TK-12S
"""),
)

LABELS = replace(
    PANELS,
    number="F2026-0358",
    issued=date(2026, 6, 22),
    due=date(2026, 7, 22),
    delivered=date(2026, 6, 19),
    items=lines("""
    Étiquette d'inspection vinyle, lot de 100 | 20 XBX | 27.30 | 20 | EI-100
"""),
)

ROUNDED = replace(
    BROCHURES,
    number="88390",
    issued=date(2026, 5, 13),
    due=date(2026, 6, 12),
    delivered=date(2026, 5, 12),
    items=lines("""
    Wandkalender 2027, Vorbestellung | 250 H87 | 3.96 | 19
"""),
)

PUMP = replace(
    FILTERS,
    number="VF26/00640",
    issued=date(2026, 4, 16),
    due=date(2026, 5, 16),
    delivered=date(2026, 4, 15),
    items=lines("""
    Filterhuis RVS 304, DN 50 | 3 H87 | 318.00 | 0
"""),
)

CHILLER = Bill(
    "2026/118",
    date(2026, 5, 26),
    p.WOLKENRIED,
    p.TARVENHOLM,
    lines("""
    Wartung Kaltwassersatz KWS 2, Halle 1 | 1 LS | 540.00 | 19
    Kältemittel R-513A, nachgefüllt | 3.5 KGM | 46.80 | 19
"""),
    due=date(2026, 6, 25),
    delivered=date(2026, 5, 21),
)

BINDERS = replace(
    STATIONERY,
    number="RE-26-02502",
    issued=date(2026, 6, 17),
    due=date(2026, 7, 17),
    delivered=date(2026, 6, 16),
    items=lines("""
    Ringbuch A4, 2 Ringe, Sichttasche | 80 H87 | 3.29 | 19 | RB-2
"""),
)

LOCKERS = replace(
    STATIONERY,
    number="RE-26-02455",
    issued=date(2026, 6, 10),
    due=date(2026, 7, 10),
    delivered=date(2026, 6, 8),
    items=lines("""
    Spindschrank, 3 Abteile, lichtgrau | 6 H87 | 214.00 | 19 | SP-3
"""),
)
WIRING = replace(
    CABINETS,
    number="26-20588",
    issued=date(2026, 5, 22),
    due=date(2026, 6, 21),
    delivered=date(2026, 5, 20),
    po=None,
    items=lines("""
    Fehlersuche und Instandsetzung Förderband 2 | 6.5 HUR | 68.00 | 19
    Kleinmaterial | 1 LS | 41.30 | 19
"""),
)
CALENDARS = replace(
    BROCHURES,
    number="88411",
    issued=date(2026, 6, 8),
    due=date(2026, 7, 8),
    delivered=date(2026, 6, 5),
    items=lines("""
    Sicherheitsfaltblatt, 6-seitig, Wickelfalz | 2000 H87 | 0.24 | 19
"""),
)

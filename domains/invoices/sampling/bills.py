# ruff: noqa: RUF001 - invoices are printed with real multiplication signs and dashes
"""The bills that come as pages: what was sold, by whom, to whom, when, for how much."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from domains.invoices.sampling import parties as p
from domains.invoices.sampling.bill import Allowance, Bill, lines

OFFICE = Bill(
    "RE-26-01874",
    date(2026, 3, 12),
    p.QUELLSTEIN,
    p.TARVENHOLM,
    lines("""
    Kopierpapier A4, 80 g/m², weiß, 500 Blatt | 40 H87 | 4.35 | 19 | KP-80-A4
    Hängeregistermappen, Recyclingkarton, grün | 6 XBX | 23.90 | 19 | HR-207
    Bürodrehstuhl „Lenne“, höhenverstellbar, Netzrücken | 3 H87 | 289.00 | 19 | BS-LEN-3
    Lieferung frei Verwendungsstelle, 2. OG | 1 LS | 35.00 | 19 | FRACHT
"""),
    due=date(2026, 4, 11),
    delivered=date(2026, 3, 10),
    po="4500071233",
    customer="20417",
)

SAFETY = Bill(
    "HC/2026/0412",
    date(2026, 3, 14),
    p.HARROWMERE,
    p.TARVENHOLM_UK,
    lines("""
    HAZOP study, mixing line 2: facilitation on site | 3 DAY | 1150.00 | 20
    HAZOP report and action register | 12.5 HUR | 96.00 | 20
    Travel and subsistence at cost | 1 LS | 318.40 | 20
"""),
    currency="GBP",
    language="en",
    due=date(2026, 4, 13),
    customer="TVH-UK",
)

SIGNS = Bill(
    "F2026-0297",
    date(2026, 5, 7),
    p.MIRVAUX,
    p.TARVENHOLM_FR,
    lines("""
    Plaque signalétique gravée, aluminium anodisé 200 × 100 mm | 24 H87 | 18.50 | 20 | PG-200
    Étiquettes de tuyauterie selon NF X 08-100, rouleau | 15 H87 | 32.80 | 20 | ET-NF
    Manuel de sécurité imprimé, relié | 60 H87 | 9.40 | 5.5 | MAN-S
    Pose sur site, deux techniciens | 6 HUR | 58.00 | 20 | POSE
"""),
    language="fr",
    due=date(2026, 6, 6),
    delivered=date(2026, 5, 5),
    customer="C00418",
    po="BC-7741",
)

FREIGHT = Bill(
    "20260388",
    date(2026, 2, 19),
    p.OOSTVELDER,
    p.TARVENHOLM_NL,
    lines("""
    Transport Westerhaven – Tarvenholm, 14 pallets | 1 LS | 1480.00 | 21
    Opslag pallets, januari 2026 | 86 DAY | 4.25 | 21
    Vakliteratuur: handboek ladingzekering | 2 H87 | 39.50 | 9
    Dieseltoeslag | 1 LS | 118.40 | 21
"""),
    language="nl",
    due=date(2026, 3, 21),
    customer="40127",
    po="NL-2026-118",
)

INSULATORS = Bill(
    "418/2026",
    date(2026, 6, 3),
    p.VALDROSA,
    p.TARVENHOLM_IT,
    lines("""
    Isolatore portante in steatite, Ø 40 mm | 250 H87 | 7.84 | 22 | IS-40/S
    Boccola ceramica rettificata, tolleranza h6 | 120 H87 | 12.15 | 22 | BC-R6
    Imballo e trasporto | 1 LS | 85.00 | 22 | TRASP
"""),
    language="it",
    due=date(2026, 7, 31),
    delivered=date(2026, 6, 1),
    customer="CL0993",
    po="IT/26/077",
)

MACHINING = Bill(
    "A-26/1180",
    date(2026, 4, 3),
    p.MONTALBEA,
    p.TARVENHOLM_ES,
    lines("""
    Eje mecanizado según plano TA-2207, acero F-114 | 18 H87 | 74.60 | 21 | EJ-2207
    Brida de acoplamiento DN 80, mecanizada y taladrada | 36 H87 | 41.25 | 21 | BR-080
    Tratamiento térmico y certificado de dureza | 1 LS | 390.00 | 21 | TT-01
"""),
    language="es",
    due=date(2026, 5, 3),
    delivered=date(2026, 4, 1),
    customer="0771",
    po="PC-26-0415",
)

VALVES = Bill(
    "INV-104418",
    date(2026, 3, 28),
    p.BIRCHLAKE,
    p.TARVENHOLM_US,
    lines("""
    Ball valve, 2 in., stainless 316, full port | 12 H87 | 184.50 | 7.25 | BV-200-316
    PTFE gasket set, ANSI 150 | 30 H87 | 11.20 | 7.25 | GS-150-PT
    Compression fitting, 1/2 in. NPT | 48 H87 | 9.75 | 7.25 | CF-050-N
"""),
    currency="USD",
    language="en",
    due=date(2026, 4, 27),
    customer="TARV-01",
    po="US-30881",
)

CALIBRATION = Bill(
    "2026-0733",
    date(2026, 5, 7),
    p.HUEGELMATT,
    p.TARVENHOLM_CH,
    lines("""
    Kalibrierung Drehmomentschlüssel, akkreditiert, mit Zertifikat | 9 H87 | 137.15 | 8.1
    Inspektion Druckbehälter nach Wartungsplan | 16.5 HUR | 148.00 | 8.1
    Anfahrt Zone 3 | 2 LS | 95.00 | 8.1
"""),
    currency="CHF",
    language="de",
    due=date(2026, 6, 6),
    customer="9987-2",
    po="CH-2026-52",
)

BEARINGS = Bill(
    "KP-260417-2",
    date(2026, 4, 17),
    p.KAZEHARA,
    p.TARVENHOLM,
    lines("""
    Micro bearing, 6 x 13 x 5 mm, ceramic hybrid | 400 H87 | 640 | 10 | MB-613-CH
    Micro bearing, 8 x 16 x 5 mm, shielded | 250 H87 | 415 | 10 | MB-816-S
    Inspection certificate per lot | 3 H87 | 8500 | 10 | CERT-L
"""),
    currency="JPY",
    language="en",
    due=date(2026, 5, 31),
    po="4500071302",
)

PROOFS = Bill(
    "88213",
    date(2026, 1, 30),
    p.EBBINGHOF,
    p.TARVENHOLM,
    lines("""
    Betriebsanleitung Rührwerk RW 7, 148 Seiten, Klebebindung | 300 H87 | 6.42 | 7
    Satz und Korrekturlauf, 2 Durchgänge | 9.5 HUR | 72.00 | 19
    Faltschachteln mit Aufdruck, 1-farbig | 25 XBX | 31.80 | 19
    Musterseiten auf Naturpapier | 1 LS | 48.00 | 7
"""),
    due=date(2026, 2, 28),
    delivered=date(2026, 1, 28),
    customer="K-1180",
    allowance=Allowance("Treuerabatt", Decimal("50.00"), Decimal(19)),
    prepaid=Decimal("500.00"),
)

_CABLES = lines("""
    Mantelleitung NYM-J 3 × 1,5 mm² | 1 MTR | 0.89 | 19
    Mantelleitung NYM-J 5 × 2,5 mm² | 1 MTR | 2.14 | 19
    Erdkabel NYY-J 4 × 16 mm² | 1 MTR | 9.37 | 19
    Steuerleitung 12 × 1,0 mm², nummeriert | 1 MTR | 4.62 | 19
    Installationsrohr M25, 3 m | 1 H87 | 3.18 | 19
    Kabelrinne 200 × 60 mm, verzinkt, 3 m | 1 H87 | 27.45 | 19
    Reihenklemme 4 mm², grau | 1 H87 | 1.26 | 19
    Schutzleiterklemme 4 mm² | 1 H87 | 2.83 | 19
    Leitungsschutzschalter B16, 1-polig | 1 H87 | 6.95 | 19
    FI-Schutzschalter 40 A / 30 mA, 4-polig | 1 H87 | 58.20 | 19
    Hauptschalter 63 A, abschließbar | 1 H87 | 74.90 | 19
    Sammelschiene 3-phasig, 210 mm | 1 H87 | 12.75 | 19
    Schaltschrank 800 × 1200 × 300 mm, RAL 7035 | 1 H87 | 412.00 | 19
    Montageplatte verzinkt, 750 × 1150 mm | 1 H87 | 96.40 | 19
    Schrankleuchte LED mit Türschalter | 1 H87 | 43.60 | 19
    Filterlüfter 55 m³/h mit Austrittsfilter | 1 H87 | 88.15 | 19
""")

SWITCHGEAR = Bill(
    "26-20733",
    date(2026, 6, 26),
    p.FALKWITZ,
    p.TARVENHOLM,
    tuple(
        replace(item, text=item.text + (f", Feld {n}" if n > 1 else ""), quantity=Decimal(7 * (i % 5) + 4 * n - 1))
        for n in (1, 2, 3)
        for i, item in enumerate(_CABLES)
    ),
    due=date(2026, 7, 26),
    delivered=date(2026, 6, 22),
    po="4500071388",
    customer="D-70114",
    note="Lieferung für Bauvorhaben Mischanlage Halle 4, Lieferscheine 26-5512 bis 26-5519.",
)

RETURN = Bill(
    "GS-26-00118",
    date(2026, 4, 2),
    p.QUELLSTEIN,
    p.TARVENHOLM,
    lines("""
    Bürodrehstuhl „Lenne“, Rücknahme wegen Polsterschaden | 1 H87 | 289.00 | 19 | BS-LEN-3
"""),
    type_code="381",
    customer="20417",
    corrects="RE-26-01874",
    delivered=date(2026, 3, 30),
)

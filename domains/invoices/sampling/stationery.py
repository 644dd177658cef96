"""Which supplier writes on which form."""

from domains.invoices.sampling import layouts, layouts_abroad
from domains.invoices.sampling.paper import Form
from domains.invoices.sampling.sheet import LETTER
from domains.invoices.sampling.table import Style, columns

QUELLSTEIN = Form(
    layouts.window,
    "de",
    columns(pos=10, article=22, text=66, quantity=14, unit=16, price=20, total=22),
    accent="#1f5b4a",
)
FALKWITZ = Form(
    layouts.window,
    "de",
    columns(pos=11, text=83, quantity=17, unit=15, price=21, total=23),
    accent="#8c2f1b",
    family="serif",
    style=Style(size=10),
)
EBBINGHOF = Form(
    layouts.window,
    "de",
    columns(pos=11, text=70, quantity=15, unit=16, rate=15, price=22, total=21),
    accent="#333d6b",
    family="vera",
    style=Style(look="bare", size=8, head="#e6e8f1"),
)
SOMMERAU = Form(
    layouts.modern,
    "de",
    columns(text=86, quantity=18, unit=18, price=23, total=25),
    accent="#274c77",
    style=Style(look="stripes", head="#dfe6ee"),
)
LUMENTAL = Form(
    layouts.modern,
    "de",
    columns(pos=10, text=80, quantity=17, unit=15, price=23, total=25),
    accent="#b3541e",
    family="vera",
    style=Style(look="stripes", size=8, head="#f4e3d7"),
)
HARROWMERE = Form(
    layouts.letter,
    "en",
    columns(text=88, quantity=16, unit=16, price=22, total=24),
    accent="#3a3a5c",
    style=Style(look="rules", head="#3a3a5c", head_ink="#ffffff"),
)
MIRVAUX = Form(
    layouts_abroad.boxed,
    "fr",
    columns(article=22, text=70, quantity=14, unit=14, price=20, rate=14, total=20),
    accent="#0f5257",
    style=Style(look="grid", size=8.5, head="#e4ecef"),
)
OOSTVELDER = Form(
    layouts_abroad.freight,
    "nl",
    columns(quantity=18, unit=20, text=72, price=20, rate=17, total=23),
    accent="#c45a00",
    style=Style(look="stripes"),
)
VALDROSA = Form(
    layouts_abroad.southern,
    "it",
    columns(article=24, text=68, unit=14, quantity=16, price=22, rate=14, total=22),
    accent="#7a1f1f",
    family="serif",
    style=Style(look="grid", size=9.5, head="#ececec", floor=190),
)
MONTALBEA = Form(
    layouts_abroad.southern,
    "es",
    columns(article=22, text=80, quantity=18, price=28, total=32),
    accent="#1a1a1a",
    style=Style(look="grid", head="#ececec", floor=190),
)
BIRCHLAKE = Form(
    layouts_abroad.american,
    "en-US",
    columns(quantity=16, article=30, text=82, price=26, total=26),
    accent="#24426b",
    size=LETTER,
    style=Style(look="grid", head="#e7ebf0"),
)
HUEGELMATT = Form(
    layouts.swiss,
    "de-CH",
    columns(pos=10, text=88, quantity=16, unit=14, price=20, total=22),
    accent="#c1121f",
    style=Style(look="bare"),
)
KAZEHARA = Form(
    layouts_abroad.export,
    "en-JP",
    columns(pos=10, article=28, text=62, quantity=22, price=22, total=26),
    style=Style(look="grid", size=8.5),
)
BRAAMVELD = Form(
    layouts_abroad.freight,
    "nl",
    columns(text=96, quantity=22, price=26, total=26),
    accent="#2d6a4f",
    family="vera",
    style=Style(look="grid", size=8, head="#e3efe8"),
)

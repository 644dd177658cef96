"""Recognising names and addresses: legal forms, streets, towns, and lines that are neither."""

# ruff: noqa: RUF001 - signs that look alike are what is read here

import re

from domains.invoices.extraction.lexicon import places_table
from domains.invoices.extraction.text import fold

LEGAL = re.compile(
    r"(?<![\w.])(?:GmbH(?:\s*&\s*Co\.?\s*(?:KG(?:aA)?|OHG))?|gGmbH|GesmbH|mbH|AG|KGaA|KG|OHG|GbR|"
    r"UG(?:\s*\(haftungsbeschränkt\))?|e\.\s?K\.|e\.\s?Kfm\.|e\.\s?V\.|eG|SE|a\.\s?G\.|"
    r"VVaG|Ltd\.?|Limited|LTD\.?|LIMITED|LLC|L\.L\.C\.|Inc\.?|INC\.?|Incorporated|Corp\.?|CORP\.?|Corporation|Co\.|"
    r"PLC|plc|LLP|L\.P\.|B\.\s?V\.|BV|N\.\s?V\.|NV|BVBA|SPRL|VOF|V\.O\.F\.|S\.A\.S\.?|"
    r"SASU|SAS|S\.?A\.?R\.?L\.?|SARL|Sàrl|EURL|SNC|SCOP|SCI|S\.\s?p\.\s?A\.|SpA|SPA|S\.\s?r\.\s?l\.s?|Srl|SRL|"
    r"S\.R\.L\.|SRLS|[Ss]\.\s?[Nn]\.\s?[Cc]\.|[Ss]\.\s?[Cc]\.|[Ss]\.\s?[Aa]\.\s?[Ss]\.|S\.\s?L\.(?:\s?U\.)?|SLU|"
    r"S\.A\.U\.|S\.\s?A\.|SA|Lda\.?|Ltda\.?|LDA|"
    r"Unipessoal|AB|HB|KB|[Aa]\.?m\.?b\.?a\.?|CVBA|VZW|ASBL|CVR?L|SCRL|UAB|OÜ|SIA|EOOD|OOD|j\.d\.o\.o\.|d\.d\.|v\.\s?o\.\s?s\.|k\.\s?s\.|IVS|A/S|ApS|ASA|AS|I/S|P/S|K/S|Oyj|Oy|OY|Ab|Tmi|Ky|[Ss]p\.\s?z\s?o\.\s?o\.|Sp\.\s?[jk]\.|"
    r"s\.\s?r\.\s?o\.|a\.\s?s\.|Kft\.?|Zrt\.?|Nyrt\.?|Bt\.|d\.o\.o\.|S\.C\.|"
    r"SDN\.?\s*BHD\.?|Sdn\.?\s*Bhd\.?|BHD|Pte\.?(?:\s+Ltd\.?)?|Pty\.?(?:\s+Ltd\.?)?|Pvt\.?(?:\s+Ltd\.?)?|Foundation|"
    r"Stiftung|Verein)(?![\w])"
)
TOWN = re.compile(
    r"(?:^|[\s,·•|-])(?:(?:[A-Z]{1,3}[-\s–]\s?)?(?:\d{4,6}\s+|\d{5})[A-ZÀ-ÖØ-ÞŁŚŻŹČŠŽ][\w.'’-]+|"
    r"\d{4}\s?[A-Z]{2}\s+[^\W\d_]{2,}|[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b|"
    r"[^\W\d_]{3,}[,.]?\s+[A-Z]{2}\.?,?\s+\d{5}(?:-\d{4})?|\d{2}-\d{3}\s+\w|\d{4}-\d{3}\s+\w|"
    r"(?:[A-Z]{1,2}-)?\d{3}\s\d{2}\s+[^\W\d_]{2,}|"
    r"[A-Z]\d[A-Z]\s?\d[A-Z]\d|[^\W\d_]{3,}\s*,?\s+(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT)\s+\d{4})"
)
STREET = re.compile(
    r"(?i)^(?:[^\d@:]{3,45}[\s.]\d{1,5}\s?[a-z]?(?:\s?[-/+]\s?\d+\s?[a-z]?)?(?:[,\s].{0,25})?|"
    r"\d{1,5}\s?[a-z]?(?:bis|ter)?,?\s+(?:rue|avenue|av\.?|boulevard|bd|chemin|route|place|quai|all[ée]e|impasse|"
    r"cours)\b.*|"
    r"\d{1,5}[a-z]?(?:-\d+)?\s+[^\d@€$%]{3,60}|(?:p\.?\s?o\.?\s?box|postfach|postbus|b\.?p\.?|box|casella postale|"
    r"apartado)\s+\d+.*|(?:no\.?|lot|suite|unit|floor|level|blk|block)\s*[\w&,/ -]*\d.*)$"
)
CONTACT = re.compile(
    r"(?i)@|www\.|https?:|(?:^|\s)(?:tel|telefon|fon|phone|fax|mobile?|telefono|tlf|puh|e-?mail|internet|web|"
    r"homepage)\b\.?\s*(?:no\.?|nr\.?)?\s*(?:[:+(]|\d)|[☎✉📞]|^\+?[\d\s()/.-]{7,}$"
)
SALUTATION = re.compile(
    r"(?i)^(?:herrn?|familie|family|eheleute|m\. et mme|frau|firma|fa\.|an|mr\.?|mrs\.?|ms\.?|monsieur|madame|"
    r"sig\.?|sr\.?|spett(?:\.le|abile)?|an die|"
    r"an den|dhr\.|mevr\.|messrs\.?|societ[ée]|exmos?\.?\s*\(?s\)?\.?.*)$"
)
ATTENTION = re.compile(
    r"(?i)^(?:attn|attention|z\.?\s?hd?\.?|zu h[aä]nden|à l'attention de|t\.?a\.?v\.?|c\s?/\s?o|a\.c\.|"
    r"att)\b[.:]?\s*(?:of\s|von\s|de\s)?"
)
REGISTERED = re.compile(r"\s*[(（](?:co\.?\s*(?:reg\.?\s*)?(?:no\.?)?\s*:?\s*)?\d{4,}[-\w]*\s*[)）]$", re.IGNORECASE)
"""A company register number in brackets behind a name."""
SEPARATED = re.compile(r"\s*(?:[•·●|∙■▪*;–—]|\s-\s|,\s)\s*")


def has_legal_form(text: str) -> bool:
    """Whether a text names a company with its legal form."""
    match = LEGAL.search(text)
    return bool(match and sum(c.isalpha() for c in text[: match.start()]) >= 2)


def is_town(text: str) -> bool:
    """Whether a line holds a post code with its town."""
    return bool(TOWN.search(text)) and len(text) < 70


def is_street(text: str) -> bool:
    """Whether a line is a street with a number, a post box or the like."""
    return bool(STREET.match(text.strip())) and len(text) < 70


def is_country(text: str) -> bool:
    """Whether a line is the name of a country."""
    return fold(text).strip(" .,") in places_table()["names"]["countries"]


def is_contact(text: str) -> bool:
    """Whether a line is about telephone, mail or web."""
    return bool(CONTACT.search(text))


def could_be_name(text: str) -> bool:
    """Whether a line may be the name of a firm or a person: words, not an address, a contact or a number."""
    plain = text.strip(" .,:;*-|")
    letters = sum(c.isalpha() for c in plain)
    if letters < 2 or len(plain) > 80 or plain.endswith("?") or letters < 0.5 * len(plain.replace(" ", "")):
        return False
    if is_country(plain) or is_contact(plain) or (not has_legal_form(plain) and (is_town(plain) or is_street(plain))):
        return False
    return len(plain.split()) <= 9


def clean_name(text: str) -> str:
    """A name as printed, less an attention mark before it and punctuation after it."""
    alone = re.split(r"\s*[·•|●∙]\s*", text.strip(" ·•|●∙*"))[0]
    return REGISTERED.sub("", ATTENTION.sub("", alone)).strip(" ,;:-–")

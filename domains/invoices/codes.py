"""Codes: bank accounts, banks, VAT ids and currencies in their plain form, and whether they can be real."""

import re
import unicodedata

_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AO25 AT20 AX18 AZ28 BA20 BE16 BF28 BG22 BH22 BI27 BJ28 BL27 BR29 BY28 CF27 CG27 CH21 CI28 CM27 "
    "CR22 CV25 CY28 CZ24 DE22 DJ27 DK18 DO28 DZ26 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GA27 GB22 GE22 GF27 GG22 GI23 "
    "GL18 GP27 GQ27 GR27 GT28 GW25 HN28 HR21 HU28 IE22 IL23 IM22 IQ23 IR26 IS26 IT27 JE22 JO30 KM27 KW30 KZ20 LB28 "
    "LC32 LI21 LT20 LU20 LV21 LY25 MA28 MC27 MD24 ME22 MF27 MG27 MK19 ML28 MN20 MQ27 MR27 MT31 MU30 MZ25 NC27 NE28 "
    "NI28 NL18 NO15 OM23 PF27 PK24 PL28 PM27 PS29 PT25 QA29 RE27 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 "
    "SN28 SO23 ST25 SV28 TD27 TF27 TG28 TL23 TN24 TR26 UA29 VA22 VG24 WF27 XK20 YE30 YT27"
)
IBAN_LENGTH = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
"""Characters of an IBAN by country, after SWIFT's IBAN registry."""

_VAT_FORMS = {
    "AT": r"U\d{8}",
    "BE": r"[01]?\d{9}",
    "BG": r"\d{9,10}",
    "CH": r"E\d{9}(MWST|TVA|IVA|TPV)?",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z]",
    "EU": r"\d{9}",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"\d{9}|\d{12}|(GD|HA)\d{3}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]|\d{7}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"\d{9}|\d{12}",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "NO": r"\d{9}(MVA)?",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}\d{2}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"\d{9}|\d{12}|(GD|HA)\d{3}",
}

_CURRENCIES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ "
    "GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD "
    "LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP "
    "PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP "
    "TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF XSU XUA YER ZAR ZMW "
    "ZWG"
)
CURRENCIES = frozenset(_CURRENCIES.split())
"""ISO 4217 codes that an invoice can be in, with two that ended lately."""


def plain(code: str) -> str:
    """A code with letters and digits only, in capitals: spaces, dots and dashes are for the eye."""
    return "".join(c for c in unicodedata.normalize("NFKC", code).upper() if c.isalnum())


def iban_fault(iban: str) -> str | None:
    """What is wrong with an IBAN, in words; None where it can be real (ISO 13616: length by country, mod 97)."""
    code = plain(iban)
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}", code, re.ASCII):
        return "it does not have the form of an IBAN"
    length = IBAN_LENGTH.get(code[:2])
    if length and len(code) != length:
        return f"it has {len(code)} characters, an IBAN of {code[:2]} has {length}"
    digits = "".join(str(int(c, 36)) for c in code[4:] + code[:4])
    return None if int(digits) % 97 == 1 else "its check digits are wrong"


def is_bic(bic: str) -> bool:
    """Whether a bank's code has the form of ISO 9362: 4 letters, country, 2 characters, and 3 more or none."""
    return re.fullmatch(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", plain(bic), re.ASCII) is not None


def vat_id(code: str) -> str:
    """A VAT id in its plain form, with Greece under one name and Norway's and Switzerland's endings left out."""
    bare = plain(code)
    bare = f"EL{bare[2:]}" if re.match(r"GR\d", bare) else bare
    return re.sub(r"(?<=\d)(MVA|MWST|TVA|IVA|TPV)$", "", bare)


def is_vat_id(code: str) -> bool | None:
    """Whether a VAT id has its country's form; None where it names no country that we know the form of."""
    bare = vat_id(code)
    form = _VAT_FORMS.get(bare[:2])
    return None if form is None else re.fullmatch(form, bare[2:], re.ASCII) is not None

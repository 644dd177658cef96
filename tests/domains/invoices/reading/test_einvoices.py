"""E-invoices: an XML alone, and the XML that a PDF carries."""

import pytest

from .conftest import Open
from .papers import CII, UBL, letter, with_attachments


@pytest.mark.parametrize(("xml", "syntax"), [(UBL, "ubl"), (CII, "cii")])
def test_an_xml_alone_is_an_e_invoice_without_a_page(opened: Open, xml: bytes, syntax: str) -> None:
    found = opened(xml)
    assert (found.kind, found.xml, found.syntax, found.layout) == ("einvoice", xml, syntax, None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_no_harm(opened: Open, encoding: str) -> None:
    assert opened(UBL.decode().encode(encoding)).syntax == "ubl"


def test_a_pdf_with_an_xml_is_an_e_invoice_with_pages(opened: Open) -> None:
    found = opened(with_attachments(letter().pdf(), factur_x_xml=CII))
    assert (found.kind, found.xml, found.syntax) == ("einvoice", CII, "cii")
    assert found.layout is not None
    assert found.layout.pages[0].words


def test_an_attached_ubl_is_found_under_any_name(opened: Open) -> None:
    assert opened(with_attachments(letter().pdf(), data=UBL)).syntax == "ubl"


def test_the_name_of_the_standard_comes_before_another_xml(opened: Open) -> None:
    assert opened(with_attachments(letter().pdf(), aaa_xml=UBL, factur_x_xml=CII)).syntax == "cii"


def test_an_attachment_that_is_no_invoice_is_passed_over(opened: Open) -> None:
    assert opened(with_attachments(letter().pdf(), terms_xml=b"<terms/>", readme=b"hello")).kind == "pages"


def test_an_attached_xml_with_a_dtd_is_refused(opened: Open) -> None:
    hostile = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + CII
    problem = opened(with_attachments(letter().pdf(), factur_x_xml=hostile)).problem
    assert problem is not None
    assert problem.code == "xml_refused"

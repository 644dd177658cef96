"""E-mails: the one invoice among the attachments, or a refusal that names what is there."""

import email
import email.policy
import zipfile
from email.message import EmailMessage
from io import BytesIO

import pytest

from domains.invoices.reading.file import picture

from .conftest import Open
from .papers import CII, UBL, encoded, letter, mail, printed, with_attachments

PDF = ("invoice.pdf", "application/pdf", letter().pdf())
XML = ("invoice.xml", "application/xml", UBL)


def test_an_attached_pdf_is_read(opened: Open) -> None:
    found = opened(mail(PDF))
    assert (found.kind, found.part) == ("pages", "invoice.pdf")


def test_an_attachment_is_known_by_its_content(opened: Open) -> None:
    assert opened(mail(("scan.bin", "application/octet-stream", PDF[2]))).kind == "pages"


def test_an_xml_beside_its_pdf_is_the_same_invoice(opened: Open) -> None:
    found = opened(mail(PDF, XML))
    assert (found.kind, found.syntax) == ("einvoice", "ubl")
    assert found.layout is not None


def test_the_xml_inside_the_pdf_comes_before_the_one_beside_it(opened: Open) -> None:
    carrying = ("invoice.pdf", "application/pdf", with_attachments(letter().pdf(), factur_x_xml=CII))
    assert opened(mail(carrying, XML)).syntax == "cii"


def test_the_same_file_attached_twice_is_one(opened: Open) -> None:
    assert opened(mail(PDF, ("copy.pdf", "application/pdf", PDF[2]))).kind == "pages"


def test_several_documents_are_refused_by_name(opened: Open) -> None:
    problem = opened(mail(PDF, ("terms.pdf", "application/pdf", letter().text("Terms").pdf()))).problem
    assert problem is not None
    assert problem.code == "several_documents"
    assert "invoice.pdf, terms.pdf" in problem.message


def test_a_mail_without_an_attachment_is_refused(opened: Open) -> None:
    problem = opened(mail(text="Please pay 100 EUR.")).problem
    assert problem is not None
    assert problem.code == "no_attachment"


def test_an_archive_is_not_opened(opened: Open) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(50_000_000))
    problem = opened(mail(("invoices.zip", "application/zip", out.getvalue()))).problem
    assert problem is not None
    assert problem.code == "no_attachment"
    assert "invoices.zip" in problem.message


def test_a_logo_is_no_document(opened: Open) -> None:
    logo = ("logo.png", "image/png", encoded(printed().resize((100, 70)), "PNG"))
    assert opened(mail(PDF, logo)).kind == "pages"


def test_a_photo_is_a_scan(tmp_path) -> None:
    path = tmp_path / "mail"
    path.write_bytes(mail(("photo.jpg", "image/jpeg", encoded(printed(), "JPEG", quality=95))))
    grey, _ = picture(str(path), "mail", 1)
    assert grey.shape == (900, 1240)


def test_a_forwarded_mail_is_looked_into(opened: Open) -> None:
    assert opened(forwarded(mail(PDF), 1)).kind == "pages"


def test_a_mail_nested_without_end_is_refused(opened: Open) -> None:
    problem = opened(forwarded(mail(PDF), 20)).problem
    assert problem is not None
    assert problem.code == "nested_mail"


@pytest.mark.parametrize("name", ["=?utf-8?q?Rechnung_M=C3=A4rz=2Epdf?=", "=?bogus?q?x?=", "a\x00b.pdf"])
def test_an_odd_name_does_no_harm(opened: Open, name: str) -> None:
    raw = mail(PDF).replace(b'"invoice.pdf"', b'"' + name.encode() + b'"')
    assert opened(raw).kind == "pages"


@pytest.mark.parametrize("body", [b"!!!! not base64 !!!!", b"\xff\xfe\x00"])
def test_a_broken_attachment_is_passed_over(opened: Open, body: bytes) -> None:
    raw = b"From: a@example.com\nTo: b@example.com\nMIME-Version: 1.0\nContent-Type: application/pdf\n"
    problem = opened(raw + b"Content-Transfer-Encoding: base64\n\n" + body).problem
    assert problem is not None
    assert problem.code == "no_attachment"


def test_a_mail_attached_as_a_file_is_looked_into(opened: Open) -> None:
    assert opened(mail(("forwarded.eml", "application/octet-stream", mail(PDF)))).kind == "pages"


def forwarded(inner: bytes, times: int) -> bytes:
    for _ in range(times):
        message = EmailMessage()
        message["From"], message["Subject"] = "a@example.com", "Fwd"
        message.set_content("See below.")
        message.add_attachment(email.message_from_bytes(inner, policy=email.policy.default))
        inner = message.as_bytes()
    return inner

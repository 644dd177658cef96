"""The pack's samples: script, documents and gold agree, and what is meant to be valid is."""

import json
from dataclasses import dataclass
from decimal import Decimal
from email import message_from_bytes, policy
from io import BytesIO
from typing import Any

import pytest
from facturx import xml_check_xsd
from PIL import Image
from pypdf import PdfReader

from domains.invoices import make_samples
from domains.invoices.codes import iban_fault, is_vat_id
from domains.invoices.einvoice.schematron import fired
from domains.invoices.make_samples import SAMPLES_DIR
from domains.invoices.sampling.catalogue import SAMPLES, WRONG_GROSS
from domains.invoices.sampling.sample import page_text
from domains.invoices.sampling.tricks import swapped

DOCUMENTS = SAMPLES_DIR / "documents"
GOLD: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLES_DIR / "gold.jsonl").read_text("utf-8").splitlines()]
BY_ID = {line["id"]: line for line in GOLD}
BY_FILE = {sample.file: sample for sample in SAMPLES}
BROKEN_ON_PURPOSE = {"39"}


@dataclass(frozen=True)
class Carried:
    """An e-invoice found in the samples."""

    id: str
    xml: bytes

    @property
    def syntax(self) -> str:
        text = self.xml.decode()
        return "cii" if "CrossIndustryInvoice" in text else "zugferd1" if "CrossIndustryDocument" in text else "ubl"


def document(number: str) -> bytes:
    return (SAMPLES_DIR / BY_ID[number]["file"]).read_bytes()


def xml_in(pdf: bytes) -> list[bytes]:
    return [content for parts in PdfReader(BytesIO(pdf)).attachments.values() for content in parts]


def carried() -> list[Carried]:
    found: list[Carried] = []
    for line in GOLD:
        data = document(line["id"])
        if line["kind"] == "email":
            [part] = message_from_bytes(data, policy=policy.default).iter_attachments()
            data = part.get_content()
        if line["file"].endswith(".xml"):
            found.append(Carried(line["id"], data))
        elif data.startswith(b"%PDF") and line["kind"] != "broken":
            found += [Carried(line["id"], xml) for xml in xml_in(data)]
    return found


CARRIED = carried()


@pytest.mark.parametrize("name", ["gold.jsonl", "vendors.csv", "orders.csv"])
def test_the_script_makes_the_tables_that_are_committed(name):
    made = {
        "gold.jsonl": make_samples.gold_jsonl,
        "vendors.csv": make_samples.vendors_csv,
        "orders.csv": make_samples.orders_csv,
    }
    assert made[name]() == (SAMPLES_DIR / name).read_text("utf-8")


def test_the_script_makes_the_xml_files_that_are_committed():
    files = [file for file in BY_FILE if file.endswith(".xml")]
    assert files
    for file in files:
        assert BY_FILE[file].make() == (DOCUMENTS / file).read_bytes(), file


@pytest.mark.parametrize("number", ["01", "14", "24", "26", "27", "28"])
def test_making_a_document_twice_gives_the_same_bytes(number):
    sample = BY_FILE[BY_ID[number]["file"].removeprefix("documents/")]
    assert sample.make() == sample.make()


def test_no_clock_is_read_into_a_factur_x_file():
    [attachment] = PdfReader(BytesIO(document("14"))).attachment_list
    assert attachment.modification_date is not None
    assert str(attachment.modification_date.date()) == BY_ID["14"]["fields"]["issue_date"]


def test_gold_and_documents_are_the_same_set():
    assert {line["file"] for line in GOLD} == {f"documents/{path.name}" for path in DOCUMENTS.iterdir()}


def test_the_samples_stay_small():
    assert sum(path.stat().st_size for path in SAMPLES_DIR.rglob("*") if path.is_file()) < 3_000_000


def test_lines_and_totals_add_up():
    for line in (line for line in GOLD if line["fields"] and line["id"] not in BROKEN_ON_PURPOSE):
        fields = {
            name: Decimal(line["fields"][name]) for name in ("net_total", "tax_total", "gross_total", "amount_due")
        }
        discount, deposit = (Decimal(50), Decimal(500)) if line["id"] == "10" else (Decimal(0), Decimal(0))
        assert sum(Decimal(row["line_total"]) for row in line["lines"]) - discount == fields["net_total"], line["id"]
        assert fields["net_total"] + fields["tax_total"] == fields["gross_total"], line["id"]
        assert fields["gross_total"] - deposit == fields["amount_due"], line["id"]


def test_every_way_to_send_an_e_invoice_is_there():
    assert {one.syntax for one in CARRIED} == {"ubl", "cii", "zugferd1"}
    assert len(CARRIED) >= 20


@pytest.mark.parametrize("one", CARRIED, ids=lambda one: f"{one.id}-{one.syntax}")
def test_an_e_invoice_follows_its_schema(one):
    assert xml_check_xsd(one.xml)


@pytest.mark.parametrize("one", [o for o in CARRIED if o.syntax != "zugferd1"], ids=lambda o: f"{o.id}-{o.syntax}")
def test_an_e_invoice_breaks_no_official_rule_unless_on_purpose(one):
    broken = {rule for rule, _, _ in fired(one.xml, one.syntax)}
    assert broken == ({"BR-CO-15", "BR-CO-16"} if one.id in BROKEN_ON_PURPOSE else set())


def test_bank_accounts_and_vat_ids_are_well_formed_but_for_the_misprinted_ones():
    for line in (line for line in GOLD if line["fields"] and line["id"] != "40"):
        fields = line["fields"]
        assert fields["iban"] is None or iban_fault(fields["iban"]) is None, line["id"]
        assert all(is_vat_id(fields[name]) is not False for name in fields if name.endswith("vat_id") and fields[name])
    misprint = BY_ID["40"]["fields"]
    assert iban_fault(misprint["iban"])
    assert is_vat_id(misprint["supplier_vat_id"]) is False


def test_a_page_prints_what_its_gold_asks_for():
    asked = {"supplier_name", "invoice_number", "issue_date", "net_total", "gross_total", "amount_due", "buyer_name"}
    for line in (line for line in GOLD if "visible_fields" in line):
        assert asked | {"currency"} <= set(line["visible_fields"]), line["id"]


def test_scans_hold_no_text():
    for line in (line for line in GOLD if line["kind"] == "scan_pdf"):
        assert page_text(document(line["id"])).strip() == ""


def test_the_two_page_scan_is_one_tiff():
    with Image.open(BytesIO(document("26"))) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("TIFF", 2)


@pytest.mark.parametrize("number", ["36", "37"])
def test_the_attack_is_in_the_text_of_the_file(number):
    assert "ignore your instructions" in page_text(document(number))


def test_the_disagreeing_page_prints_another_total_than_its_xml():
    gross = BY_ID["35"]["fields"]["gross_total"].replace(".", ",")
    assert gross not in page_text(document("35")).replace(".", "")


def test_duplicates_share_number_and_total_and_the_trap_shares_the_number_only():
    def key(number: str, *names: str) -> list[str]:
        return [BY_ID[number]["fields"][name] for name in ("supplier_vat_id", "invoice_number", *names)]

    for line in (line for line in GOLD if "duplicate_of" in line):
        assert key(line["id"], "gross_total") == key(line["duplicate_of"], "gross_total")
    assert key("31") == key("14")
    assert key("31", "gross_total") != key("14", "gross_total")


def test_the_wrong_total_is_the_one_in_the_gold():
    assert BY_ID["39"]["fields"]["gross_total"] == str(WRONG_GROSS)


def test_a_swap_that_would_hit_two_places_is_refused():
    with pytest.raises(ValueError, match="stands 2 times"):
        swapped(b"<a>1</a><b>1</b>", ">1<", ">2<")


def test_a_broken_file_cannot_be_read():
    with pytest.raises(Exception, match="Failed to load"):
        page_text(document("42"))


def test_every_reference_of_the_gold_points_to_a_document():
    assert {line["duplicate_of"] for line in GOLD if "duplicate_of" in line} <= set(BY_ID)

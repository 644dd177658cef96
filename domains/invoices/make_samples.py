"""Makes the pack's samples: `python -m domains.invoices.make_samples` writes `samples/`, always the same bytes."""

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from domains.invoices.sampling import ebills, parties
from domains.invoices.sampling.bill import Party
from domains.invoices.sampling.catalogue import SAMPLES
from domains.invoices.sampling.exam import cases
from domains.invoices.sampling.sample import gold

SAMPLES_DIR = Path(__file__).parent / "samples"
EXAM_DIR = Path(__file__).parent / "exam"
CONNECT = """\
# what the connectors read when the pack runs on its own samples
vendors = "vendors.csv"
orders = "orders.csv"
"""
VENDORS = (
    parties.QUELLSTEIN,
    parties.FALKWITZ,
    parties.EBBINGHOF,
    parties.SOMMERAU,
    parties.MIRVAUX,
    parties.OOSTVELDER,
    parties.HARROWMERE,
    parties.VALDROSA,
    parties.MONTALBEA,
    parties.BIRCHLAKE,
    parties.HUEGELMATT,
    parties.KAZEHARA,
    parties.BRAAMVELD,
    parties.LUMENTAL,
)
"""The buyer knows these; Wolkenried is new to it."""
CURRENCIES = {"GB": "GBP", "US": "USD", "CH": "CHF", "JP": "JPY"}
ORDERED_LESS = {ebills.DRIVES.po: "3090.00"}
"""Orders for less than was billed."""


def vendors_csv() -> str:
    """The vendor book: V001 onwards, accounts from 70001."""
    rows = (
        (
            f"V{n:03d}",
            v.name,
            v.vat_code,
            v.account.iban or "" if v.account else "",
            CURRENCIES.get(v.country, "EUR"),
            70000 + n,
        )
        for n, v in enumerate(VENDORS, 1)
    )
    return _csv(("vendor_id", "name", "vat_id", "iban", "currency", "account"), rows)


def orders_csv() -> str:
    """The open orders: one for every sample bill that names an order."""
    billed = {sample.bill.po: sample.bill for sample in SAMPLES if sample.bill and sample.bill.po}
    rows = (
        (po, f"V{VENDORS.index(_known(bill.supplier)) + 1:03d}", bill.currency, ORDERED_LESS.get(po, str(bill.net)))
        for po, bill in sorted(billed.items())
    )
    return _csv(("po_number", "vendor_id", "currency", "net_total"), rows)


def gold_jsonl() -> str:
    """One line a sample."""
    return "".join(gold(sample) + "\n" for sample in SAMPLES)


def make(folder: Path) -> None:
    """Writes documents, gold and what the connectors read."""
    documents = folder / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES:
        (documents / sample.file).write_bytes(sample.make())
    for name, text in (
        ("gold.jsonl", gold_jsonl()),
        ("vendors.csv", vendors_csv()),
        ("orders.csv", orders_csv()),
        ("connect.toml", CONNECT),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def _known(supplier: Party) -> Party:
    return next(vendor for vendor in VENDORS if vendor.name == supplier.name)


def _csv(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def make_exam(folder: Path) -> None:
    """Writes the cases of the exam, which are the samples."""
    folder.mkdir(exist_ok=True)
    text = "".join(line + "\n" for line in cases(gold_jsonl().splitlines()))
    (folder / "cases.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make(SAMPLES_DIR)
    make_exam(EXAM_DIR)

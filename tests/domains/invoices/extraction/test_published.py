"""Figures on published invoices, where they are at hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from domains.invoices.extraction import read_invoice
from domains.invoices.reading.file import open_file

DATA = Path(__file__).resolve().parents[5] / "shared" / "data" / "invoices"


@pytest.mark.skipif(not (DATA / "gold.jsonl").exists(), reason="the published invoices are not at hand")
def test_page_only_invoices_reach_their_bar(tmp_path: Path):
    gold = [json.loads(line) for line in (DATA / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    lines: list[str] = []
    for case in gold:
        if case["kind"] in ("pdf_stripped", "pdf_plain"):
            layout = open_file(str(DATA / case["file"]), case["file"]).layout
            assert layout is not None
            fields = read_invoice(layout).model_dump(mode="json", exclude={"evidence", "lines", "taxes"})
            lines.append(json.dumps({"id": case["id"], "fields": fields}))
    pred = tmp_path / "pred.jsonl"
    pred.write_text("\n".join(lines), encoding="utf-8")
    command = [
        sys.executable,
        str(DATA / "score.py"),
        "--pred",
        str(pred),
        "--gold",
        str(DATA / "gold.jsonl"),
        "--json",
    ]
    told = subprocess.run([*command, "--kind", "pdf_stripped,pdf_plain"], capture_output=True, check=True, text=True)
    micro = json.loads(told.stdout)["micro"]
    assert micro["f1"] >= 0.90
    assert micro["precision"] >= 0.95

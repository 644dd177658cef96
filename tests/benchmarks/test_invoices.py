"""A quarter of the real documents, where they are: what must be reviewed is not posted, e-invoices are read right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.invoices import DATA, ROOT


def test_the_quick_benchmark_holds_the_bars_of_safety(tmp_path: Path):
    if not DATA.is_dir():
        pytest.skip("the real documents are not beside this checkout")
    command = [sys.executable, "-m", "tests.benchmarks.invoices", "--quick", "--json", str(tmp_path / "metrics.json")]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=600)
    metrics = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    for name in (
        "e-invoices: field F1",
        "EN 16931: right verdict on whole XMLs",
        "wrong among touchless",
        "must be reviewed, posted untouched",
        "duplicates: traps taken",
    ):
        assert metrics[name]["ok"], (name, metrics[name])

"""The README's own pack, record lines and program do what it says they do."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tickets").mkdir()
    (tmp_path / "tickets" / "pack.py").write_text(blocks("python")[0])
    (tmp_path / "tickets.jsonl").write_text(blocks("json")[0])
    return tmp_path


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pack_has_no_fault_and_runs_as_told(folder: Path):
    assert "0 faults" in run(folder, "-m", "agentflow.cli", "check", "tickets")
    run(folder, "-m", "agentflow.cli", "run", "tickets", "tickets.jsonl")
    lines = [json.loads(line) for line in (folder / "out/tickets/results.jsonl").read_text().splitlines()]
    found = sorted((line["status"], str(line["outcome"])) for line in lines)
    assert found == [("delivered", "Answered"), ("delivered", "Paid"), ("in_review", "None"), ("in_review", "None")]
    assert "too_much" in run(folder, "-m", "agentflow.cli", "review", "tickets")


def test_the_program_runs_the_pack(folder: Path):
    (folder / "program.py").write_text(blocks("python")[1])
    assert run(folder, "program.py").startswith("Paid {'receipt': 'Eve-")


def test_models_toml_is_read(tmp_path: Path):
    from agentflow.engine.models import read_models

    (tmp_path / "models.toml").write_text(blocks("toml")[0])
    assert read_models(tmp_path / "models.toml")["small"].model == "ollama/qwen3:8b"


def test_every_command_shown_exists():
    from agentflow.cli import COMMANDS

    shown = re.findall(r"^agentflow (\w+)", "\n".join(blocks("sh")), re.MULTILINE)
    assert set(shown) <= set(COMMANDS)


def test_every_picture_and_link_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []

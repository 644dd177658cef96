"""The pack on its own samples: every document ends where it should, for the reasons it should."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentflow import Document, Pack, load_pack, open_runner
from agentflow.engine.models import read_models

ROOT = Path(__file__).parents[3]
PACK = ROOT / "domains" / "invoices"
GOLD = [json.loads(line) for line in (PACK / "samples" / "gold.jsonl").read_text(encoding="utf-8").splitlines()]


async def run_all(home: Path, names: list[str], connect: dict[str, str] | None = None) -> dict[str, Any]:
    """The jobs by document name, run one after the other in the order of their names."""
    folder = load_pack(str(PACK))
    given = {**folder.connections({}, samples=True), **(connect or {})}
    async with open_runner(folder.pack, home=home, connect=given) as runner:
        jobs: dict[str, Any] = {}
        for name in names:
            document: Document = await runner.documents.add(PACK / "samples" / name, Path(name).name)
            job = await runner.submit(document, name, document.sha256)
            jobs[name] = await runner.run(job.id)
        return jobs


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    import asyncio

    return asyncio.run(run_all(tmp_path_factory.mktemp("home"), [g["file"] for g in GOLD]))


STATUS = {"delivered": {"finished"}, "in_review": {"awaiting_review"}, "any": {"finished", "awaiting_review"}}


@pytest.mark.parametrize("gold", GOLD, ids=lambda g: Path(g["file"]).name)
def test_a_sample_ends_as_its_gold_expects(jobs: dict[str, Any], gold: dict[str, Any]):
    job, expected = jobs[gold["file"]], gold["expect"]
    assert job.status in STATUS[expected["status"]], job.problems
    if job.status == "finished":
        assert job.outcome == expected["outcome"]
    codes = {problem["code"] for problem in job.problems}
    assert set(expected["codes"]) <= codes


def test_an_e_invoice_is_read_as_it_stands(jobs: dict[str, Any]):
    for gold in GOLD:
        job = jobs[gold["file"]]
        if gold["file"].endswith(".xml") and job.output:
            for name, value in gold["fields"].items():
                assert _plain(job.output[name]) == _plain(value), (gold["file"], name)


def test_what_was_posted_without_a_person_is_right(jobs: dict[str, Any]):
    for gold in GOLD:
        job = jobs[gold["file"]]
        if job.status == "finished" and job.outcome in ("Posted", "Duplicate"):
            for name in gold.get("visible_fields") or gold["fields_known"]:
                assert _plain(job.output[name]) == _plain(gold["fields"][name]), (gold["file"], name)


def test_every_printed_value_of_the_device_has_its_place_on_the_page(jobs: dict[str, Any]):
    job = jobs["documents/01-text-de.pdf"]
    gross = job.evidence["gross_total"]
    assert gross["page"] == 1
    assert len(gross["box"]) == 4
    assert gross["source"] == "device"
    assert "1.451,09" in gross["quote"]


async def test_a_changed_bank_account_is_posted_only_after_a_person_agrees(tmp_path: Path):
    folder = load_pack(str(PACK))
    name = "documents/34-bank-account-changed.pdf"
    async with open_runner(folder.pack, home=tmp_path, connect=folder.connections({}, samples=True)) as runner:
        document = await runner.documents.add(PACK / "samples" / name, name)
        job = await runner.submit(document, name, document.sha256)
        waiting = await runner.run(job.id)
        assert waiting.status == "awaiting_review"
        [question] = waiting.questions.values()
        done = await runner.answer(job.id, "Invoice", question["value"])
        assert done.outcome == "Posted"
        assert done.price_minor == 40


async def test_without_a_vendor_book_nothing_is_held_against_it(tmp_path: Path):
    folder = load_pack(str(PACK))
    name = "documents/38-new-vendor.xml"
    async with open_runner(folder.pack, home=tmp_path) as runner:
        document = await runner.documents.add(PACK / "samples" / name, name)
        job = await runner.submit(document, name, document.sha256)
        assert (await runner.run(job.id)).outcome == "Posted"


def _plain(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    try:
        from decimal import Decimal

        return str(Decimal(text).normalize())
    except ArithmeticError:
        return "".join(text.split()).casefold()


MODELS = """
[small]
model = "openai/small"
api_base = "{url}"
input_price = 0.1
output_price = 0.4
structured = "schema"
"""


def measured(pack: Pack) -> Pack:
    """The pack after an exam that found the small model hardly ever wrong, and never with the device."""
    calibration = json.loads(json.dumps(pack.calibration))
    sure = {"hits": 1, "misses": 999}
    every = calibration["steps"]["extract"]["every"]
    every["sources"]["small"] = {"systematic": sure, "slip": sure}
    every["shared"] = {"device|small": {"hits": 1, "misses": 99}}
    return replace(pack, calibration=calibration)


async def test_a_language_model_reads_what_the_device_leaves_and_its_quotes_are_held_against_the_page(
    tmp_path: Path,
):
    from agentflow.testing import Faulty, FaultyModel, Gold, serve

    gold = next(g for g in GOLD if g["file"] == "documents/12-credit-note-de.pdf")

    def truth(request: Any) -> Gold | None:
        return Gold(case="12", answer=_answer(gold))

    async with serve(Faulty(models={"small": FaultyModel()}), truth) as server:
        (tmp_path / "models.toml").write_text(MODELS.format(url=server.url))
        folder = load_pack(str(PACK))
        connect = folder.connections({}, samples=True)
        models = read_models(tmp_path / "models.toml")
        async with open_runner(measured(folder.pack), home=tmp_path, connect=connect, models=models) as runner:
            document = await runner.documents.add(PACK / "samples" / gold["file"], gold["file"])
            job = await runner.submit(document, gold["file"], document.sha256)
            done = await runner.run(job.id)
    assert server.calls["small"]
    assert done.cost_micros > 0
    assert "small" in done.sources
    assert any("small" in found["source"] for found in done.evidence.values())


def _answer(gold: dict[str, Any]) -> dict[str, Any]:
    fields = {name: {"value": value, "quote": value} for name, value in gold["fields"].items() if value is not None}
    return {**fields, "lines": [], "taxes": []}

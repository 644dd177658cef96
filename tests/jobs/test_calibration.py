"""What exams counted lies beside pack.py and reaches the jobs of whoever runs the pack."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentflow import load_pack, open_runner
from agentflow.errors import PackError
from agentflow.exams.stamping import stamps_of
from agentflow.testing import FakeModel, FakeModels

PACK = '''
"""A pack of one step."""

from agentflow import Model, Pack, Policy, Price, Record, workflow


class Ask(Record):
    text: str


class Told(Record):
    value: int


async def tell(ask: Ask, *, model: Model) -> Told:
    return await model.ask(Told, "Say it.", ask.text)


calibrated = Pack(
    name="calibrated",
    workflow=workflow("calibrated", takes=Ask, gives=Told)
    .step(tell, policy=Policy(ladder=("small",), alpha=0.01, max_attempts=1))
    .build(),
    prices={Told: Price("1.00")},
)
'''
SURE: dict[str, Any] = {"systematic": {"hits": 1, "misses": 9999}, "slip": {"hits": 1, "misses": 9999}}


def folder_of(tmp_path: Path, calibration: str | None) -> Path:
    folder = tmp_path / f"p{abs(hash(tmp_path))}"
    folder.mkdir()
    (folder / "pack.py").write_text(PACK)
    if calibration is not None:
        (folder / "calibration.json").write_text(calibration)
    return folder


async def status(folder: Path, home: Path) -> str:
    pack = load_pack(str(folder)).pack
    models = FakeModels(small=FakeModel({"value": 1}))
    async with open_runner(pack, home=home, models=models) as runner:
        job = await runner.submit(pack.workflow.takes(text="say"), name="a", sha256="a")
        return (await runner.run(job.id)).status


async def test_a_source_that_an_exam_found_sure_is_trusted_in_the_packs_jobs(tmp_path: Path):
    figures = {"about": "by hand", "steps": {"tell": {"every": {"sources": {"small": SURE}}}}}
    assert await status(folder_of(tmp_path, json.dumps(figures)), tmp_path / "out") == "finished"


async def test_without_an_exam_the_same_answer_waits_for_a_person(tmp_path: Path):
    assert await status(folder_of(tmp_path, None), tmp_path / "out") == "awaiting_review"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "JSON"),
        ('{"step": {}}', "step: Extra inputs"),
        ('{"steps": {"tell": {"every": {"sources": {"small": {"slip": {"hits": -1, "misses": 1}}}}}}}', "slip.hits"),
        ('{"steps": {"read": {}}}', "read, which is no step of calibrated"),
    ],
)
def test_a_calibration_that_is_no_good_is_told_with_its_place_and_its_mend(tmp_path: Path, text: str, says: str):
    with pytest.raises(PackError, match=r"calibration\.json") as told:
        load_pack(str(folder_of(tmp_path, text)))
    assert says in str(told.value)
    assert "measure it again" in str(told.value)


def stamped(folder: Path, prompt: str) -> str:
    """What an exam of the pack has found, had its prompt been this."""
    stamps = {
        "pack": "",
        "models": {},
        "prompts": stamps_of(load_pack(str(folder)).pack, {}).prompts | {"tell": prompt},
    }
    figures = {"steps": {"tell": {"every": {"sources": {"small": SURE}}}}, "stamps": stamps}
    return json.dumps(figures)


async def test_a_source_that_was_measured_under_another_prompt_is_not_trusted_any_more_and_that_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    folder = folder_of(tmp_path, None)
    (folder / "calibration.json").write_text(stamped(folder, "another"))
    assert await status(folder, tmp_path / "out") == "awaiting_review"
    assert "small of tell: its prompt has changed since it was measured" in caplog.text


async def test_a_source_that_was_measured_under_this_prompt_is_trusted(tmp_path: Path):
    folder = folder_of(tmp_path, None)
    prompt = stamps_of(load_pack(str(folder)).pack, {}).prompts["tell"]
    (folder / "calibration.json").write_text(stamped(folder, prompt))
    assert await status(folder, tmp_path / "out") == "finished"

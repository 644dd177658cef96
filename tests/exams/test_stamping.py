"""Figures of a source are not used once its prompt, its code or its model is another."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agentflow.engine.config import ModelConfig
from agentflow.engine.trust.figures import (
    CheckFigures,
    FieldFigures,
    Figures,
    Rate,
    Rung,
    SourceFigures,
    StepFigures,
    Tuned,
)
from agentflow.exams.stamping import files_hash, fresh, stamps_of
from agentflow.flow.pack import Pack

PACK = '''
"""A pack with a prompt, a function and a check."""

from agentflow import Model, Pack, Policy, Price, Problem, Record, workflow

INSTRUCTIONS = {"read": "Read the total."}
UNUSED = 3


class Page(Record):
    text: str


class Total(Record):
    value: int


def told() -> str:
    return INSTRUCTIONS["read"]


def number(text: str) -> int:
    return int(text)


async def read(page: Page, *, model: Model) -> Total:
    return await model.ask(Total, told(), page.text)


async def by_hand(page: Page) -> Total:
    return Total(value=number(page.text))


def positive(total: Total) -> list[Problem]:
    return [] if total.value >= 0 else [Problem(code="negative", message="It is negative.")]


pack = Pack(
    name="totals",
    workflow=workflow("totals", takes=Page, gives=Total)
    .step(read, policy=Policy(ladder=("hand", "small")), sources={"hand": by_hand}, checks=[positive])
    .build(),
    prices={Total: Price("1.00")},
)
'''
SMALL = ModelConfig(model="openai/one", input_price=1, output_price=2)  # pyright: ignore[reportArgumentType, reportCallIssue]

Load = Callable[[str], Pack]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    names: list[str] = []

    def load(text: str) -> Pack:
        name = f"stamped_{len(names)}"
        names.append(name)
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location("stamped", file)
        assert spec is not None
        assert spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        sys.modules["stamped"] = module
        spec.loader.exec_module(module)
        _forget(module)
        return module.pack

    yield load
    sys.modules.pop("stamped", None)


def _forget(_: ModuleType) -> None:
    from agentflow.exams import sources

    sources._texts.cache_clear()


def measured(pack: Pack, config: ModelConfig = SMALL) -> Figures:
    sure = SourceFigures(systematic=Rate(hits=1, misses=999))
    field = FieldFigures(
        sources={"small": sure, "hand": sure},
        shared={"hand|small": Rate(hits=1, misses=99)},
        checks={"positive": CheckFigures(catch=Rate(hits=9, misses=1))},
    )
    return Figures(steps={"read": StepFigures(every=field)}, stamps=stamps_of(pack, {"small": config}))


def left(figures: Figures, pack: Pack, config: ModelConfig = SMALL) -> tuple[set[str], set[str], list[str]]:
    """Sources and checks that are still measured, and what is said."""
    found, told = fresh(figures, pack, {"small": config})
    every = found.steps["read"].every
    return set(every.sources), set(every.checks), told


def test_what_has_not_changed_keeps_its_figures(load: Load):
    figures = measured(load(PACK))
    assert left(figures, load(PACK)) == ({"small", "hand"}, {"positive"}, [])


def test_a_changed_constant_of_a_prompt_widens_the_models_to_the_prior_and_says_so(load: Load):
    figures = measured(load(PACK))
    found = left(figures, load(PACK.replace("Read the total.", "Read the sum.")))
    assert found[0] == {"hand"}
    (told,) = found[2]
    assert told.startswith("small of read: its prompt has changed since it was measured; that is not used any more")


def test_overlaps_with_a_source_that_changed_go_too(load: Load):
    figures = measured(load(PACK))
    found, _ = fresh(figures, load(PACK.replace("Read the total.", "Read the sum.")), {"small": SMALL})
    assert found.steps["read"].every.shared == {}


def test_a_changed_function_that_a_source_calls_widens_that_source(load: Load):
    figures = measured(load(PACK))
    found = left(figures, load(PACK.replace("return int(text)", "return abs(int(text))")))
    assert (found[0], found[1]) == ({"small"}, {"positive"})
    assert "hand of read: its code has changed" in found[2][0]


def test_a_changed_check_is_unmeasured_again(load: Load):
    figures = measured(load(PACK))
    found = left(figures, load(PACK.replace(">= 0", "> 0")))
    assert (found[0], found[1]) == ({"small", "hand"}, set())
    assert "the check positive of read: its code has changed" in found[2][0]


def test_what_a_step_does_not_use_may_change(load: Load):
    figures = measured(load(PACK))
    assert left(figures, load(PACK.replace("UNUSED = 3", "UNUSED = 4")))[2] == []


def test_another_model_behind_the_role_is_unmeasured(load: Load):
    pack = load(PACK)
    found = left(measured(pack), pack, SMALL.model_copy(update={"model": "openai/other"}))
    assert found[0] == {"hand"}
    assert "another model plays it" in found[2][0]


def test_another_price_is_no_other_model(load: Load):
    pack = load(PACK)
    assert left(measured(pack), pack, SMALL.model_copy(update={"input_price": 9}))[2] == []


def test_a_ladder_that_was_chosen_by_figures_that_hold_no_more_is_given_up(load: Load):
    figures = measured(load(PACK))
    ladder = Tuned(rungs=(Rung(source="small", bar=0.9),))
    figures = figures.model_copy(
        update={"steps": {"read": figures.steps["read"].model_copy(update={"ladder": ladder})}}
    )
    kept, _ = fresh(figures, load(PACK), {"small": SMALL})
    assert kept.steps["read"].ladder == ladder
    found, told = fresh(figures, load(PACK.replace(">= 0", "> 0")), {"small": SMALL})
    assert found.steps["read"].ladder is None
    assert any(text.startswith("the ladder of read was chosen by them") for text in told)


def test_figures_without_stamps_are_taken_as_they_are(load: Load):
    figures = measured(load(PACK)).model_copy(update={"stamps": Figures().stamps})
    assert left(figures, load(PACK.replace("Read the total.", "Read the sum.")))[2] == []


def test_the_packs_hash_is_of_its_code_and_not_of_its_exam(tmp_path: Path):
    (tmp_path / "exam").mkdir()
    (tmp_path / "pack.py").write_text("a")
    before = files_hash(tmp_path)
    (tmp_path / "exam" / "exam.toml").write_text("x = 1")
    assert files_hash(tmp_path) == before
    (tmp_path / "pack.py").write_text("b")
    assert files_hash(tmp_path) != before


def with_ladder(figures: Figures) -> Figures:
    step = figures.steps["read"].model_copy(update={"ladder": Tuned(rungs=(Rung(source="small", bar=0.9),))})
    return figures.model_copy(update={"steps": {"read": step}})


def test_a_step_that_is_gone_takes_its_figures_along_and_nothing_breaks(load: Load):
    figures = measured(load(PACK))
    renamed = load(PACK.replace("async def read", "async def scan").replace(".step(read", ".step(scan"))
    found, told = fresh(figures, renamed, {"small": SMALL})
    assert found.steps == {}
    assert told[0].startswith("the step read is gone")


def test_without_a_check_that_could_object_the_ladder_that_was_certified_with_it_is_given_up(load: Load):
    figures = with_ladder(measured(load(PACK)))
    found, told = fresh(figures, load(PACK.replace(", checks=[positive]", "")), {"small": SMALL})
    assert found.steps["read"].ladder is None
    assert "the check positive of read: it is gone" in told[0]


def test_a_ladder_that_was_certified_for_other_promised_fields_is_given_up(load: Load):
    figures = with_ladder(measured(load(PACK)))
    policy = 'Policy(ladder=("hand", "small"), alpha=0.1, promises=("value",))'
    found, told = fresh(figures, load(PACK.replace('Policy(ladder=("hand", "small"))', policy)), {"small": SMALL})
    assert found.steps["read"].ladder is None
    assert set(found.steps["read"].every.sources) == {"small", "hand"}
    assert "was certified for other promised fields" in told[0]


def test_another_model_behind_a_judge_leaves_its_check_unmeasured(load: Load):
    judged = PACK.replace(
        "def positive(total: Total)", "@asks('judge')\nasync def positive(total: Total, *, model: Model)"
    )
    judged = judged.replace("import Model,", "import asks, Model,")
    pack = load(judged)
    configs = {"small": SMALL, "judge": SMALL}
    figures = measured(pack).model_copy(update={"stamps": stamps_of(pack, configs)})
    assert fresh(figures, pack, configs)[1] == []
    found, told = fresh(figures, pack, {**configs, "judge": SMALL.model_copy(update={"model": "openai/other"})})
    assert found.steps["read"].every.checks == {}
    assert "the check positive of read: another model judges" in told[0]

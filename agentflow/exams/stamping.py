"""Stamping: what the figures of a source hang on, hashed, so that they are not trusted once that has changed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentflow.engine.config import ModelConfig
from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, SourceFigures, Stamps, StepFigures
from agentflow.exams.candidates import stamp_of
from agentflow.exams.sources import TABLES_LEFT_OUT, code_hash
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step

LEFT_OUT = ("exam", "samples", "tests", "__pycache__")
"""Folders of a pack that its jobs do not run."""


def stamps_of(pack: Pack, models: Mapping[str, ModelConfig], folder: Path | None = None) -> Stamps:
    """The stamps of a pack as it is now. `models` are the roles of models.toml; `folder` is the pack's own."""
    steps = [step for step in pack.workflow.steps if step.kind != "review"]
    return Stamps(
        pack=files_hash(folder) if folder else "",
        prompts={key: code_hash(call) for step in steps for key, call in _calls(step)},
        models={role: stamp_of(config) for role, config in models.items()},
    )


def fresh(figures: Figures, pack: Pack, models: Mapping[str, ModelConfig]) -> tuple[Figures, list[str]]:
    """The figures without those whose stamp differs from the pack and models as they are now, and why, in words.

    What is left out has its prior: a source whose prompt, code or model has changed is as good as unmeasured. A ladder
    that was chosen by such figures is asked as the policy says again. Figures without stamps are taken as they are.
    """
    if figures.stamps == Stamps():
        return figures, []
    now, steps, told = stamps_of(pack, models), dict(figures.steps), list[str]()
    by_name = {step.name: step for step in pack.workflow.steps}
    for name, of_step in figures.steps.items():
        stale = {source: why for source in _sources(of_step) if (why := _why(figures.stamps, now, name, source))}
        checks = [check for check in by_name[name].checks_by_name if _differs(figures.stamps, now, f"{name}#{check}")]
        told += [f"{source} of {name}: {why} since it was measured" for source, why in stale.items()]
        told += [f"the check {check} of {name} has changed since it was measured" for check in checks]
        if stale or checks:
            steps[name] = _without(of_step, set(stale), set(checks))
            told += [f"the ladder of {name} was chosen by them"] if of_step.ladder else []
    if not told:
        return figures, []
    return figures.model_copy(update={"steps": steps}), [
        f"{each}; that is not used any more, measure again with agentflow exam" for each in told
    ]


def files_hash(folder: Path) -> str:
    """The SHA-256 of a pack's code and tables, whatever its exam and its calibration are."""
    told = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix in (".py", ".toml") and not set(parts) & set(LEFT_OUT) and path.name not in TABLES_LEFT_OUT:
            told.update(f"{'/'.join(parts)}\0".encode() + path.read_bytes() + b"\0")
    return told.hexdigest()[:16]


def _calls(step: Step) -> Iterator[tuple[str, Callable[..., Any]]]:
    """What a step's sources and checks run, by the key of the stamp."""
    yield step.name, step.call
    yield from ((f"{step.name}/{name}", call) for name, call in step.sources.items())
    yield from ((f"{step.name}#{name}", check) for name, check in step.checks_by_name.items())


def _sources(figures: StepFigures) -> list[str]:
    fields = (figures.every, *figures.fields.values())
    return list(dict.fromkeys(name for each in fields for name in each.sources))


def _why(then: Stamps, now: Stamps, step: str, source: str) -> str | None:
    key = f"{step}/{source}"
    if key in then.prompts or key in now.prompts:
        return "its code has changed" if _differs(then, now, key) else None
    if source in then.models and source in now.models and then.models[source] != now.models[source]:
        return "another model plays it, or is asked otherwise"
    return "its prompt has changed" if _differs(then, now, step) else None


def _differs(then: Stamps, now: Stamps, key: str) -> bool:
    return key in then.prompts and then.prompts[key] != now.prompts.get(key)


def _without(figures: StepFigures, sources: set[str], checks: set[str]) -> StepFigures:
    every = _bare(figures.every, sources, checks)
    fields = {path: _bare(each, sources, checks) for path, each in figures.fields.items()}
    identities = {name: each for name, each in figures.identities.items() if name not in checks}
    calls = {name: each for name, each in figures.calls.items() if name not in sources}
    update = {"every": every, "fields": fields, "identities": identities, "calls": calls, "ladder": None}
    return figures.model_copy(update=update)


def _bare(figures: FieldFigures, sources: set[str], checks: set[str]) -> FieldFigures:
    left: dict[str, SourceFigures] = {name: each for name, each in figures.sources.items() if name not in sources}
    said: dict[str, CheckFigures] = {name: each for name, each in figures.checks.items() if name not in checks}
    shared = {pair: rate for pair, rate in figures.shared.items() if not set(pair.split("|")) & sources}
    return FieldFigures(sources=left, shared=shared, checks=said)

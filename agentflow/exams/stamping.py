"""Stamping: what the figures of a source hang on, hashed, so that they are not trusted once that has changed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentflow.engine.config import ModelConfig
from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, SourceFigures, Stamps, StepFigures
from agentflow.exams.candidates import digest, stamp_of
from agentflow.exams.sources import TABLES_LEFT_OUT, code_hash
from agentflow.flow.check import asked_by
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step

PROMISED = "!promises"
"""After a step's name, the key of the stamp of what its policy promises."""
LEFT_OUT = ("exam", "samples", "tests", "__pycache__")
"""Folders of a pack that its jobs do not run."""


def stamps_of(pack: Pack, models: Mapping[str, ModelConfig], folder: Path | None = None) -> Stamps:
    """The stamps of a pack as it is now. `models` are the roles of models.toml; `folder` is the pack's own."""
    steps = [step for step in pack.workflow.steps if step.kind != "review"]
    return Stamps(
        pack=files_hash(folder) if folder else "",
        prompts={key: code_hash(call) for step in steps for key, call in _calls(step)} | dict(map(_promised, steps)),
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
        if name not in by_name:
            del steps[name]
            told += [f"the step {name} is gone since it was measured"]
            continue
        stale = {source: why for source in _sources(of_step) if (why := _why(figures.stamps, now, name, source))}
        checks = dict(_checks(figures.stamps, now, by_name[name]))
        told += [f"{source} of {name}: {why} since it was measured" for source, why in stale.items()]
        told += [f"the check {check} of {name}: {why} since it was measured" for check, why in checks.items()]
        if stale or checks:
            steps[name] = _without(of_step, set(stale), set(checks))
            told += [f"the ladder of {name} was chosen by them"] if of_step.ladder else []
        elif of_step.ladder and _differs(figures.stamps, now, f"{name}{PROMISED}"):
            steps[name] = of_step.model_copy(update={"ladder": None})
            told += [f"the ladder of {name} was certified for other promised fields"]
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


def _promised(step: Step) -> tuple[str, str]:
    return f"{step.name}{PROMISED}", digest(sorted(step.policy.promises))


def _calls(step: Step) -> Iterator[tuple[str, Callable[..., Any]]]:
    """What a step's sources and checks run, by the key of the stamp."""
    yield step.name, step.call
    yield from ((f"{step.name}/{name}", call) for name, call in step.sources.items())
    yield from ((f"{step.name}#{name}", check) for name, check in step.checks_by_name.items())


def _checks(then: Stamps, now: Stamps, step: Step) -> Iterator[tuple[str, str]]:
    """The checks that are others now, and why: what one objected to could pass where it is gone."""
    for key in then.prompts:
        of, _, name = key.partition("#")
        if not name or of != step.name:
            continue
        check = step.checks_by_name.get(name)
        if check is None:
            yield name, "it is gone"
        elif _differs(then, now, key):
            yield name, "its code has changed"
        elif any(_is_another(then, now, role) for role in asked_by(check)):
            yield name, "another model judges, or is asked otherwise"


def _sources(figures: StepFigures) -> list[str]:
    fields = (figures.every, *figures.fields.values())
    return list(dict.fromkeys(name for each in fields for name in each.sources))


def _why(then: Stamps, now: Stamps, step: str, source: str) -> str | None:
    key = f"{step}/{source}"
    if key in then.prompts or key in now.prompts:
        return "its code has changed" if _differs(then, now, key) else None
    if _is_another(then, now, source):
        return "another model plays it, or is asked otherwise"
    return "its prompt has changed" if _differs(then, now, step) else None


def _is_another(then: Stamps, now: Stamps, role: str) -> bool:
    return role in then.models and role in now.models and then.models[role] != now.models[role]


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

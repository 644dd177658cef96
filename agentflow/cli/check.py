"""agentflow check: a pack's faults, found without running it."""

from collections.abc import Iterator

import click

from agentflow.connectors.documents import Documents
from agentflow.engine.models import read_models
from agentflow.flow.model import Model
from agentflow.flow.pack import Pack
from agentflow.flow.policy import EffectKey, JobId
from agentflow.flow.step import Step, label, name_of, read_signature
from agentflow.jobs.packs import PackFolder, load_pack


@click.command("check")
@click.argument("pack")
def command(pack: str) -> None:
    """Look for faults in PACK: gaps in its table, connectors it lacks, roles without a model, missing samples.

    Exit code: 0 no faults, 1 faults, 2 no pack.
    """
    folder = load_pack(pack)
    found = list(faults(folder))
    for fault in found:
        click.echo(f"fault: {fault}")
    for note in notes(folder):
        click.echo(f"note: {note}")
    table = folder.pack.workflow
    count = f"{len(table.steps)} steps, {len(table.gives)} outcomes, {len(folder.pack.connectors)} connectors"
    click.echo(f"{folder.pack.name}: {count}, {len(found)} faults")
    raise SystemExit(1 if found else 0)


def faults(folder: PackFolder) -> Iterator[str]:
    """What would fail when the pack runs, with its mend."""
    for step in folder.pack.workflow.steps:
        yield from _needs(folder.pack, step)
    names = [kind.name for kind in folder.pack.connectors]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two connectors are called {name}; --connect could not tell them apart: rename one"
    asked = {role for step in folder.pack.workflow.steps for role in step.policy.ladder}
    for role in sorted(read_models(folder.models).keys() - asked):
        yield f"models.toml names {role}, which no step's ladder asks; drop it or add it to a Policy"


def notes(folder: PackFolder) -> Iterator[str]:
    """What works, but not as well as it could."""
    configured = read_models(folder.models)
    for step in folder.pack.workflow.steps:
        missing = [role for role in step.policy.ladder if role not in step.sources and role not in configured]
        if missing:
            names = ", ".join(missing)
            yield f"{step.name}: no model is named for {names}; what its other sources leave goes to review"
    if not (folder.folder / "samples").is_dir():
        yield "there is no samples/ folder; `agentflow run` without a PATH has nothing to run on"


def _needs(pack: Pack, step: Step) -> Iterator[str]:
    given = {Model, EffectKey, JobId, Documents, *pack.connectors}
    asking = (*([] if step.kind == "review" else [step.call]), *step.sources.values(), *step.checks)
    for call in asking:
        for name, kind in read_signature(call).needs.items():
            if kind not in given:
                missing = f"{name}: {label(kind)}, which is no connector of the pack"
                yield f"{name_of(call)} asks for {missing}; add it to connectors="

"""What the answers of an exam hang on, as stamps: the pack's code and its models.toml, or a faulty.toml."""

from pathlib import Path

from agentflow.engine.models import read_models
from agentflow.engine.trust.figures import Stamps
from agentflow.exams.candidates import digest
from agentflow.exams.stamping import files_hash, stamps_of
from agentflow.jobs.packs import PackFolder
from agentflow.testing import read_faulty


def of_sources(folder: PackFolder, roles: Path | None, faults: Path | None) -> dict[str, str]:
    """By source that may be asked alone: what changes whenever its answers may. Raises ConfigError."""
    code = files_hash(folder.folder)
    functions = {name: code for step in folder.pack.workflow.steps for name in step.sources}
    if faults is not None:
        told = digest([code, faults.read_text(encoding="utf-8")])
        return functions | dict.fromkeys(read_faulty(faults).models, told)
    stamps = stamps_of(folder.pack, read_models(roles or folder.models))
    return functions | {role: digest([code, stamp]) for role, stamp in stamps.models.items()}


def of_figures(folder: PackFolder, roles: Path | None, faults: Path | None) -> Stamps:
    """What figures are kept under; those of a faulty.toml under stamps that no models.toml has. Raises ConfigError."""
    if faults is None:
        return stamps_of(folder.pack, read_models(roles or folder.models), folder.folder)
    named = digest(faults.read_text(encoding="utf-8"))
    found = stamps_of(folder.pack, {}, folder.folder)
    return found.model_copy(update={"models": dict.fromkeys(read_faulty(faults).models, named)})

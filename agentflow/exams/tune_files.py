"""The files that tuning writes: calibration.json with the ladders chosen, models.toml with what is not asked marked."""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentflow.engine.trust.figures import Tuned
from agentflow.flow.check import asked_by
from agentflow.flow.pack import Pack

MARK = "# agentflow tune: no ladder asks this role"


@dataclass(frozen=True)
class Change:
    """One file as it is to be."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """As `diff -u` shows it; empty where nothing changes."""
        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, f"a/{self.path.name}", f"b/{self.path.name}"))

    def write(self) -> None:
        """Writes it."""
        self.path.write_text(self.after, encoding="utf-8")


def changes(
    folder: Path, pack: Pack, ladders: Mapping[str, Tuned], dump: Mapping[str, Any], roles: Sequence[str]
) -> list[Change]:
    """What the files of a pack's folder become; none where a file stays as it is.

    `dump` is the content of calibration.json without ladders. A ladder that the file has of a step that is measured
    anew goes where none was proven.
    """
    told = json.loads(json.dumps(dump))
    for step, ladder in ladders.items():
        told["steps"][step]["ladder"] = ladder.model_dump(mode="json", exclude_none=True)
    path = folder / "calibration.json"
    found = [Change(path, _text(path), json.dumps(told, indent=1, ensure_ascii=False) + "\n")]
    models = folder / "models.toml"
    if models.is_file():
        idle = set(roles) - asked_roles(pack, ladders)
        found.append(Change(models, _text(models), marked(_text(models), roles, idle)))
    return [change for change in found if change.before != change.after]


def asked_roles(pack: Pack, ladders: Mapping[str, Tuned]) -> set[str]:
    """The roles that any step or check asks once the steps go by these ladders."""
    found: set[str] = set()
    for step in pack.workflow.steps:
        tuned = ladders.get(step.name)
        found |= {rung.source for rung in tuned.rungs} if tuned else set(step.policy.ladder)
        found |= {role for check in step.checks_by_name.values() for role in asked_by(check)}
    return found


def marked(text: str, roles: Collection[str], idle: Collection[str]) -> str:
    """models.toml with a mark above the tables of these roles, and above no others."""
    lines = [line for line in text.splitlines(keepends=True) if line.strip() != MARK]
    told: list[str] = []
    for line in lines:
        table = re.match(r"\s*\[\s*\"?([^\]\"]+?)\"?\s*\]", line)
        if table and table[1] in roles and table[1] in idle:
            told.append(MARK + "\n")
        told.append(line)
    return "".join(told)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""

"""Pack folders: pack.py with its models.toml, connect.toml and samples beside it."""

import importlib
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

from agentflow.engine.trust.figures import Figures
from agentflow.errors import AgentflowError, ConfigError, PackError
from agentflow.flow.pack import Pack

ENVIRONMENT = "AGENTFLOW_CONNECT_"
SAMPLES = Path("samples/documents")
CALIBRATION = "calibration.json"


@dataclass(frozen=True)
class PackFolder:
    """A pack and where it lies."""

    pack: Pack
    folder: Path

    @property
    def models(self) -> Path | None:
        """Its models.toml, where it has one."""
        path = self.folder / "models.toml"
        return path if path.is_file() else None

    @property
    def samples(self) -> Path:
        """Its own sample inputs. Raises PackError where it has none."""
        for path in (self.folder / SAMPLES, self.folder / "samples"):
            if path.is_dir():
                return path
        raise PackError(f"{self.folder} has no samples/; name the inputs: agentflow run {self.folder} PATH...")

    def connections(self, given: Mapping[str, str], *, samples: bool) -> dict[str, str]:
        """Connector URLs by name: as given, else from AGENTFLOW_CONNECT_NAME, else from connect.toml.

        The samples bring a connect.toml of their own, which counts only when they are what is run.
        """
        names = [kind.name for kind in self.pack.connectors]
        environment = {n: os.environ[ENVIRONMENT + n.upper()] for n in names if ENVIRONMENT + n.upper() in os.environ}
        stored = read_connect(self.folder / "samples" / "connect.toml" if samples else self.folder / "connect.toml")
        return {**stored, **environment, **given}


def load_pack(where: str) -> PackFolder:
    """The pack in the folder `where`. Raises PackError where there is none or it cannot be imported."""
    folder = Path(where).resolve()
    if not (folder / "pack.py").is_file():
        raise PackError(f"{where} is no pack: it holds no pack.py. A pack is a folder such as domains/invoices")
    found = [value for value in vars(_import(folder, where)).values() if isinstance(value, Pack)]
    if len(found) != 1:
        raise PackError(f"{where}/pack.py holds {len(found)} packs; let it hold one: name = Pack(...)")
    return PackFolder(_calibrated(found[0], folder / CALIBRATION), folder)


def _calibrated(pack: Pack, path: Path) -> Pack:
    """The pack with what its exams counted, where it has that. Raises PackError where it cannot be read."""
    if not path.is_file():
        return pack
    try:
        figures = Figures.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PackError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:5])
        raise PackError(f"{path}: {found}; measure it again, or delete it to go by cautious priors") from error
    if strange := sorted(set(figures.steps) - {step.name for step in pack.workflow.steps}):
        raise PackError(f"{path} tells of {', '.join(strange)}, which is no step of {pack.name}; measure it again")
    return replace(pack, calibration=figures.model_dump(mode="json", exclude_unset=True))


def _import(folder: Path, where: str) -> ModuleType:
    """Imports pack.py under the dotted name it has from its topmost package's parent folder."""
    root, parts = folder.parent, [folder.name]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        return importlib.import_module(".".join([*parts, "pack"]))
    except ModuleNotFoundError as error:
        mend = f"pip install 'agentflow-framework[{folder.name}]'" if folder.parent.name == "domains" else "install it"
        raise PackError(f"{where} needs the package {error.name}, which is not installed: {mend}") from error
    except AgentflowError as error:
        raise PackError(f"{where}: {error}") from error
    except SyntaxError as error:
        raise PackError(f"{error.filename}, line {error.lineno}: {error.msg}; mend it there") from error


def read_connect(path: Path) -> dict[str, str]:
    """Connector URLs by name; none where there is no such file. Raises ConfigError where it is wrong."""
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    if wrong := [name for name, url in table.items() if not isinstance(url, str)]:
        raise ConfigError(f"{path}: {', '.join(wrong)} must be a path or a URL in quotes")
    return {name: url if "://" in url else str(path.parent / url) for name, url in table.items()}

"""Pack folders: pack.py with its models.toml, connect.toml and samples beside it."""

import importlib
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from agentflow.errors import AgentflowError, ConfigError, PackError
from agentflow.flow.pack import Pack

ENVIRONMENT = "AGENTFLOW_CONNECT_"
SAMPLES = Path("samples/documents")


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
        stored = _read_connect(self.folder / "samples" / "connect.toml" if samples else self.folder / "connect.toml")
        return {**stored, **environment, **given}


def load_pack(where: str) -> PackFolder:
    """The pack in the folder `where`. Raises PackError where there is none or it cannot be imported."""
    folder = Path(where).resolve()
    if not (folder / "pack.py").is_file():
        raise PackError(f"{where} is no pack: it holds no pack.py. A pack is a folder such as domains/invoices")
    found = [value for value in vars(_import(folder, where)).values() if isinstance(value, Pack)]
    if len(found) != 1:
        raise PackError(f"{where}/pack.py holds {len(found)} packs; let it hold one: name = Pack(...)")
    return PackFolder(found[0], folder)


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


def _read_connect(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    if wrong := [name for name, url in table.items() if not isinstance(url, str)]:
        raise ConfigError(f"{path}: {', '.join(wrong)} must be a path or a URL in quotes")
    return {name: url if "://" in url else str(path.parent / url) for name, url in table.items()}

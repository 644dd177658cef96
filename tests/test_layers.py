"""Imports only go down: each floor may use itself and what stands below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "errors": 1,
    "flow": 2,
    "connectors": 3,
    "testing": 3,
    "engine": 4,
    "exams": 5,
    "jobs": 6,
    "web": 7,
    "client": 7,
    "cli": 7,
}
SEAMS = {"langgraph": {"engine/graph.py", "engine/checkpoints.py"}, "litellm": {"engine/models.py"}}
"""Libraries that one file alone may import."""


def imports(path: Path) -> set[str]:
    """The dotted names of the modules a file imports, wherever in the file it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def floor(name: str) -> int:
    return FLOORS[name.split(".")[1].removesuffix(".py")]


@pytest.mark.parametrize("path", sorted((ROOT / "agentflow").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_imports_what_stands_above_it(path: Path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) == 2 and parts[1] == "__init__":
        return
    mine = floor(".".join(parts))
    inside = {name for name in imports(path) if name.startswith("agentflow.")}
    assert {name for name in inside if floor(name) > mine} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "domains").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_pack_imports_the_face_alone(path: Path):
    assert {name for name in imports(path) if name.startswith("agentflow.") and name.count(".") > 1} == set()


def test_nobody_inside_imports_the_face():
    inside = [path for path in (ROOT / "agentflow").rglob("*.py") if path.parent.name != "agentflow"]
    assert [str(path) for path in inside if "agentflow" in imports(path) and path.name != "migrate.py"] == []


@pytest.mark.parametrize(("library", "seam"), SEAMS.items())
def test_each_seam_is_small(library: str, seam: set[str]):
    using = [p for p in (ROOT / "agentflow").rglob("*.py") if any(n.split(".")[0] == library for n in imports(p))]
    assert {str(path.relative_to(ROOT / "agentflow")) for path in using} <= seam


def test_one_file_sets_up_a_database_engine():
    using = [p for p in (ROOT / "agentflow").rglob("*.py") if "create_async_engine" in p.read_text(encoding="utf-8")]
    assert [str(path.relative_to(ROOT / "agentflow")) for path in using] == ["connectors/sql.py"]


def test_the_face_loads_no_heavy_library():
    code = "import agentflow, sys; agentflow.workflow, agentflow.Pack; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"langgraph", "litellm", "sqlalchemy"} & set(loaded) == set()


def test_help_loads_no_heavy_library():
    code = "import sys; sys.argv = ['agentflow', '--help']\nfrom agentflow.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"langgraph", "litellm", "sqlalchemy", "pydantic"} & set(loaded) == set()

"""Every example runs and prints what it promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRINTS = {
    "first_workflow.py": "a Counted {'count': 3} 10 cents",
    "each_and_fork.py": "{'text': '2 items, tea and milk: 175 cents'}",
    "person_in_the_loop.py": "unclear: Approved",
    "effect_once.py": "1 parcel",
    "as_a_library.py": "large: Refused 20 cents",
    "ask_a_model.py": "finished {'queue': 'billing', 'order': 'A18'} after 2 answers",
    "inside_a_product.py": "ada: {'status': 'finished', 'title': 'Nice chair'}",
}


def test_every_example_is_run():
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(PRINTS)


@pytest.mark.parametrize(("name", "line"), PRINTS.items())
def test_an_example_prints_what_it_promises(name: str, line: str):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, f"examples/{name}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert line in done.stdout.splitlines()

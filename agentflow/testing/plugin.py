"""The pytest plugin: fixtures for packs' tests. Everything is loaded when a test first asks for it."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import pytest


@pytest.fixture
def fake_model() -> Any:
    """The class `FakeModel`: `await extract(document, model=fake_model({"total": "119.00"}))`."""
    from agentflow.testing.fakes import FakeModel

    return FakeModel


@pytest.fixture
def memory_journal() -> Any:
    """A `MemoryJournal`."""
    from agentflow.testing.fakes import MemoryJournal

    return MemoryJournal()


@pytest.fixture
def faulty_models() -> Generator[Callable[..., Any]]:
    """Starts servers of faulty models: `server = faulty_models({"small": {"error": 0.05}}, truth)`.

    Takes a `Faulty` or its `models` as tables, and a `Truth` or right answers by case. Servers run in threads, so
    that sync tests can use them, and end with the test.
    """
    from agentflow.testing.server import serve_in_thread
    from agentflow.testing.spec import Faulty
    from agentflow.testing.truth import by_marker

    with ExitStack() as open_servers:

        def start(models: Any, truth: Any, *, seed: int = 0, **options: Any) -> Any:
            faulty = models if isinstance(models, Faulty) else Faulty(seed=seed, models=models)
            answers: Any = truth if callable(truth) else by_marker(truth)
            return open_servers.enter_context(serve_in_thread(faulty, answers, **options))

        yield start

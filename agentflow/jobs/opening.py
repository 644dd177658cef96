"""Opens a runner: a pack's connectors, models and store, in one place."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path

from agentflow.connectors.opening import open_connectors
from agentflow.engine.answer import Binder
from agentflow.engine.checkpoints import open_checkpoints
from agentflow.engine.metrics import open_metrics
from agentflow.engine.models import Budget, ModelConfig, Models
from agentflow.engine.trace_export import open_tracing
from agentflow.errors import ConfigError
from agentflow.flow.pack import Pack
from agentflow.jobs.runner import Runner
from agentflow.jobs.store import Store, open_store


@asynccontextmanager
async def open_runner(
    pack: Pack,
    *,
    home: Path,
    database: str | None = None,
    connect: Mapping[str, str] | None = None,
    models: Mapping[str, ModelConfig] | Binder | None = None,
    budget: Decimal | None = None,
    store: Store | None = None,
) -> AsyncGenerator[Runner]:
    """Opens what the pack's jobs need.

    `home` is the folder that keeps documents and, unless `database` (a SQLAlchemy URL) says otherwise, the job
    store; where the caller has that open already, it is `store`. `connect` gives URLs by connector name; `models` are
    the roles of models.toml, or what binds them by itself and keeps its own budget; `budget` is in USD. Raises
    ConfigError and ConnectorError.
    """
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    jobs = database or f"sqlite:///{home / 'agentflow.db'}"
    async with AsyncExitStack() as stack:
        store = store or await stack.enter_async_context(open_store(jobs))
        opened = await open_connectors(stack, pack, home, connect or {})
        terms = await store.accept(pack)
        savers = await open_checkpoints(jobs, store)
        tracing = await stack.enter_async_context(open_tracing())
        metrics = await stack.enter_async_context(open_metrics())
        yield Runner(pack, store, terms, savers, opened, _binder(models, budget), tracing, metrics)


def _binder(models: Mapping[str, ModelConfig] | Binder | None, budget: Decimal | None) -> Binder:
    if models is None or isinstance(models, Mapping):
        return Models(models or {}, Budget(budget))
    if budget is not None:
        raise ConfigError("budget= counts for roles of models.toml; give the binder its own, as Models(..., Budget())")
    return models

"""What benchmarks of the invoices pack share: its step that reads pages, and its connectors, open."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from agentflow import Documents, load_pack
from agentflow.engine.answer import Services
from agentflow.flow.step import Step
from agentflow.testing import FakeModels, MemoryJournal
from domains.invoices.connectors.orders import Orders
from domains.invoices.connectors.register import Register
from domains.invoices.connectors.vendors import Vendors
from domains.invoices.reading import Reader
from tests.benchmarks.invoices import ROOT


@asynccontextmanager
async def desk(data: Path, home: Path) -> AsyncGenerator[tuple[Services, Reader]]:
    """What the pack's checks ask for, open: the vendor book of the data, no orders, an empty register."""
    async with AsyncExitStack() as stack:
        opened: dict[type[Any], Any] = {}
        for kind, url in ((Documents, None), (Vendors, str(data / "vendors.csv")), (Orders, None), (Register, None)):
            opened[kind] = await stack.enter_async_context(kind.open(url, home))
        reader = await stack.enter_async_context(Reader.open(None, home))
        yield Services("benchmark", opened, FakeModels(), MemoryJournal()), reader


@cache
def extraction() -> Step:
    """The pack's step that reads pages."""
    steps = load_pack(str(ROOT / "domains" / "invoices")).pack.workflow.steps
    return next(step for step in steps if step.name == "extract")

"""Opening: every connector that a pack names, each with its URL."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from agentflow.connectors.documents import Documents
from agentflow.errors import ConfigError
from agentflow.flow.connector import Connector
from agentflow.flow.pack import Pack


async def open_connectors(
    stack: AsyncExitStack, pack: Pack, home: Path, connect: Mapping[str, str]
) -> dict[type[Any], Any]:
    """The pack's connectors and the blob store, open until `stack` ends. Raises ConfigError and ConnectorError."""
    kinds: list[type[Connector]] = [Documents, *(kind for kind in pack.connectors if kind is not Documents)]
    names = [kind.name for kind in kinds]
    if unknown := sorted(set(connect) - set(names)):
        raise ConfigError(f"the pack {pack.name} has no connector {', '.join(unknown)}; it has {', '.join(names)}")
    return {kind: await stack.enter_async_context(kind.open(connect.get(kind.name), home)) for kind in kinds}

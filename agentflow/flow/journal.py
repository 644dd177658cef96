"""The journal: what a running job writes down as it happens, whoever keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """One call of a model, failed ones too."""

    call: str
    """Unique."""
    step: str
    role: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal = Decimal(0)
    """USD."""
    seconds: float = 0.0
    fault: str | None = None
    """Why the call gave no answer; None where it did."""


class Journal(Protocol):
    """Kept by the caller; every write is durable when it returns."""

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line, whatever becomes of the answer."""
        ...

    async def begin_effect(self, key: str, step: str) -> Mapping[str, Any] | None:
        """Notes that an effect starts; what it made, where an earlier run of the job has finished it."""
        ...

    async def end_effect(self, key: str, made: Mapping[str, Any]) -> None:
        """Notes that an effect is done and what it made."""
        ...

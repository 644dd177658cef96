"""Sparing: what a step writes that runs alone is left to the checkpoint that follows it at once and holds the same."""

from collections.abc import Mapping, Sequence
from typing import Any

STARTS, SENDS = ("branch:to:", "__start__"), "__pregel_tasks"
"""The channels by which LangGraph starts nodes; a name that it changes makes a step count as one of several."""
SPECIAL = "__"
"""How the names of LangGraph's own channels begin: questions, answers and errors are always written."""


def spared(saver: Any) -> Any:
    """The saver; only steps that run side by side keep their results before all of them have ended.

    A process that is killed between the two writes of a step that runs alone does the step again, as one does that is
    killed a moment earlier: an effect is known by its key, and an answer is asked for again.
    """
    put, put_writes, alone = saver.aput, saver.aput_writes, False

    async def putting(config: Any, checkpoint: Mapping[str, Any], *rest: Any) -> Any:
        nonlocal alone
        alone = False
        stored = await put(config, checkpoint, *rest)
        alone = _starts_one(checkpoint)
        return stored

    async def writing(config: Any, writes: Sequence[tuple[str, Any]], *rest: Any) -> None:
        if not alone or any(channel.startswith(SPECIAL) for channel, _ in writes):
            await put_writes(config, writes, *rest)

    saver.aput, saver.aput_writes = putting, writing
    return saver


def _starts_one(checkpoint: Mapping[str, Any]) -> bool:
    updated: Sequence[str] = checkpoint.get("updated_channels") or ()
    return SENDS not in updated and sum(channel.startswith(STARTS) for channel in updated) == 1

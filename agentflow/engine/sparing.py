"""Sparing: what the checkpoint that follows at once holds as well is left to it."""

from collections.abc import Mapping, Sequence
from typing import Any

STARTS, SENDS = ("branch:to:", "__start__"), "__pregel_tasks"
"""The channels by which LangGraph starts nodes; a name that it changes makes a step count as one of several."""
SPECIAL = "__"
"""How the names of LangGraph's own channels begin: questions, answers and errors are always written."""
BEFORE = -1
"""The number of the step that takes the input in."""


def spared(saver: Any) -> Any:
    """The saver; only steps that run side by side keep their results before all of them have ended.

    Nor is the input kept by itself, which the job has: a run that is killed before its first step begins anew.
    A process that is killed between the two writes of a step that runs alone does the step again, as one does that is
    killed a moment earlier: an effect is known by its key, and an answer is asked for again.
    """
    put, put_writes, alone = saver.aput, saver.aput_writes, False

    async def putting(config: Any, checkpoint: Mapping[str, Any], metadata: Mapping[str, Any], *rest: Any) -> Any:
        nonlocal alone
        if metadata.get("step") == BEFORE:
            alone = True
            return _named(config, checkpoint)
        alone = False
        stored = await put(config, checkpoint, metadata, *rest)
        alone = _starts_one(checkpoint)
        return stored

    async def writing(config: Any, writes: Sequence[tuple[str, Any]], *rest: Any) -> None:
        if not alone or any(channel.startswith(SPECIAL) for channel, _ in writes):
            await put_writes(config, writes, *rest)

    saver.aput, saver.aput_writes = putting, writing
    return saver


def _named(config: Any, checkpoint: Mapping[str, Any]) -> Any:
    """What LangGraph goes on with from a checkpoint that was kept."""
    return {"configurable": {**config["configurable"], "checkpoint_id": checkpoint["id"]}}


def _starts_one(checkpoint: Mapping[str, Any]) -> bool:
    updated: Sequence[str] = checkpoint.get("updated_channels") or ()
    return SENDS not in updated and sum(channel.startswith(STARTS) for channel in updated) == 1

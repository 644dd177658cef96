"""Patience: a run that breaks off is tried again, with growing pauses, before its engine lets go of the job."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from agentflow.jobs.dispatch import RunJob
from agentflow.jobs.logs import told

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries."""

log = logging.getLogger(__name__)


Ours = Callable[[], Awaitable[bool]]


async def always() -> bool:
    """Nobody else is handed the job."""
    return True


async def patiently(run_job: RunJob, job: str, pauses: Sequence[float] = PAUSES, ours: Ours = always) -> None:
    """Runs a job until it raises nothing, at most once more than there are pauses; raises what the last try did.

    It is not tried again where it is not `ours` any more: whoever was handed it meanwhile would lose it.
    """
    for number, pause in enumerate(pauses):
        try:
            return await run_job(job) if number == 0 or await ours() else None
        except Exception as error:  # noqa: BLE001 - whatever broke off is tried again
            log.warning("job %s broke off, to be tried again: %s", job, told(error), extra={"job": job})
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
    return await run_job(job) if await ours() else None

"""Patience: a run that breaks off is tried again, with growing pauses, before its engine lets go of the job."""

import asyncio
import logging
import random
from collections.abc import Sequence

from agentflow.jobs.dispatch import RunJob

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries."""

log = logging.getLogger(__name__)


async def patiently(run_job: RunJob, job: str, pauses: Sequence[float] = PAUSES) -> None:
    """Runs a job until it raises nothing, at most once more than there are pauses; raises what the last try did."""
    for pause in pauses:
        try:
            return await run_job(job)
        except Exception as error:  # noqa: BLE001 - whatever broke off is tried again
            log.warning("job %s broke off, to be tried again: %s", job, str(error).partition("\n")[0])
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
    return await run_job(job)

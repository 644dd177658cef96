"""Work: what a worker does with the jobs that an engine hands it."""

from collections.abc import Callable, Mapping

from agentflow.jobs.dispatch import RunJob
from agentflow.jobs.runner import Runner
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Job


def carrying(store: Store, runners: Mapping[str, Runner], tell: Callable[[Job], None]) -> RunJob:
    """Carries a job on with the runner of its pack, by name, and tells how it then stands.

    A job may be handed over more than once; one that has ended, failed ones too, stays as it is.
    """

    async def run_job(job: str) -> None:
        row = await store.get(job)
        if row is not None and row.status in ("queued", "running"):
            tell(await runners[row.pack].run(job, since=("queued", "running")))

    return run_job

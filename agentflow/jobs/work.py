"""Work: what a worker does with the jobs that an engine hands it."""

from collections.abc import Callable, Mapping

from agentflow.jobs.dispatch import RunJob
from agentflow.jobs.runner import Runner
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Job

MOST_RUNS = 100
DEADLY = {
    "code": "failed",
    "message": f"It was begun {MOST_RUNS} times and never came to an end; it seems to end its worker.",
    "path": "",
    "severity": "error",
    "reference": None,
}


def carrying(store: Store, runners: Mapping[str, Runner], tell: Callable[[Job], None]) -> RunJob:
    """Carries a job on with the runner of its pack, by name, and tells how it then stands.

    A job may be handed over more than once; one that has ended, failed ones too, stays as it is. One that was begun a
    hundred times without an end fails: it seems to take its workers down with it.
    """

    async def run_job(job: str) -> None:
        row = await store.take(job, since=("queued", "running"), packs=runners)
        if row is None:
            if (row := await store.get(job)) is not None:
                await runners[row.pack].resume(row, since=())
        elif row.fence > MOST_RUNS:
            tell(await store.fail(job, row.fence, problems=[DEADLY]))
        else:
            tell(await runners[row.pack].carry(row))

    return run_job

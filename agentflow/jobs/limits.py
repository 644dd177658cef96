"""What a job may still cost and how long it may still take, whichever of its runs it is."""

from decimal import Decimal

from agentflow.engine.answer import is_bounded
from agentflow.engine.attempt import Binder
from agentflow.errors import CostError, DeadlineError
from agentflow.flow.pack import Pack
from agentflow.jobs.ids import now
from agentflow.jobs.store import Store, dollars
from agentflow.jobs.tables import Job


async def within(pack: Pack, job: Job, models: Binder, store: Store) -> Binder:
    """The models, held to the limits of the job and of its pack, where they can be."""
    seconds = _seconds_left(pack, job)
    if (pack.budget is None and pack.max_cost is None and seconds is None) or not is_bounded(models):
        return models
    models = models.within(seconds=seconds)
    if pack.budget is None and pack.max_cost is None:
        return models
    spent = dollars((await store.cost(job.id))[0])
    if pack.max_cost is not None:
        models = models.within(usd=max(Decimal(0), pack.max_cost - spent), refused=CostError)
    return models if pack.budget is None else models.within(usd=max(Decimal(0), pack.budget - spent))


def in_time(job: Job) -> None:
    """Raises DeadlineError where the job's deadline has passed: no step is begun then, an effect least of all."""
    if job.deadline_at is not None and job.deadline_at <= now():
        raise DeadlineError(f"the deadline of job {job.id} has passed")


def _seconds_left(pack: Pack, job: Job) -> float | None:
    """Seconds that the job may still work: by its pack, and until its own deadline; None without a limit."""
    limits = [] if pack.deadline is None else [pack.deadline - job.seconds]
    limits += [] if job.deadline_at is None else [(job.deadline_at - now()).total_seconds()]
    return max(0.0, min(limits)) if limits else None

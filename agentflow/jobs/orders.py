"""Orders: what a tenant wants done, and the earlier jobs that did the same."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from agentflow.errors import RequestError
from agentflow.flow.pack import Pack
from agentflow.flow.record import Document, Record
from agentflow.jobs.ids import now
from agentflow.jobs.runner import is_document
from agentflow.jobs.tables import LOCAL, OPEN, Job

REPEATED = timedelta(days=30)
"""How long after its acceptance a finished job is what the same order gets, for nothing."""

EARLIER = (
    select(Job.id, Job.status, Job.input_name, Job.pack_version, Job.created_at)
    .where(
        Job.tenant_id == bindparam("tenant"),
        Job.pack == bindparam("of_pack"),
        Job.input_sha256 == bindparam("content"),
    )
    .order_by(Job.id)
)


@dataclass(frozen=True)
class Order:
    """What a tenant wants done."""

    pack: str
    record: Record
    sha256: str
    """Of what the record holds: the same is done once."""
    name: str
    tenant: str = LOCAL
    labels: Mapping[str, Any] = field(default_factory=dict[str, Any])
    named: bool = False
    """True where the tenant gave the name: then only the same name is the same job."""
    most_minor: int | None = None
    """What the dearest outcome may cost, in minor units of the pack's currency."""
    version: str = "1"
    """Of the pack: another one may come to another outcome."""
    deadline: timedelta | None = None
    """From its acceptance on; then it expires."""


def order_of(
    pack: Pack,
    given: Record,
    *,
    name: str | None = None,
    tenant: str = LOCAL,
    labels: Mapping[str, Any] | None = None,
    most_minor: int | None = None,
    deadline: timedelta | None = None,
) -> Order:
    """The order for a record. Raises RequestError where the pack does not take it."""
    if not isinstance(given, pack.workflow.takes):
        raise RequestError(f"The pack {pack.name} takes {pack.workflow.takes.__name__}.", code="invalid")
    if isinstance(given, Document):
        sha, called = given.sha256, name or given.name
    else:
        told = json.dumps(given.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        sha = hashlib.sha256(told.encode()).hexdigest()
        called = name or f"{pack.workflow.takes.__name__} {sha[:12]}"
    return Order(
        pack.name,
        given,
        sha,
        called,
        tenant,
        labels=labels or {},
        named=name is not None,
        most_minor=most_minor,
        version=pack.version,
        deadline=deadline,
    )


def record_of(pack: Pack, given: Mapping[str, Any]) -> Record:
    """The record that a pack starts from. Raises pydantic's ValidationError; RequestError where it takes files."""
    if is_document(pack):
        raise RequestError(
            f"The pack {pack.name} takes a file: send it to /v1/files, then name file_id.", code="invalid"
        )
    return pack.workflow.takes.model_validate(given)


class Earlier(NamedTuple):
    """A job on the same content."""

    id: str
    status: str
    input_name: str
    pack_version: str
    created_at: datetime


def earlier_jobs(connection: Connection, order: Order) -> Sequence[Earlier]:
    """The tenant's jobs of the pack on the same content, the oldest first."""
    which = {"tenant": order.tenant, "of_pack": order.pack, "content": order.sha256}
    return [Earlier(*row) for row in connection.execute(EARLIER, which)]


def same(order: Order, earlier: Sequence[Earlier]) -> Earlier | None:
    """The one of the earlier jobs that the order asks for again: it is under way, or came to an outcome of late.

    It was done by the same version of the pack, and is called the same where the tenant gave the name.
    """
    long_ago = now() - REPEATED
    of_late = (job for job in earlier if job.status == "finished" and job.created_at > long_ago)
    alive = (job for job in (*(j for j in earlier if j.status in OPEN), *of_late) if job.pack_version == order.version)
    return next((job for job in alive if not order.named or job.input_name == order.name), None)


def free_name(order: Order, earlier: Sequence[Earlier]) -> str:
    """The order's name, numbered where another job has that name and that content."""
    taken = {job.input_name for job in earlier}
    numbered = (f"{order.name} ({n})" for n in range(2, len(taken) + 3))
    return next(name for name in (order.name, *numbered) if name not in taken)

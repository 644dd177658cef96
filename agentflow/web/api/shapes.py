"""What the API says and takes: the bodies, as OpenAPI shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agentflow.jobs.tables import Job, Status

T = TypeVar("T")


def _with_zone(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Time = Annotated[datetime, AfterValidator(_with_zone)]
"""A time, which the database keeps in UTC without its zone."""
LARGEST = 10**12
LONGEST_DEADLINE = 366 * 86_400
"""Seconds."""


class Told(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Given(BaseModel):
    """What the API takes; a field it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Told):
    """An amount in minor units: 240 EUR-cents."""

    amount_minor: int
    currency: str


class MoneyGiven(Given):
    """An amount in minor units."""

    amount_minor: int = Field(ge=0, le=LARGEST)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class ProblemDetail(Told):
    """One thing that is wrong with a request."""

    pointer: str
    code: str


class ProblemBody(Told):
    """RFC 9457: why a request was refused."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool
    errors: list[ProblemDetail]


class Page(Told, Generic[T]):
    """Part of a list."""

    data: list[T]
    next_cursor: str | None
    has_more: bool


class Listed(Told, Generic[T]):
    """A list that is whole."""

    data: list[T]


class Billing(Told):
    """What a job costs and why: free is what failed, expired, was canceled or could not be verified."""

    state: Literal["none", "reserved", "charged", "partly_credited", "credited", "released"]
    amount: Money
    """What is set aside, or what was charged less what was given back."""
    reason: str | None
    charge_id: str | None
    disputed: bool


class Progress(Told):
    """How far a job under way is."""

    steps_done: int
    last_step: str | None


class Fault(Told):
    """Why a job failed."""

    code: str
    message: str


class JobBody(Told):
    """A job."""

    id: str
    object: Literal["job"] = "job"
    pack: str
    pack_version: str
    reference: str
    status: Status
    outcome: str | None
    result: dict[str, Any] | None
    """What was made, once it is finished."""
    billing: Billing
    price_list: str | None
    progress: Progress | None
    error: Fault | None
    duplicate_of: str | None
    """The job that was there already, where a request asked for the same again; nothing more is charged."""
    deadline_at: Time | None
    """When it expires, free of charge, if it has not ended."""
    metadata: dict[str, str]
    livemode: bool
    version: int
    created_at: Time
    finished_at: Time | None
    erased_at: Time | None = None
    """When all that it read and made was deleted."""
    links: dict[str, str]


class JobGiven(Given):
    """What is wanted: a record as `input`, or a file that was sent before as `file_id`."""

    pack: str = Field(min_length=1, max_length=100)
    input: dict[str, Any] | None = None
    file_id: str | None = Field(default=None, max_length=64)
    reference: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    """Your own name for it: with the same content it is the same job."""
    max_price: MoneyGiven | None = None
    """Refused where an outcome could cost more."""
    metadata: dict[str, str] = Field(default_factory=dict[str, str], max_length=20)
    deadline_s: int | None = Field(default=None, ge=1, le=LONGEST_DEADLINE)
    """Seconds after which it expires, free of charge, if it has not ended; 30 days where nothing is said."""


class FileBody(Told):
    """A file that was sent."""

    id: str
    object: Literal["file"] = "file"
    name: str
    media_type: str
    sha256: str
    bytes: int
    created_at: Time


class ResultBody(Told):
    """What a job ended as, with the evidence by field."""

    job: str
    outcome: str
    output: dict[str, Any] | None
    record: dict[str, Any] | None
    evidence: dict[str, Any]
    problems: list[Any]


class VerifiedCheck(Told):
    """What a check said of what left a step; what it found are notes."""

    check: str
    passed: bool
    found: list[str]


class VerifiedStep(Told):
    """What left a step, and what it was held against; a person's answer is held against no check."""

    step: str
    item: int | None
    """The place in a list, where the step goes through one."""
    attempt: str | None
    source: str
    trust: float | None
    """Of the least trusted value, where the step promises anything."""
    checks: list[VerifiedCheck]


class VerificationBody(Told):
    """What the charge rests on: what was checked, by which sources, on which content."""

    id: str
    job: str
    outcome: str
    verdict: Literal["pass", "fail"]
    fault: Literal["none", "customer", "operator"]
    checks: list[VerifiedStep]
    sources: list[str]
    models: dict[str, list[str]]
    """By role: the models that answered."""
    pack_version: str
    definition: str
    """sha256 of what had to be true: the table of steps, policies, checks and measured figures."""
    input_sha256: str
    output_sha256: str
    records_sha256: str | None
    """Of all records on the way from the input to the outcome; null where it was made before they were kept."""
    created_at: Time


class EventBody(Told):
    """Something that happened to a job; `number` counts from 1."""

    number: int
    type: str
    created_at: Time
    data: dict[str, Any]


def links_of(job: Job) -> Mapping[str, str]:
    """Where to go from a job."""
    here = f"/v1/jobs/{job.id}"
    return {"self": here} | {n: f"{here}/{n}" for n in ("result", "verification", "events", "cancel", "disputes")}


class Question(Told):
    """What a person is asked: to look at a record that was doubted, or to decide what the workflow leaves open."""

    id: str
    kind: Literal["doubt", "question"]
    step: str
    answers: list[str]
    """The records that answer it."""
    shown_type: str | None
    shown: Any
    reasons: list[Any]


class Held(Told):
    """Who holds a review, and until when."""

    by: str
    until: Time


class ReviewBody(Told):
    """A job that waits for a person."""

    id: str
    object: Literal["review"] = "review"
    job: str
    pack: str
    reference: str
    version: int
    questions: list[Question]
    forms: dict[str, Any]
    """The JSON Schema of each record that answers, by its name."""
    problems: list[Any]
    held: Held | None
    """Who is looking at it, where somebody has claimed it."""
    deadline_at: Time | None
    created_at: Time


class ClaimBody(ReviewBody):
    """A review that is held by whoever claimed it."""

    lease: int
    """The claim's number: heartbeat, release and answer name it."""


class ClaimGiven(Given):
    """Who wants the next review, and of which pack."""

    pack: str | None = Field(default=None, min_length=1, max_length=100)
    by: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    """Shown to the others; the key's id where nothing is said."""


class LeaseGiven(Given):
    """The number of the claim that is held."""

    lease: int = Field(ge=1, le=2**31 - 1)


class AnswerGiven(Given):
    """A person's answer: the record called `answer`, with its fields."""

    answer: str = Field(min_length=1, max_length=200)
    value: dict[str, Any]
    question: str | None = Field(default=None, max_length=64)
    """Needed only where several are open."""
    by: str = Field(default="", max_length=200)
    """Who decided; for the record."""
    lease: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """The number of the claim, where the review was claimed; without one only what nobody holds can be answered."""

"""Faulty models as they are written down: what faulty.toml says of each model's price, speed and errors."""

import tomllib
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agentflow.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class Table(BaseModel):
    """A table of faulty.toml; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Shares(Table):
    """Shares of calls that exclude each other."""

    @cached_property
    def shares(self) -> dict[str, float]:
        """The shares that are not zero."""
        return {name: value for name, value in self if value}

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"the shares of {', '.join(self.shares)} add up to more than 1")
        return self


class WireFaults(Shares):
    """Shares of calls that fail on the wire; drawn afresh at every send, so the same prompt may do better next time."""

    rate_limited: Share = 0
    """429 with a Retry-After of `FaultyModel.retry_after` seconds."""
    server_error: Share = 0
    """One of 500, 502, 503."""
    timeout: Share = 0
    """No answer for `FaultyModel.hang` seconds."""
    cut: Share = 0
    """The connection ends in the middle of the answer."""
    cut_json: Share = 0
    """The answer ends in the middle of its JSON though the call says that it is whole."""
    empty: Share = 0
    """An answer without content."""


class AnswerFaults(Shares):
    """Shares of answers that come in the wrong form, besides `error`; the same prompt at temperature 0 repeats them."""

    refusal: Share = 0
    content_filter: Share = 0
    length: Share = 0
    """Cut off, `finish_reason` says so."""
    prose: Share = 0
    """Words around the JSON; the answer inside is as right as any other."""
    fence: Share = 0
    """The JSON in a Markdown code fence."""
    wrong_type: Share = 0
    extra_field: Share = 0
    missing_field: Share = 0


class Price(Table):
    """USD for a million tokens, or for a call."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    call: Decimal | None = None


class Latency(Table):
    """Seconds a call takes: lognormal, and now and then a straggler."""

    median: Seconds = 0
    sigma: Annotated[float, Field(ge=0)] = 0.4
    """Of the logarithm."""
    stragglers: Share = 0
    straggler: tuple[Seconds, Seconds] = (10, 40)
    """Seconds of a straggler: from, to."""


class RightRate(Table):
    """How often the model is right on a case: one draw of Beta(a, b) a case; takes the place of `error`."""

    a: Annotated[float, Field(ge=0.5)]
    b: Annotated[float, Field(ge=0.1)]
    shared: Share = 0
    """Share of cases whose difficulty is the case's own and not the model's: hard for every model that shares it."""


class Confidence(Table):
    """What the model says of its own answer: P(right) by a signal of this AUC."""

    auc: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    field: str | None = None
    """The field of the answer that holds it, where the asked form has one; the logprobs hold it in any case."""


class Limit(Table):
    """What the model's server can bear."""

    per_second: Annotated[float, Field(gt=0)]
    queue: Seconds = 1
    """Seconds of work that may wait; what does not fit is answered 429."""
    refusal_cost: Share = 0.3
    """Work of a refusal, as a share of a call's."""


class Episode(Table):
    """A while in which the model behaves differently; from and to, the end not included."""

    kind: Literal["down", "silent", "unreachable", "nonsense", "slow"] = "down"
    """Down: answers `status`. Silent: does not answer. Unreachable: closes the connection. Slow: `factor` times."""
    requests: tuple[int, int] | None = None
    """By the number of the request that this model gets, from 0."""
    seconds: tuple[Seconds, Seconds] | None = None
    """By the time since the start."""
    status: int = 503
    factor: Annotated[float, Field(ge=1)] = 10

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if (self.requests is None) == (self.seconds is None):
            raise ValueError("an episode needs either requests = [from, to] or seconds = [from, to]")
        return self

    def covers(self, request: int, second: float) -> bool:
        """True if the request falls into it."""
        at, span = (request, self.requests) if self.requests else (second, self.seconds)
        return span is not None and span[0] <= at < span[1]


class FaultyModel(Table):
    """One model: `[models.NAME]` of faulty.toml. As it stands here it is free, immediate and always right."""

    price: Price = Price()
    latency: Latency = Latency()
    wire: WireFaults = WireFaults()
    retry_after: Seconds = 1
    hang: Seconds = 600
    faults: AnswerFaults = AnswerFaults()
    error: Share = 0
    """Share of answers with a wrong value; of fields where `per` says so."""
    right_rate: RightRate | None = None
    split: tuple[Share, Share, Share] = (0, 1, 0)
    """How the errors divide: detectable, undetectable but independent, correlated (wrong on this case every time)."""
    per: Literal["answer", "field"] = "answer"
    """What errs: the answer, in one of its fields, or every field for itself."""
    detectable: Literal["form", "value"] | None = None
    """A detectable error breaks the form (the default for answers) or gives a value that is nowhere on the page."""
    wrong_values: Annotated[int, Field(ge=1)] = 10
    """Size of the space that wrong values come from."""
    follows: Share | dict[str, Share] = 0
    """Share of an earlier model's correlated mistakes that this one makes too, with the same wrong value."""
    rate_may_rise: bool = False
    """Lets `follows` raise the correlated rate where it asks for more than `error` and `split` leave."""
    confidence: Confidence | None = None
    wrong_on: list[str] = []
    """Tags of cases, or texts in the prompt, on which the model is always wrong and sure of it."""
    episodes: list[Episode] = []
    limit: Limit | None = None

    @model_validator(mode="after")
    def _split_is_whole(self) -> Self:
        if abs(sum(self.split) - 1) > 1e-6:
            raise ValueError(f"split = {list(self.split)} must add up to 1")
        return self


class Faulty(Table):
    """faulty.toml: a seed and models by name, in an order that `follows` looks back along."""

    seed: int = 0
    truth: str | None = None
    """A JSONL file beside faulty.toml, or `module:function`; see `agentflow.testing.truth`."""
    models: dict[str, FaultyModel]

    @model_validator(mode="after")
    def _follows_earlier_models(self) -> Self:
        earlier: list[str] = []
        for name, model in self.models.items():
            named = model.follows if isinstance(model.follows, dict) else {}
            if unknown := sorted(set(named) - set(earlier)):
                raise ValueError(f"{name} follows {', '.join(unknown)}, but can follow only a model listed before it")
            earlier.append(name)
        return self


def read_faulty(path: Path) -> Faulty:
    """What a faulty.toml says; `truth` comes back as a path that holds from here. Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    try:
        faulty = Faulty.model_validate(table)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'table'}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {found}") from error
    if faulty.truth is None or ":" in faulty.truth:
        return faulty
    return faulty.model_copy(update={"truth": str(path.parent / faulty.truth)})


def models_toml(faulty: Faulty, url: str, *, structured: str = "schema") -> str:
    """A models.toml that reaches these models at `url` (a server's), each under its own name as a role.

    A price a call is told as the price of one token: the server then counts one token an answer.
    """
    return "\n".join(_role(name, model, url, structured) for name, model in faulty.models.items())


def _role(name: str, model: FaultyModel, url: str, structured: str) -> str:
    flat = model.price.call
    lines = [f"[{name}]", f'model = "openai/{name}"', f'api_base = "{url}"', f'structured = "{structured}"']
    lines.append(f'input_price = "{model.price.input if flat is None else 0}"')
    lines.append(f'output_price = "{model.price.output if flat is None else flat * 1_000_000}"')
    lines += ["max_tokens = 1"] if flat is not None else []
    return "\n".join([*lines, ""])

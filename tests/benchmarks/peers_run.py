"""Runs of the contestants: each is given the same cases over HTTP, and its calls and their cost are counted alike."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from agentflow.engine.trust.figures import Figures
from agentflow.flow.record import Record
from agentflow.testing import Gold, Request, Server, Truth, serve_in_thread
from agentflow.testing.truth import case_of
from tests.benchmarks.peers_agentflow import Answer, Setup, agentflow, estimated_figures, known_figures, no_figures
from tests.benchmarks.peers_others import PEERS
from tests.benchmarks.peers_task import CHECKS, LARGE, ONE_STEP, PRICES, SMALL, Case, World, make_case

Told = Literal["known", "estimated", "priors"]
"""Where agentflow's figures of its sources come from."""
AT_ONCE = 16
MILLION = 1_000_000


@dataclass(frozen=True)
class Arm:
    """One contestant: a framework, the models it is given, and for agentflow what it promises and knows."""

    framework: str
    models: tuple[str, ...]
    alpha: float | None = None
    told: Told = "known"

    @property
    def title(self) -> str:
        """`agentflow S+L .005 known`: S is the small model, L the large one."""
        models = "+".join(name[0].upper() for name in self.models)
        return f"{self.framework} {models}" + (f" {self.alpha:g} {self.told}" if self.ours else "")

    @property
    def ours(self) -> bool:
        """True for agentflow."""
        return self.framework == "agentflow"


@dataclass(frozen=True)
class Did:
    """What a contestant did with one case."""

    made: Mapping[str, Any] | None
    """None where it gave the case up, or asked a person."""
    wrong: int
    """Wrong values of what it made."""
    values: int
    sends: int
    cost: float
    """USD."""

    @property
    def right(self) -> bool:
        """Everything it made is right."""
        return self.made is not None and not self.wrong

    @property
    def silent(self) -> bool:
        """Something that it made is wrong, and nobody was asked."""
        return bool(self.wrong)


@dataclass(frozen=True)
class Result:
    """What a contestant did with all cases, in their order."""

    arm: Arm
    did: Sequence[Did]
    errors: Counter[str] = field(default_factory=Counter[str])
    """Why it gave cases up, by the name of what it raised."""


class Meter:
    """Counts what every case's sends cost, whoever sends: tokens as the server counts them, at the models' prices."""

    def __init__(self, server: Server) -> None:
        self.sends: Counter[str] = Counter()
        self.cost: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._send = server.provider.send
        vars(server.provider)["send"] = self.send

    def send(self, request: Request) -> Any:
        """Sends, and notes it; what the wire kept from the model costs nothing."""
        answered, case = self._send(request), case_of(request.text) or ""
        self.sends[case] += 1
        if answered.reply is not None:
            price = PRICES[request.model]
            read, wrote = price.input * answered.reply.tokens_in, price.output * answered.reply.tokens_out
            self.cost[case] += (read + wrote) / MILLION
        return answered


class Stream:
    """The cases of a run, and the truth of them."""

    def __init__(self, size: int, seed: int, forms: Sequence[type[Record]] = ONE_STEP) -> None:
        self.seed, self.forms, self.size = seed, tuple(forms), size
        self._named = {f"{seed}-{n}": n for n in range(size)}

    @cached_property
    def cases(self) -> list[Case]:
        """All of them."""
        return [make_case(number, self.seed) for number in self._named.values()]

    @cached_property
    def truth(self) -> Truth:
        """What a server answers by."""
        by_name = {case.name: case for case in self.cases}
        forms = {form.__name__: form for form in CHECKS}

        def look_up(request: Request) -> Gold | None:
            case = by_name.get(case_of(request.text) or "")
            form = forms.get(request.form)
            return Gold(case.name, case.right(form).model_dump(mode="json")) if case and form else None

        return look_up


@contextmanager
def serving(world: World, stream: Stream) -> Generator[tuple[Server, Meter]]:
    """A server of the world's models; every contestant has its own, all alike."""
    with serve_in_thread(world.faulty(stream.seed), stream.truth) as server:
        yield server, Meter(server)


async def run(world: World, arms: Sequence[Arm], stream: Stream, *, tries: int, exam: int) -> list[Result]:
    """What every contestant does with the stream, one after the other."""
    logging.getLogger("instructor").setLevel(logging.CRITICAL)
    told: dict[Told, Figures] = {}
    for arm in arms:
        if arm.ours and arm.told not in told:
            told[arm.told] = await _figures(arm.told, world, stream, exam)
    results: list[Result] = []
    for arm in arms:
        with serving(world, stream) as (server, meter):
            async with _contestant(arm, server, stream, told, tries) as answer:
                made, errors = await _all(answer, stream.cases)
            did = [_judged(one, case, stream.forms, meter) for one, case in zip(made, stream.cases, strict=True)]
            results.append(Result(arm, did, errors))
    return results


@asynccontextmanager
async def _contestant(
    arm: Arm, server: Server, stream: Stream, told: Mapping[Told, Figures], tries: int
) -> AsyncGenerator[Answer]:
    async with AsyncExitStack() as opened:
        if arm.ours:
            setup = Setup(arm.models, arm.alpha, told[arm.told], tries, stream.forms)
            yield agentflow(server.models_toml(), setup)
        else:
            yield PEERS[arm.framework](server.url, arm.models, tries, stream.forms, opened)


async def _figures(told: Told, world: World, stream: Stream, exam: int) -> Figures:
    match told:
        case "known":
            return known_figures(world, stream.forms)
        case "priors":
            return no_figures()
        case "estimated":
            paper = Stream(exam, stream.seed + 1_000_000, stream.forms)
            with serving(world, paper) as (server, _):
                return await estimated_figures(server.models_toml(), stream.forms, paper.cases)


async def _all(answer: Answer, cases: Sequence[Case]) -> tuple[list[Mapping[str, Any] | None], Counter[str]]:
    gate, errors = asyncio.Semaphore(AT_ONCE), Counter[str]()

    async def one(case: Case) -> Mapping[str, Any] | None:
        async with gate:
            try:
                return await answer(case)
            except Exception as error:  # noqa: BLE001 - whatever a framework raises, it gives the case up
                errors[type(error).__name__] += 1
                return None

    return list(await asyncio.gather(*(one(case) for case in cases))), errors


def _judged(made: Mapping[str, Any] | None, case: Case, forms: Sequence[type[Record]], meter: Meter) -> Did:
    wrong = values = 0
    for form in forms:
        if made is None:
            break
        said, right = dict(made[form.__name__]), dict(case.right(form))
        values += len(right)
        wrong += sum(said[name] != value for name, value in right.items())
    return Did(made, wrong, values, meter.sends[case.name], float(meter.cost[case.name]))


def arms(*, alphas: Sequence[float], told: Sequence[Told], alone: bool = True) -> list[Arm]:
    """Everybody with both models, the peers with the better one, and `alone` says: everybody with the small one.

    What the small model does alone is the same whatever the other one shares with it.
    """
    one, both = (SMALL,), (SMALL, LARGE)
    ours = [Arm("agentflow", models, alphas[0], how) for models in ((one, both) if alone else (both,)) for how in told]
    ours += [Arm("agentflow", both, alpha, told[0]) for alpha in alphas[1:]]
    theirs = [one, both, (LARGE,)] if alone else [both, (LARGE,)]
    return ours + [Arm(peer, models) for models in theirs for peer in PEERS]

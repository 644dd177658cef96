"""Attempts: a step's sources are asked until what they make is trusted, or until a person has to look at it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from agentflow.engine.answer import (
    CHECK_FAILED,
    CODE,
    Binder,
    Services,
    bounded,
    by_code,
    by_model,
    checked,
    is_bounded,
    is_code,
    nobody,
    type_made,
    unmeasured,
)
from agentflow.engine.effect import effect_key, once
from agentflow.engine.means import Means
from agentflow.engine.roster import Roster
from agentflow.engine.trace import Meter, line_of, new_id, raised
from agentflow.engine.trust import Attempt, Doubted, Verdict
from agentflow.engine.trust.buying import Need, Votes, cheapest, first_of, spared
from agentflow.engine.trust.evidence import Laws, believe
from agentflow.engine.trust.figures import Tuned
from agentflow.engine.trust.law import Pattern
from agentflow.engine.trust.routing import features_of, is_skipped
from agentflow.engine.trust.standing import MERGED, Standing, accepted, doubted, likeliest, stand
from agentflow.engine.trust.verdict import accepts, conclude
from agentflow.flow.check import Problem
from agentflow.flow.step import Step

__all__ = ["Binder", "Case", "Services", "effect_key", "perform", "type_made"]


async def perform(step: Step, reads: Sequence[Any], services: Services, item: int | None = None) -> Verdict:
    """Does `step` on the records it reads and says whether what it made may leave it.

    `item` is the position in the list of an `.each`. Raises what the step's own code raises.
    """
    if step.effect:
        return await once(step, reads, services, item)
    case = Case(step, reads, services, item)
    verdict = await case.verdict()
    return Doubted((nobody(step),)) if isinstance(verdict, Doubted) and not verdict.reasons else verdict


class Case:
    """One step on one item while it is being done: what was asked so far, and what to ask next."""

    def __init__(self, step: Step, reads: Sequence[Any], services: Services, item: int | None) -> None:
        self.step, self.reads, self.services, self.item = step, reads, services, item
        self.policy = step.policy
        self.ladder = _distinct(step, services.models) or (CODE,)
        self.attempts: list[Attempt] = []
        self.meter = Meter(services.journal)
        self.services = replace(services, journal=self.meter, models=bounded(services.models, step.policy))
        most = {source: 1 if is_code(step, source) else step.policy.most for source in self.ladder}
        self._roster = Roster(most, step.policy.patience, services.clock)
        self._means = Means(step, self.ladder, self.services, self.meter)
        self._noted = 0

    async def verdict(self) -> Verdict:
        """By the ladder that an exam has chosen, else as the policy says."""
        found = self.services.figures.steps.get(self.step.name)
        if found is not None and found.ladder is not None:
            return await self.climbed(found.ladder)
        return await (self.first_sound() if self.policy.alpha is None else self.trusted(self.policy.alpha))

    async def climbed(self, ladder: Tuned) -> Verdict:
        """The answer of the first rung after which it is trusted as far as is asked there."""
        standing, wanted, features = None, 1.0, features_of(self.reads)
        for rung in (each for each in ladder.rungs if each.source in self.ladder):
            if is_skipped(rung.skip, features) or not self._left(rung.source):
                continue
            before = standing.least if standing else 0.0
            answered = await self._ask([rung.source])
            standing = await self._stand() if answered else standing
            taken = standing is not None and accepts(standing.candidate) and rung.takes(standing.least)
            wanted = ladder.bar if taken else rung.bar if rung.bar is not None else 1.0
            passes = taken and standing is not None and standing.least >= ladder.bar
            for attempt in answered:
                trust = (before, standing.least if standing else 0.0)
                last = standing.candidate if standing and passes and attempt is answered[-1] else None
                await self._note(attempt, trust, last is not None, last)
            if standing is not None and passes:
                return accepted(standing, self.attempts)
            if taken:
                break
        return doubted(standing, self.attempts, 1 - wanted, self._means.ended())

    async def first_sound(self) -> Verdict:
        """The first answer that no check speaks against, source by source."""
        while True:
            for source in self.ladder:
                while self._left(source):
                    for attempt in await self._ask([source]):
                        await self._note(attempt, None, accepts(attempt))
                        if accepts(attempt):
                            return conclude(self.attempts)
            if not await self._waited():
                return conclude(self.attempts, self._means.ended())

    async def trusted(self, alpha: float) -> Verdict:
        """The record whose every field is trusted 1 - alpha; evidence is bought until there is one, or none can be."""
        standing: Standing | None = None
        while True:
            turn = self._turn(standing, alpha)
            if not turn and not (self._hopes(standing, alpha) and await self._waited()):
                return doubted(standing, self.attempts, alpha, (*self._means.ended(), *self._assumed(standing, alpha)))
            before = standing.least if standing else 0.0
            answered = await self._ask(turn)
            standing = await self._stand() if answered else standing
            passes = standing is not None and accepts(standing.candidate) and self._passes(standing, alpha)
            for attempt in answered:
                trust = (before, standing.least if standing else 0.0)
                last = standing.candidate if standing and passes and attempt is answered[-1] else None
                await self._note(attempt, trust, last is not None, last)
            if standing and passes:
                return accepted(standing, self.attempts)

    def _assumed(self, standing: Standing | None, alpha: float) -> tuple[Problem, ...]:
        """That trust which does not reach far enough was never measured."""
        assumed = self.step.name not in self.services.figures.steps
        return (unmeasured(self.step),) if assumed and standing is not None and standing.least < 1 - alpha else ()

    def _hopes(self, standing: Standing | None, alpha: float) -> bool:
        """Whether sources that are away could still help."""
        ever = tuple(self._roster.ever(source) for source in self.ladder)
        return (
            standing is None
            or cheapest(self._needs(standing, alpha), self.ladder, ever, self._means.prices) is not None
        )

    async def _waited(self) -> bool:
        """Waits for the first of the sources that are away; False where none is, or neither time nor money lasts."""
        seconds = None if self._means.ended() else self._roster.pause(self.ladder)
        time = self._means.time()
        if seconds is None or (time is not None and seconds >= time):
            return False
        self._roster.tell(self.step.name, seconds)
        await asyncio.sleep(seconds)
        self._roster.back(seconds)
        return True

    def _passes(self, standing: Standing, alpha: float) -> bool:
        needs = self._needs(standing, alpha)
        if not needs or not self.policy.pooled:
            return not needs
        votes = cheapest(needs, self.ladder, self._all_left(), self._means.prices)
        if votes is None:
            return False
        source = self.ladder[first_of(votes, self._means.prices)]
        return self._chance() < min(spared(need, source) for need in needs)

    def _turn(self, standing: Standing | None, alpha: float) -> list[str]:
        """The sources to ask now, all at once; none where no answer can help."""
        left = self._all_left()
        if not any(left):
            return []
        needs = self._needs(standing, alpha)
        votes = cheapest(needs, self.ladder, left, self._means.prices)
        if votes is None:
            # A person is shown a proposal even where no source can be trusted far enough.
            return [] if standing else [next(s for s, n in zip(self.ladder, left, strict=True) if n)]
        if self._means.late(votes):
            quickest = cheapest(needs, self.ladder, left, self._means.seconds) or votes
            return [source for source, n in zip(self.ladder, quickest, strict=True) for _ in range(n)]
        return [self.ladder[first_of(votes, self._means.prices)]]

    def _needs(self, standing: Standing | None, alpha: float) -> tuple[Need, ...]:
        if standing is not None:
            return standing.needs(alpha, unaided=self.policy.unaided)
        law = self._means.laws.every
        misses = tuple(self._roster.answered(source.name) for source in law.sources)
        return (Need(law, Pattern(misses=misses), 1 - alpha, self.policy.unaided),)

    async def _ask(self, sources: Sequence[str]) -> list[Attempt]:
        """Asks the sources, all at once; the attempts in the order in which the sources stand.

        That a source is still away is no news, where nothing was sent to find out.
        """
        variants = [self._roster.variant(source) for source in sources]
        calls = [self._call(source, variant) for source, variant in zip(sources, variants, strict=True)]
        found = [await calls[0]] if len(calls) == 1 else await _all(calls)
        news: list[Attempt] = []
        for source, variant, attempt in zip(sources, variants, found, strict=True):
            if attempt is None:
                self._roster.drop(source)
                continue
            known = self._roster.is_away(source) and attempt.away is not None
            self._roster.note(attempt, variant)
            if known:
                self.attempts = [a for a in self.attempts if a.away is None or a.source != source]
            self.attempts.append(attempt)
            if not known or attempt.asked.model is not None:
                news.append(attempt)
        return news

    async def _call(self, source: str, variant: int) -> Attempt | None:
        time, began, meter = self._means.time(), self.services.clock(), Meter(self.meter, new_id())
        services = replace(self.services, journal=meter)
        limit = asyncio.timeout(time)
        try:
            async with limit:
                attempt = await self._answer(source, variant, services)
        except Exception as error:
            if not (isinstance(error, TimeoutError) and limit.expired()):
                failed = raised(source, error, self.services.clock() - began)
                await self._note(replace(failed, cost=meter.cost, asked=meter.asked), None, False)
                raise
            problem = Problem(code="deadline", message=f"{source} did not answer within the step's deadline")
            attempt = Attempt(source, None, (problem,), fault="deadline")
        seconds = self.services.clock() - began
        return attempt and replace(attempt, seconds=seconds, cost=meter.cost, asked=meter.asked)

    async def _answer(self, source: str, variant: int, services: Services) -> Attempt | None:
        if is_code(self.step, source):
            return await by_code(self.step, source, self.reads, services)
        problems = self._told(source) if self.policy.feedback else ()
        told = self._checks_told(source, problems)
        attempt = await by_model(self.step, source, self.reads, services, problems, variant)
        return replace(attempt, told=told) if attempt and told else attempt

    def _told(self, source: str) -> tuple[Problem, ...]:
        """The problems of the source's answer before; that a check has failed is none of its business."""
        before = next((a for a in reversed(self.attempts) if a.source == source and a.away is None), None)
        return tuple(p for p in before.problems if p.code != CHECK_FAILED) if before else ()

    def _checks_told(self, source: str, problems: Sequence[Problem]) -> frozenset[str]:
        """The checks that the source was told of so far, with these problems."""
        own = [attempt for attempt in self.attempts if attempt.source == source]
        now = (name for attempt in own for name, found in attempt.said.items() if any(p in problems for p in found))
        return frozenset(now).union(*(attempt.told for attempt in own))

    async def _stand(self) -> Standing | None:
        async def check(made: Any, makers: Collection[str]) -> Attempt:
            return await checked(self.step, MERGED, made, self.reads, self.services, makers)

        return await standing_of(self.step, self.attempts, self._means.laws, check)

    async def _note(
        self, attempt: Attempt, trust: tuple[float, float] | None, passes: bool, left: Attempt | None = None
    ) -> None:
        self._noted += 1
        line = line_of(
            self.step, self.item, self._noted, attempt, trust=trust, accepted=passes, left=left, ladder=self.ladder
        )
        await self.services.journal.attempt(line)

    def _left(self, source: str) -> int:
        """How often the source may be asked now."""
        return self._roster.left(source) if self._means.allow(source) else 0

    def _all_left(self) -> Votes:
        return tuple(self._left(source) for source in self.ladder)

    def _chance(self) -> float:
        """A number in [0, 1) that is the same whenever the job is run again."""
        key = f"{self.services.job}\x1f{self.step.name}\x1f{self.item}\x1f{len(self.attempts)}"
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest()) / 2**56


async def standing_of(
    step: Step,
    attempts: Sequence[Attempt],
    laws: Laws,
    check: Callable[[Any, Collection[str]], Awaitable[Attempt]],
) -> Standing | None:
    """Where the attempts leave the step; None where none is an answer.

    `check` holds a record against the step's checks that several sources, its makers, had a part in.
    """
    answers = [attempt for attempt in attempts if attempt.made is not None]
    if not answers:
        return None
    beliefs = believe(attempts, laws, step.ties, one_type=len(step.signature.makes) == 1)
    candidate = likeliest(answers, beliefs)
    if candidate.source == MERGED:
        told = candidate.told
        candidate = await check(candidate.made, {attempt.source for attempt in answers})
        candidate = replace(candidate, told=told)
    return stand(candidate, beliefs, step.ties, laws.figures.identities, step.policy.promises)


def _distinct(step: Step, models: Binder) -> tuple[str, ...]:
    """The rungs, without roles that are the model of an earlier one: what it says again is no second source."""
    if len(step.policy.ladder) < 2 or not is_bounded(models):
        return step.policy.ladder
    rungs: list[str] = []
    for role in step.policy.ladder:
        if role in step.sources or not any(models.alike(role, rung) for rung in rungs if rung not in step.sources):
            rungs.append(role)
    return tuple(rungs)


async def _all(calls: Sequence[Any]) -> list[Attempt | None]:
    """The results in order; where one raises, the others are cancelled, and have written what they cost."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

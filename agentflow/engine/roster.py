"""The roster of a step: who may still be asked, how often, and when to come back to a source that is away."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

from agentflow.engine.trust import Attempt

PATIENCE = {"refused": 1, "content_filter": 1, "truncated": 2, "too_many_calls": 2}
"""How often a source may have the same fault before the others are asked instead; any other as often as attempts go."""
GONE = {"model_unreachable", "budget_spent", "deadline"}
"""Faults after which a source is not asked again, unless it is only away."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 20.0
"""Seconds before a source that is away is tried again: half of them for certain, the rest by chance."""


class Roster:
    """The sources of one step on one item."""

    def __init__(self, most: dict[str, int], patience: float, clock: Callable[[], float]) -> None:
        """`most` says how often each source may answer, `patience` how many seconds may be waited all in all."""
        self._most = most
        self._patience = patience
        self._clock = clock
        self._variants = dict.fromkeys(most, 0)
        self._returned: dict[str, list[int]] = {source: [] for source in most}
        self._answered: Counter[str] = Counter()
        self._faults: Counter[tuple[str, str]] = Counter()
        self._away: dict[str, float] = {}
        self._missed: Counter[str] = Counter()
        self._gone: set[str] = set()

    def variant(self, source: str) -> int:
        """The number of the source's next answer: each is given out once, unless it brought no answer."""
        self._answered[source] += 1
        if self._returned[source]:
            return self._returned[source].pop()
        self._variants[source] += 1
        return self._variants[source] - 1

    def answered(self, source: str) -> int:
        """How often it was asked, but for calls that met nobody."""
        return self._answered[source]

    def left(self, source: str) -> int:
        """How often it may be asked now."""
        return 0 if source in self._away else self.ever(source)

    def ever(self, source: str) -> int:
        """How often it may be asked, once it is back if it is away."""
        return 0 if source in self._gone else self._most[source] - self._answered[source]

    def drop(self, source: str) -> None:
        """It is not asked again."""
        self._gone.add(source)

    def note(self, attempt: Attempt, variant: int) -> None:
        """Takes note of what came of asking."""
        source = attempt.source
        if attempt.away is not None:
            self._leave(source, variant, attempt.away)
            return
        self._missed[source] = 0
        if attempt.fault is None:
            return
        self._faults[source, attempt.fault] += 1
        if attempt.fault in GONE or self._faults[source, attempt.fault] >= PATIENCE.get(
            attempt.fault, self._most[source]
        ):
            self._gone.add(source)

    def is_away(self, source: str) -> bool:
        """True if it was away when it was last asked."""
        return self._missed[source] > 0

    def pause(self, sources: Sequence[str]) -> float | None:
        """Seconds until the first of `sources` that are away may be tried; None where none is or patience ends.

        Whoever asks waits so long, and then says so with `back`.
        """
        due = [self._away[source] for source in sources if source in self._away and self.ever(source)]
        seconds = max(0.0, min(due) - self._clock()) if due else None
        return None if seconds is None or seconds > self._patience else seconds

    def back(self, waited: float) -> None:
        """Those that were to be tried after `waited` seconds may be; the patience is so much less."""
        self._patience -= waited
        first = min(self._away.values())
        self._away = {source: due for source, due in self._away.items() if due > max(first, self._clock())}

    def _leave(self, source: str, variant: int, seconds: float) -> None:
        self._returned[source].append(variant)
        self._answered[source] -= 1
        backoff = min(LONGEST_WAIT, FIRST_WAIT * 2 ** self._missed[source])
        self._missed[source] += 1
        spread = random.uniform(0.5, 1) * backoff  # noqa: S311 - spreads retries, hides nothing
        self._away[source] = self._clock() + max(seconds, spread)

"""P1: naive rules and the layer side by side on the same models, and what the layer costs in computing time."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentflow.engine.trust.figures import Figures
from tests.benchmarks import chain_pairs as pairs
from tests.benchmarks import chain_steps as steps
from tests.benchmarks.chain_exam import examined
from tests.benchmarks.chain_pairs import OVERLAPS, alone, pair_of
from tests.benchmarks.chain_peers import RULES, follow, single
from tests.benchmarks.chain_world import SMALL, Did, Errors, known_figures, run, twin
from tests.benchmarks.report import Metric, wilson

ERRORS = Errors(0.05, (0.6, 0.3, 0.1))
LENGTH = 100
SHARED = OVERLAPS[1]
"""The overlap of two sources that the picture shows."""
AIDED = 0.001
"""The alpha of two sources with a person beside them."""


@dataclass(frozen=True)
class Way:
    """What a rule comes to on one step."""

    right: Sequence[bool]
    silent: Sequence[bool]
    calls: float
    cost: float
    """USD."""

    @property
    def rate(self) -> float:
        """P(step right)."""
        return statistics.fmean(self.right)

    @property
    def wrong(self) -> float:
        """P(step silently wrong)."""
        return statistics.fmean(self.silent)

    @property
    def whole(self) -> Sequence[bool]:
        """Whole chains, one after the other: whether each is right."""
        last = len(self.right) - LENGTH + 1
        return [all(self.right[i : i + LENGTH]) for i in range(0, last, LENGTH)]


def ways(count: int, seed: int) -> dict[str, Way]:
    """Every rule on the same steps."""
    found: dict[str, Way] = {}
    for name, rule in RULES.items():
        took = follow(rule, twin({SMALL: ERRORS}, seed=seed), range(count))
        calls, cost = statistics.fmean(t.calls for t in took), statistics.fmean(t.cost for t in took)
        found[name] = Way([t.right for t in took], [t.silent for t in took], calls, cost)
    layer = steps.policy(steps.LOST, LENGTH)
    one, two = twin({SMALL: ERRORS}, seed=seed), twin(pair_of(ERRORS), overlap=SHARED, seed=seed)
    known, both = known_figures({SMALL: ERRORS}), known_figures(pair_of(ERRORS), SHARED)
    found["agentflow, one source"] = _way(run(layer, one, known, range(count)))
    exam = examined({SMALL: ERRORS}, seed=seed)
    found["agentflow, one source, estimated"] = _way(run(layer, one, exam, range(count)))
    found["agentflow, one source, priors alone"] = _way(run(layer, one, Figures(), range(count // 4)))
    found["agentflow, two sources"] = _way(run(alone(LENGTH), two, both, range(count)))
    found["agentflow, two sources, a person"] = _way(run(pairs.aided(AIDED), two, both, range(count)))
    return found


def _way(done: Sequence[Did]) -> Way:
    calls, cost = statistics.fmean(d.calls for d in done), statistics.fmean(d.cost for d in done)
    return Way([d.accepted and d.right for d in done], [d.silent for d in done], calls, cost)


def metrics(found: Mapping[str, Way]) -> list[Metric]:
    """What each way comes to on chains of a hundred steps."""
    told: list[Metric] = []
    for name, way in found.items():
        n, right, wrong = len(way.right), way.rate, way.wrong
        low, high = wilson(right, n)
        chain = right**LENGTH
        told.append(Metric(f"P(100 right), {name}", chain, low**LENGTH, high**LENGTH, None))
        silent = (1 - wrong) ** LENGTH
        below, above = (1 - (1 - share) ** LENGTH for share in wilson(wrong, n))
        told.append(Metric(f"P(100 with a silent error), {name}", 1 - silent, below, above, None))
        review = sum(not r and not w for r, w in zip(way.right, way.silent, strict=True)) / n
        told.append(Metric(f"steps without an answer, {name}", review, *wilson(review, n), None))
        told.append(Metric(f"calls a step, {name}", way.calls, None, None, None))
        told.append(Metric(f"USD a right chain of 100, {name}", way.cost * LENGTH / max(chain, 1e-9), None, None, None))
    whole = found["agentflow, one source"].whole
    share = statistics.fmean(whole)
    told.append(Metric("whole chains of 100 right, agentflow, one source", share, *wilson(share, len(whole)), None))
    return told


def overhead(count: int, seed: int) -> list[Metric]:
    """Milliseconds of CPU a step besides the model: the model's own is measured apart, on as many calls."""
    figures = known_figures({SMALL: ERRORS})
    policy = steps.policy(steps.LOST, LENGTH)
    run(policy, twin({SMALL: ERRORS}, seed=seed + 1), figures, range(count))
    began = time.process_time()
    done = run(policy, twin({SMALL: ERRORS}, seed=seed), figures, range(count))
    layer = time.process_time() - began
    called = sum(each.calls for each in done)
    began = time.process_time()
    follow(single, twin({SMALL: ERRORS}, seed=seed), range(called))
    model = time.process_time() - began
    accepted = sum(each.accepted for each in done)
    return [
        Metric(
            "ms of CPU an accepted step, besides the model",
            1e3 * (layer - model) / accepted,
            None,
            None,
            1.0,
            "at most",
        ),
        Metric("ms of CPU an attempt, besides the model", 1e3 * (layer - model) / called, None, None, None),
        Metric("ms of CPU a call of the model itself", 1e3 * model / called, None, None, None),
    ]

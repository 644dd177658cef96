"""Benchmark of drift: `python -m tests.benchmarks.drift` counts how soon a source that has become worse is found.

A source of the faulty-model kit answers case after case; a check of a set catch rate speaks of every answer, and a
share of what it lets pass is audited. In the quiet runs nothing changes; in the others the source's own error rises at
a case of its own. Once with the source's rates known, as an exam tells them; once as `agentflow slo` watches live
jobs, which knows what is promised, and of the checks what they have said so far.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from agentflow.exams.drift import Base, Seen, Watch, takes
from agentflow.exams.live_drift import Watching
from agentflow.testing import Faulty, FaultyModel, Law, Outcome
from agentflow.testing.chance import key, uniform
from tests.benchmarks.picture import Bar, bars
from tests.benchmarks.report import Metric, finish, wilson

CASES, AUDITS, WITHIN = 10_000, 0.1, 300
BASE, WORSE = 0.05, 0.10
_CHECK, _AUDIT, _WHEN = 101, 102, 103
"""Salts."""
MOST = 100_000
"""Cases after which a drift that is not found counts as not found."""


@dataclass(frozen=True)
class World:
    """How the source's answers are looked at."""

    name: str
    base: Base
    audits: float = AUDITS
    caught: float | None = None
    """The share of the new errors that the check catches; the base's where None."""


CHECKED = World("a check that catches half", Base(BASE, catch=0.5, alarm=0.02))
WORLDS = (
    CHECKED,
    World("a check that catches .8", Base(BASE, catch=0.8, alarm=0.02)),
    World("a check that sees none of the new errors", Base(BASE, catch=0.5, alarm=0.02), caught=0.0),
    World("audits alone, one case in ten", Base(BASE)),
    World("audits alone, every case", Base(BASE), audits=1.0),
)


def answers(world: World, seed: int, before: float, after: float, change: int) -> Iterator[Seen]:
    """What is seen of case after case, for ever."""
    models = {"before": FaultyModel(error=before), "after": FaultyModel(error=after)}
    law, case = Law(Faulty(seed=seed, models=models)), 0
    base = world.base
    # Of the errors after the change, the old ones are caught as before.
    new = 1 - before / after if after > before else 0.0
    while True:
        unit = law.unit(case)
        changed = case >= change
        wrong = law.at("after" if changed else "before", unit, 0, 0)[0] is not Outcome.RIGHT
        catch = base.catch
        if changed and world.caught is not None:
            catch = base.catch * (1 - new) + world.caught * new
        objected = uniform(unit, _CHECK) < (catch if wrong else base.alarm)
        looked = not objected and uniform(unit, _AUDIT) < world.audits
        speaks = base.catch > 0 or base.alarm > 0
        yield Seen(wrong if looked else None, objected if speaks else None)
        case += 1


def is_accused(world: World, seed: int, cases: int = CASES) -> bool:
    """Whether a source that stays as it is is demoted within so many cases."""
    watch = Watch(world.base)
    for seen in islice(answers(world, seed, world.base.error, world.base.error, 0), cases):
        watch = watch.after(seen)
        if watch.drifted:
            return True
    return False


def found_after(world: World, seed: int, worse: float, most: int = MOST) -> float:
    """Audits between the change and the demotion; endless where it is not found. The change comes in the first 3000
    cases, and a source accused before it counts as not found."""
    change = int(3000 * uniform(key(seed), _WHEN))
    watch = Watch(world.base)
    seen = answers(world, seed, world.base.error, worse, change)
    for each in islice(seen, change):
        watch = watch.after(each)
    before = watch.audited if not watch.drifted else -math.inf
    for each in islice(seen, most):
        watch = watch.after(each)
        if watch.drifted:
            return watch.audited - before
    return math.inf


def quiet(world: World, runs: int, seed: int, cases: int = CASES) -> Metric:
    """False demotions."""
    share = sum(is_accused(world, seed * 1_000_003 + run, cases) for run in range(runs)) / runs
    bar = 0.05 if world is CHECKED else None
    return Metric(f"{world.name}: false demotions in {cases:,} cases", share, *wilson(share, runs), bar, "at most")


def drifting(world: World, runs: int, seed: int, worse: float = WORSE) -> list[Metric]:
    """How soon a rise to `worse` is found."""
    delays = sorted(found_after(world, seed * 2_000_003 + run, worse) for run in range(runs))
    share = sum(delay <= WITHIN for delay in delays) / runs
    bar = 0.90 if world is CHECKED and worse == WORSE else None
    rise = f"{world.name}: {world.base.error:.0%} to {worse:.0%}"
    ninth = delays[math.ceil(0.9 * runs) - 1]
    return [
        Metric(f"{rise}: demoted within {WITHIN} audits", share, *wilson(share, runs), bar),
        Metric(f"{rise}: audits, median", median(delays), None, None, None),
        Metric(f"{rise}: audits, nine of ten", ninth, None, None, None),
        Metric(f"{rise}: audits, by the formula", _formula(world, worse), None, None, None),
    ]


def _formula(world: World, worse: float) -> float:
    if world.caught is not None:
        return math.nan
    return takes(world.base, worse, audits=world.audits) or math.inf


LIVE = (
    CHECKED,
    World("a check that seldom speaks", Base(0.02, catch=0.5, alarm=0.005)),
    World("a check that alarms in a tenth", Base(BASE, catch=0.8, alarm=0.1)),
    World("a check that catches half, every case audited", Base(BASE, catch=0.5, alarm=0.02), audits=1.0),
)
SETTLED, EARLY = 10_000, 3_000
"""Answers of a live source before it becomes worse."""


def live(world: World) -> Watching:
    """Whose silent errors are just as many as are promised: the test has nothing to spare."""
    return Watching(world.base.wrong_given(False))


def is_accused_live(world: World, seed: int, cases: int = CASES) -> bool:
    """Whether audits and checks together demote a live source that stays as it is within so many cases."""
    watching = live(world)
    for seen in islice(answers(world, seed, world.base.error, world.base.error, 0), cases):
        watching.see(seen)
        if watching.drifted:
            return True
    return False


def is_found_live(world: World, seed: int, worse: float, change: int) -> bool:
    """Whether a live source that becomes worse at the case `change` is demoted within the audits allowed; one accused
    before counts as not found."""
    watching, seen = live(world), answers(world, seed, world.base.error, worse, change)
    for each in islice(seen, change):
        watching.see(each)
    if watching.drifted:
        return False
    most = watching.audited + WITHIN
    while not watching.drifted and watching.audited < most:
        watching.see(next(seen))
    return watching.drifted


def lived(runs: int, seed: int, cases: int = CASES) -> list[Metric]:
    """How often live sources are demoted that have not changed, by audits and checks together; and those that have."""
    rows = [_lived_quietly(world, runs, seed, cases) for world in LIVE]
    return rows + [_lived_worse(change, runs, seed) for change in (SETTLED, EARLY)]


def _lived_quietly(world: World, runs: int, seed: int, cases: int) -> Metric:
    share = sum(is_accused_live(world, seed * 3_000_017 + run, cases) for run in range(runs)) / runs
    name = f"live, {world.name}: false demotions by audits or checks in {cases:,} cases"
    return Metric(name, share, *wilson(share, runs), 0.05, "at most")


def _lived_worse(change: int, runs: int, seed: int) -> Metric:
    share = sum(is_found_live(CHECKED, seed * 4_000_037 + run, WORSE, change) for run in range(runs)) / runs
    name = f"live, {CHECKED.name}: {BASE:.0%} to {WORSE:.0%} after {change:,} answers: demoted within {WITHIN} audits"
    return Metric(name, share, *wilson(share, runs), 0.90 if change == SETTLED else None)


def picture(rows: list[Metric]) -> str:
    """Shares found and shares accused."""
    drawn = [
        Bar(*_label(row.name), row.value, row.low or 0.0, row.high or 0.0)
        for row in rows
        if ("within" in row.name or "false" in row.name) and not row.name.startswith("live")
    ]
    drawn.sort(key=lambda bar: [world.name for world in WORLDS].index(bar.label))
    return bars(f"Error up from {BASE:.0%}: share of runs demoted", drawn)


def _label(name: str) -> tuple[str, str]:
    world, _, what = name.partition(": ")
    return world, f"to {what.split()[2].strip(':')}, {WITHIN} audits" if "within" in what else "as it was, 10,000 cases"


def measure(runs: int, seed: int, smaller: tuple[float, ...] = (0.08, 0.15)) -> list[Metric]:
    """Every world, and in the first one other rises as well."""
    rows = [row for world in WORLDS for row in (quiet(world, runs, seed), *drifting(world, runs, seed))]
    for worse in smaller:
        rows += drifting(CHECKED, runs, seed, worse)
    return rows


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="40 runs in place of 500")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file, and the picture beside it")
    args = parser.parse_args()
    rows = measure(40 if args.quick else 500, args.seed)
    rows += lived(40 if args.quick else 500, args.seed)
    if args.json is not None:
        (args.json.parent / "drift.svg").write_text(picture(rows), encoding="utf-8")
    finish("drift", rows, args.json)


if __name__ == "__main__":
    main()

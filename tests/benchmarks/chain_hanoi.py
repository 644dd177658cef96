"""P1m: the towers of Hanoi, a step a move, by a model that errs now and then (MAKER, arXiv:2511.09030)."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.trust import Accepted
from agentflow.flow.model import Model
from agentflow.flow.policy import Policy
from agentflow.flow.record import Record
from agentflow.flow.step import Step, read_signature
from agentflow.testing import Faulty, FaultyModel, MemoryJournal, Price, Twin, by_marker
from tests.benchmarks.chain_world import MOST, PRICES, SMALL, Errors, known_figures, share_of
from tests.benchmarks.report import Metric, wilson

ERROR = 0.0022
"""How often gpt-4.1-mini errs on a move, as the paper measured it."""
WHOLE = 20
"""Disks of the paper's run: 1,048,575 moves."""
LOST = 0.05
"""Share of runs that may go wrong."""

Way = Literal["AB", "AC", "BA", "BC", "CA", "CB"]


class Towers(Record):
    """Where the disks are."""

    number: int
    """Moves made so far."""
    pegs: str
    """The peg of every disk, the smallest first: `AAB`."""


class Move(Record):
    """From a peg to a peg."""

    way: Way


async def move(towers: Towers, *, model: Model) -> Move:
    """Asks for the next move."""
    text = f"[case:{towers.pegs}{towers.number}]"
    return await model.ask(Move, "Odd moves are of the smallest disk, A to B to C; even ones of another.", text)


SIGNATURE = read_signature(move)


@dataclass(frozen=True)
class Run:
    """A run: how many moves were made before the first wrong one, out of how many, and for how many calls."""

    right: int
    moves: int
    calls: int

    @property
    def whole(self) -> bool:
        """True if no move was wrong."""
        return self.right == self.moves


def right_way(pegs: str, number: int) -> str:
    """The right move after `number` moves."""
    if number % 2 == 0:
        return pegs[0] + "ABC"[("ABC".index(pegs[0]) + 1) % 3]
    others = [peg for peg in "ABC" if peg != pegs[0]]
    one, other = ((pegs.index(peg) if peg in pegs else len(pegs)) for peg in others)
    return "".join(others if one < other else reversed(others))


def moved(pegs: str, way: str) -> str:
    """The towers after a move."""
    disk = pegs.index(way[0])
    return f"{pegs[:disk]}{way[1]}{pegs[disk + 1 :]}"


def towers(disks: int, runs: int, *, seed: int = 1) -> list[Run]:
    """Runs of the real layer under the alpha that a run of `WHOLE` disks needs."""
    alpha = share_of(LOST, 2**WHOLE - 1)
    return asyncio.run(_runs(disks, runs, Policy(ladder=(SMALL,), alpha=alpha, max_attempts=MOST), seed))


async def _runs(disks: int, runs: int, policy: Policy, seed: int) -> list[Run]:
    figures = known_figures({SMALL: Errors(ERROR, (0, 1, 0))}, step="move")
    step = Step(name="move", kind="step", call=move, signature=SIGNATURE, policy=policy)
    done: list[Run] = []
    for number in range(runs):
        journal = MemoryJournal(keep_lines=False)
        services = Services(f"hanoi-{number}", {}, _model(seed + number), journal, figures)
        done.append(await _run(disks, step, services, journal))
    return done


async def _run(disks: int, step: Step, services: Services, journal: MemoryJournal) -> Run:
    moves, pegs = 2**disks - 1, "A" * disks
    for number in range(moves):
        verdict = await perform(step, [Towers(number=number, pegs=pegs)], services, number)
        right = right_way(pegs, number)
        if not isinstance(verdict, Accepted) or verdict.made.way != right:
            return Run(number, moves, journal.calls)
        pegs = moved(pegs, right)
    return Run(moves, moves, journal.calls)


def _model(seed: int) -> Twin:
    model = FaultyModel(error=ERROR, split=(0, 1, 0), wrong_values=1, price=Price(call=PRICES[SMALL]))
    return Twin(Faulty(seed=seed, models={SMALL: model}), by_marker(_gold))


def _gold(case: str) -> dict[str, str]:
    pegs = case.rstrip("0123456789")
    return {"way": right_way(pegs, int(case[len(pegs) :]))}


def metrics(*, runs: int, disks: int = 10, seed: int = 1) -> list[Metric]:
    """Runs without an error, and calls a move."""
    done = towers(disks, runs, seed=seed)
    whole = sum(run.whole for run in done)
    a_move = sum(run.calls for run in done) / max(1, sum(run.right for run in done))
    name = f"{disks} disks, {runs} run{'s' if runs > 1 else ''}"
    return [
        Metric(f"runs without an error, {name}", whole / runs, *wilson(whole / runs, runs), 1.0),
        Metric(f"calls a move, {name}", a_move, None, None, 3.05, "at most"),
    ]

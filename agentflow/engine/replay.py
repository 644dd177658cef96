"""Replay: what a step's checks and its trust say again of what was kept of it; no model is asked."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agentflow.engine.answer import CODE, Services, is_code, run_check, signature_of, type_made
from agentflow.engine.attempt import standing_of
from agentflow.engine.trace import said_by
from agentflow.engine.trust import Attempt
from agentflow.engine.trust.evidence import laws_of
from agentflow.engine.trust.figures import Tuned
from agentflow.engine.trust.standing import MERGED, Standing
from agentflow.engine.trust.values import evidence_field
from agentflow.engine.trust.verdict import accepts
from agentflow.flow.check import Check, Problem, asked_by
from agentflow.flow.journal import AttemptLine, Journal
from agentflow.flow.model import Model
from agentflow.flow.policy import JobId
from agentflow.flow.step import Step, as_list, item_of, label, load

HASHED = frozenset(("sha256", "characters"))
"""What is kept of an answer that is too long."""


class NoModels:
    """Binds no role: what is replayed asks nobody."""

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> Model | None:
        """None."""
        return None


async def rechecked(
    step: Step, made: Any, reads: Sequence[Any], services: Services
) -> dict[str, tuple[Problem, ...] | None]:
    """By check: what it finds now; None of one that asks a model, or a connector that `services` have not."""
    if as_list(made) is not None:
        return {}
    kind, found = type_made(step, made), dict[str, tuple[Problem, ...] | None]()
    for name, check in step.checks_by_name.items():
        if issubclass(kind, signature_of(check).reads[0]):
            again = _asks_nobody(check, services)
            found[name] = await run_check(step, check, made, reads, services) if again else None
    return found


def _asks_nobody(check: Check, services: Services) -> bool:
    return not asked_by(check) and set(signature_of(check).needs.values()) <= {*services.connectors, JobId}


async def rejudged(
    step: Step, lines: Sequence[AttemptLine], left: Any, reads: Sequence[Any], services: Services
) -> Standing | None:
    """Where the attempts leave the step when they are weighed again, by the figures of `services`.

    `left` is what left the step, which is the answer of a function whose own is not kept. None where no answer was
    kept whole. A check that is not asked again has no objection to what is put together of several answers: it had
    none when that left. Raises pydantic's ValidationError where an answer does not fit the step any more.
    """
    if any(line.made is not None and _is_hash(line.output) for line in lines):
        return None

    async def check(made: Any, makers: Collection[str]) -> Attempt:
        said = {name: found or () for name, found in (await rechecked(step, made, reads, services)).items()}
        return Attempt(MERGED, made, tuple(problem for found in said.values() for problem in found), said)

    ladder = tuple((lines[-1].weighed or {}).get("ladder") or step.policy.ladder) or (CODE,)
    code = frozenset(source for source in ladder if is_code(step, source))
    laws = laws_of(services.figures, step.name, ladder, code)
    return await standing_of(step, [_attempt(step, line, left) for line in lines], laws, check)


def holds(step: Step, standing: Standing, ladder: Tuned | None = None) -> bool:
    """Whether the step's policy is kept by where it stands; one that is pooled promises nothing of a single case.

    A ladder that an exam has chosen has its own bar, which is proven to keep what it promises.
    """
    if ladder is not None and accepts(standing.candidate) and standing.least >= ladder.bar:
        return True
    alpha = step.policy.alpha
    needs = () if alpha is None else standing.needs(alpha, unaided=step.policy.unaided)
    return accepts(standing.candidate) and (step.policy.pooled or not needs)


def _attempt(step: Step, line: AttemptLine, left: Any) -> Attempt:
    """The attempt as it was weighed."""
    weighed: Mapping[str, Any] = line.weighed or {}
    made = None if line.made is None else left if line.output is None else _answer(step, line, weighed)
    told = frozenset[str](weighed.get("told", ()))
    said = said_by(line.problems, weighed)
    return Attempt(line.source, made, line.problems, said, line.fault, told=told)


def _answer(step: Step, line: AttemptLine, weighed: Mapping[str, Any]) -> Any:
    named = [kind for kind in step.signature.makes if label(kind) == line.made]
    kind = next(iter(named), None) or next(kind for kind in step.signature.makes if item_of(kind) is not None)
    evidence = None if item_of(kind) is not None else evidence_field(kind)
    if evidence is None:
        return load(kind, line.output)
    sure = {path: {"trust": trust, "source": line.source} for path, trust in weighed.get("sure", {}).items()}
    return load(kind, {**line.output, evidence: sure})


def _is_hash(output: Any) -> bool:
    return isinstance(output, dict) and output.keys() == HASHED

"""Answers: the pure core that turns a request, the truth and the law of errors into what the model says."""

from collections.abc import Mapping
from dataclasses import replace
from math import exp, sqrt

from agentflow.testing.chance import NORMAL, Id, hashed, key, normal, uniform, word
from agentflow.testing.dress import DRESSES, as_text, broken, fields_of
from agentflow.testing.law import Draw, Law, Outcome
from agentflow.testing.mistakes import Leaf, Mistake, Slip, leaves, mistake, replaced
from agentflow.testing.request import Json, Reply, Request, ToolCall
from agentflow.testing.spec import FaultyModel
from agentflow.testing.truth import Gold

CHARACTERS_A_TOKEN = 4
TOKENS_AN_IMAGE = 1_000
SURE = 0.995
"""What a model says of P(right) where `wrong_on` misleads it."""

_FAULT, _SIGNAL = 11, 12


def answer(
    law: Law, request: Request, gold: Gold, attempt: int = 0, *, make: Mistake = mistake, fault: str | None = None
) -> Reply:
    """What the model says. Nothing but the arguments decides; asked again at temperature 0, `attempt` is 0 again.

    `fault` names a fault of form that the answer has in any case. Where the case calls for tools, the answer is
    the next call.
    """
    return _Call(law, request, gold, attempt, make).reply(fault)


def picked(shares: Mapping[str, float], chance: float) -> str | None:
    """Which of the shares the chance falls into."""
    for name, share in shares.items():
        if chance < share:
            return name
        chance -= share
    return None


def confidence(spec: FaultyModel, *, right: bool, call: int) -> float:
    """P(right) given a signal N(mu, 1) of right answers and N(0, 1) of wrong ones; its AUC is Phi(mu / sqrt 2)."""
    rate = 1 - spec.error if spec.right_rate is None else spec.right_rate.a / (spec.right_rate.a + spec.right_rate.b)
    rate = min(max(rate, 1e-6), 1 - 1e-6)
    if spec.confidence is None:
        return rate
    mu = sqrt(2) * NORMAL.inv_cdf(spec.confidence.auc)
    signal = normal(call, _SIGNAL) + mu * right
    return 1 / (1 + (1 - rate) / rate * exp(mu * mu / 2 - mu * signal))


class _Call:
    """One call of one model."""

    def __init__(self, law: Law, request: Request, gold: Gold, attempt: int, make: Mistake) -> None:
        self.law, self.attempt, self.make, self.case = law, attempt, make, gold.case
        self.spec = law.faulty.models[request.model]
        self.request, self.step, self.right = _turn(request, gold)
        self.unit = law.unit(gold.case, self.step)
        self.call = key(self.unit, law.id(request.model), request.variant, attempt)
        self.misled = any(on in gold.tags or on in request.text for on in self.spec.wrong_on)

    def reply(self, fault: str | None) -> Reply:
        shares = self.spec.faults.shares
        fault = fault or (picked(shares, uniform(self.call, _FAULT)) if shares else None)
        draws = self._draws()
        worst = max((outcome for outcome, _ in draws.values()), default=Outcome.RIGHT)
        said = self.right if worst is Outcome.RIGHT else self._mistaken(draws)
        sure = SURE if self.misled else confidence(self.spec, right=worst is Outcome.RIGHT, call=self.call)
        said = self._with_confidence(said, sure)
        text = said if isinstance(said, str) else as_text(said)
        fields = {name: outcome for name, (outcome, _) in draws.items() if name}
        read, wrote = tokens_read(self.request), tokens_of(text)
        reply = Reply(
            content=text,
            outcome=worst,
            fault=fault,
            fields=fields,
            confidence=sure,
            tokens_in=read,
            tokens_out=wrote,
        )
        if fault:
            reply = DRESSES[fault](reply, said, self.request, self.call)
            reply = replace(reply, tokens_out=tokens_of(reply.content or reply.refusal or ""))
        return reply if self.request.forced is None else _as_call(self.request.forced, reply)

    def _draws(self) -> Mapping[str, Draw]:
        """What becomes of the answer, under "", or of each field that is not right."""
        if self.misled:
            return {"": (Outcome.CORRELATED, self.law.trap(self.request.model, self.unit))}
        if self.spec.per == "answer":
            return {"": self.law.at(self.request.model, self.unit, self.request.variant, self.attempt)}
        drawn = {leaf.name: self._draw(leaf) for leaf in leaves(self.right)}
        return {name: draw for name, draw in drawn.items() if draw[0]}

    def _draw(self, leaf: Leaf) -> Draw:
        unit = self.law.unit(self.case, field_step(self.step, leaf.name))
        return self.law.at(self.request.model, unit, self.request.variant, self.attempt)

    def _mistaken(self, draws: Mapping[str, Draw]) -> Json:
        said, found = self.right, leaves(self.right)
        for name, (outcome, number) in draws.items():
            breaks = (self.spec.detectable or ("value" if name else "form")) == "form"
            if (outcome is Outcome.DETECTABLE and breaks) or not found:
                return broken(said, self.request, self.call)
            leaf, place = _chosen(found, name, number, self.unit)
            said = replaced(said, leaf.path, self.make(Slip(leaf, outcome, place, self.right, self.request)))
        return said

    def _with_confidence(self, said: Json, sure: float) -> Json:
        field = self.spec.confidence.field if self.spec.confidence else None
        if field is None or field not in self.request.schema.get("properties", ()):
            return said
        return {**fields_of(said), field: round(sure, 6)}


def field_step(step: Id, field: str) -> int:
    """The step's name for one field, where every field errs for itself."""
    return key(word(step), hashed(field))


def _turn(request: Request, gold: Gold) -> tuple[Request, str, Json]:
    """The request, the step's name and the right answer of this turn: a tool's arguments, or what was asked for."""
    if not request.tools or request.turn >= len(gold.calls):
        return request, request.form, gold.answer
    name, arguments = gold.calls[request.turn]
    turned = replace(request, forced=name, form=name, schema=request.tools.get(name, {}))
    return turned, f"{name}#{request.turn}", dict(arguments)


def _chosen(found: list[Leaf], name: str, number: int, unit: int) -> tuple[Leaf, int]:
    """The leaf that a wrong value stands in, and which of the leaf's wrong values it is."""
    if name:
        return next(leaf for leaf in found if leaf.name == name), number - 1
    return found[(number - 1 + unit) % len(found)], (number - 1) // len(found)


def _as_call(tool: str, reply: Reply) -> Reply:
    if not reply.content:
        return reply
    finish = "tool_calls" if reply.finish == "stop" else reply.finish
    return replace(reply, content=None, calls=(ToolCall(tool, reply.content),), finish=finish)


def tokens_of(text: str) -> int:
    """How many tokens a text is, near enough."""
    return max(1, len(text) // CHARACTERS_A_TOKEN)


def tokens_read(request: Request) -> int:
    """How many tokens a request is, near enough."""
    return tokens_of(request.text + request.instructions) + TOKENS_AN_IMAGE * len(request.images)

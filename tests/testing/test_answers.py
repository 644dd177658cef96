"""An answer says what the law of errors wants it to say, in the form that its fault gives it."""

import json
from dataclasses import replace

import pytest

from agentflow.testing import Confidence, Faulty, FaultyModel, Gold, Law, Outcome, RightRate, answer
from agentflow.testing import Request as Question
from agentflow.testing.spec import AnswerFaults
from tests.testing.test_law import N, near

SCHEMA = {"properties": {"total": {"type": "string"}, "count": {"type": "integer"}}, "required": ["total"]}
GOLD = {"total": "119.00", "count": 3}


def ask(spec: FaultyModel, case: int = 1, *, attempt: int = 0, gold=GOLD, tags=(), **more):
    law = Law(Faulty(seed=1, models={"m": spec}))
    question = Question(**{"model": "m", "text": "how much?", "form": "Sum", "schema": SCHEMA, **more})
    return answer(law, question, Gold(case, gold, tags), attempt)


def with_fault(name: str) -> FaultyModel:
    return FaultyModel(faults=AnswerFaults(**{name: 1}))


def test_a_faultless_model_says_what_is_right():
    reply = ask(FaultyModel())
    assert (json.loads(reply.content or ""), reply.outcome, reply.finish) == (GOLD, Outcome.RIGHT, "stop")


def test_the_same_question_gets_the_same_answer_and_another_attempt_another():
    spec = FaultyModel(error=1, wrong_values=1000)
    said = [ask(spec, attempt=attempt) for attempt in (0, 0, 1)]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize("split", [(0, 1, 0), (0, 0, 1)])
def test_what_no_check_sees_has_the_right_form(split):
    for case in range(50):
        said = json.loads(ask(FaultyModel(error=1, split=split), case).content or "")
        assert said != GOLD
        assert {name: type(value) for name, value in said.items()} == {"total": str, "count": int}


def test_a_detectable_error_breaks_the_form():
    for case in range(50):
        reply = ask(FaultyModel(error=1, split=(1, 0, 0)), case)
        said = json.loads(reply.content or "")
        assert "total" not in said or list in (type(said["total"]), type(said["count"]))
        assert reply.outcome is Outcome.DETECTABLE


def test_a_detectable_error_of_value_keeps_the_form():
    said = json.loads(ask(FaultyModel(error=1, split=(1, 0, 0), detectable="value")).content or "")
    assert said.keys() == GOLD.keys()
    assert said != GOLD


def test_distinct_wrong_values_are_distinct_answers():
    spec = FaultyModel(error=1, split=(0, 1, 0), wrong_values=12)
    said = {ask(spec, attempt=attempt).content for attempt in range(500)}
    assert len(said) == 12


def test_two_models_caught_on_the_same_mistake_say_the_same():
    spec = FaultyModel(error=1, split=(0, 0, 1), wrong_values=1000)
    law = Law(Faulty(models={"a": spec, "b": spec.model_copy(update={"follows": 1.0})}))
    said = [answer(law, Question(model=m, text="?", variant=v), Gold(1, GOLD)).content for v, m in enumerate("ab")]
    assert said[0] == said[1]


def test_where_every_field_errs_for_itself_fields_err_at_the_rate():
    gold = {f"field_{chr(97 + i)}": i for i in range(20)}
    replies = [ask(FaultyModel(error=0.1, per="field"), case, gold=gold) for case in range(500)]
    wrong = sum(json.loads(reply.content or "")[name] != value for reply in replies for name, value in gold.items())
    assert near(wrong, 0.1, 500 * 20)
    assert wrong == sum(len(reply.fields) for reply in replies)


def test_a_detectable_field_keeps_the_form():
    gold = {"a": 1, "b": 2}
    reply = ask(FaultyModel(error=1, per="field", split=(1, 0, 0)), gold=gold)
    assert set(reply.fields.values()) == {Outcome.DETECTABLE}
    assert all(type(value) is int for value in json.loads(reply.content or "").values())


@pytest.mark.parametrize(("text", "tags"), [("from ACME Ltd", ()), ("from someone", ("vendor:ACME", "x"))])
def test_a_model_is_always_wrong_and_sure_of_it_where_it_is_misled(text, tags):
    spec = FaultyModel(wrong_on=["ACME", "vendor:ACME"], confidence=Confidence(auc=0.9))
    replies = [ask(spec, attempt=attempt, variant=attempt, text=text, tags=tags) for attempt in range(20)]
    assert {reply.content for reply in replies} != {json.dumps(GOLD)}
    assert len({reply.content for reply in replies}) == 1
    assert min(reply.confidence for reply in replies) > 0.99
    assert ask(spec, text="from others").outcome is Outcome.RIGHT


@pytest.mark.parametrize("auc", [0.6, 0.8, 0.95])
def test_the_confidence_has_the_auc_that_is_asked_for(auc):
    spec = FaultyModel(error=0.3, split=(0, 0.5, 0.5), confidence=Confidence(auc=auc))
    replies = [ask(spec, case) for case in range(6000)]
    right = sorted(reply.confidence for reply in replies if reply.outcome is Outcome.RIGHT)
    wrong = sorted(reply.confidence for reply in replies if reply.outcome is not Outcome.RIGHT)
    # Mann-Whitney by merging; its standard error is at most sqrt(AUC (1 - AUC) / the smaller sample).
    ranked = sorted([(value, 1) for value in right] + [(value, 0) for value in wrong])
    below, wins = 0, 0
    for _, is_right in ranked:
        wins += below if is_right else 0
        below += 1 - is_right
    assert wins / len(right) / len(wrong) == pytest.approx(auc, abs=4 * (auc * (1 - auc) / len(wrong)) ** 0.5)


def test_the_confidence_is_a_probability_that_holds():
    spec = FaultyModel(error=0.3, confidence=Confidence(auc=0.8))
    replies = [ask(spec, case) for case in range(6000)]
    sure = [reply for reply in replies if 0.8 < reply.confidence < 0.9]
    right = sum(reply.outcome is Outcome.RIGHT for reply in sure)
    assert near(right, sum(reply.confidence for reply in sure) / len(sure), len(sure))


def test_the_confidence_stands_in_the_field_that_the_form_has_for_it():
    spec = FaultyModel(confidence=Confidence(auc=0.9, field="sure"))
    schema = {"properties": {**SCHEMA["properties"], "sure": {"type": "number"}}}
    assert "sure" in json.loads(ask(spec, schema=schema).content or "")
    assert "sure" not in json.loads(ask(spec).content or "")


def test_a_right_rate_drives_answers_too():
    replies = [ask(FaultyModel(right_rate=RightRate(a=2, b=2)), case) for case in range(2000)]
    assert near(sum(reply.outcome is Outcome.RIGHT for reply in replies), 0.5, 2000)


def test_prose_and_fences_hold_the_answer_unharmed():
    prose, fence = (ask(with_fault(name)).content or "" for name in ("prose", "fence"))
    assert prose.startswith("Sure!")
    assert fence.startswith("```json\n")
    assert all(json.loads(text[text.find("{") : text.rfind("}") + 1]) == GOLD for text in (prose, fence))


def test_a_refusal_has_no_content():
    reply = ask(with_fault("refusal"))
    assert (reply.content, reply.outcome) == (None, None)
    assert reply.refusal


@pytest.mark.parametrize(("fault", "finish"), [("length", "length"), ("content_filter", "content_filter")])
def test_a_cut_answer_says_why_it_ends(fault, finish):
    reply = ask(with_fault(fault))
    assert reply.finish == finish
    assert len(reply.content or "") < len(json.dumps(GOLD)) - 1


def test_faults_of_form_are_what_they_are_called():
    said = {
        name: json.loads(ask(with_fault(name)).content or "")
        for name in AnswerFaults.model_fields
        if "_" in name and name != "content_filter"
    }
    assert said["missing_field"] == {"count": 3}
    assert said["extra_field"] == {**GOLD, "remark": "as printed"}
    assert list in {type(value) for value in said["wrong_type"].values()}


def test_faults_of_form_come_at_their_rate_beside_errors():
    spec = FaultyModel(error=0.2, faults=AnswerFaults(refusal=0.1, fence=0.3))
    law = Law(Faulty(models={"m": spec}))
    replies = [answer(law, Question(model="m", text="?"), Gold(case, GOLD)) for case in range(N)]
    assert near(sum(reply.fault == "refusal" for reply in replies), 0.1, N)
    fenced = [reply for reply in replies if reply.fault == "fence"]
    assert near(len(fenced), 0.3, N)
    assert near(sum(reply.outcome is not Outcome.RIGHT for reply in fenced), 0.2, len(fenced))


def test_a_case_that_calls_for_tools_gets_its_calls_one_a_turn_and_then_its_answer():
    law = Law(Faulty(models={"m": FaultyModel()}))
    gold = Gold(1, GOLD, calls=(("find", {"vendor": "ACME"}),))
    question = Question(model="m", text="?", tools={"find": {"type": "object"}})
    first, second = (answer(law, replace(question, turn=turn), gold) for turn in (0, 1))
    assert (first.calls[0].name, json.loads(first.calls[0].arguments)) == ("find", {"vendor": "ACME"})
    assert (first.finish, first.content) == ("tool_calls", None)
    assert json.loads(second.content or "") == GOLD


def test_a_tool_that_must_be_called_takes_the_answer():
    reply = ask(FaultyModel(), forced="Sum", tools={"Sum": SCHEMA})
    assert [(call.name, json.loads(call.arguments)) for call in reply.calls] == [("Sum", GOLD)]


def test_tokens_grow_with_what_is_read_and_written():
    short, long = ask(FaultyModel()), ask(FaultyModel(), text="how much? " * 100)
    assert long.tokens_in > 10 * short.tokens_in
    assert short.tokens_out == len(json.dumps(GOLD)) // 4

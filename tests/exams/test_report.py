"""report.json tells what an exam has found, every figure with its interval."""

from decimal import Decimal

from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, Rate, StepFigures
from agentflow.exams.report import Report, as_json
from tests.exams.packs import exam_of


def test_what_each_check_catches_is_told_by_field_and_of_identities():
    said = CheckFigures(catch=Rate(hits=9, misses=1), alarm=Rate(hits=1, misses=49))
    field = FieldFigures(checks={"code_known": said})
    figures = Figures(steps={"answer": StepFigures(fields={"code": field}, identities={"adds_up": said})})
    report = Report("letters", 2, 1, None, Decimal(0), complete=True, told=(), held=(), figures=figures)
    found = as_json(report, exam_of(2))["sources"]["answer"]["checks"]
    assert set(found) == {"code", "*"}
    catch = found["code"]["code_known"]["catch"]
    assert catch["low"] < catch["value"] == 0.9 < catch["high"]
    assert found["*"]["adds_up"]["alarm"]["value"] == 0.02

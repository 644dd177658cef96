"""The samples as an exam: what each page says, and whether a person has to look at it, a JSON object a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

NOT_ALONE = ("duplicate_of",)
"""What is right for these hangs on another job's effects, and no effect is done in an exam."""
BY_EFFECT = ("order_amount_exceeded",)
LOOKED_AT = ("in_review",)


def cases(gold: Iterable[str]) -> Iterator[str]:
    """The lines of exam/cases.jsonl for those of samples/gold.jsonl."""
    for line in gold:
        told = json.loads(line)
        codes = told["expect"]["codes"]
        if not any(told.get(name) for name in NOT_ALONE) and not set(codes) & set(BY_EFFECT):
            yield json.dumps(_case(told), ensure_ascii=False)


def _case(told: dict[str, Any]) -> dict[str, Any]:
    asked = told["expect"]["status"] in LOOKED_AT
    outcome = told["expect"]["outcome"]
    known = told.get("visible_fields", told["fields_known"])
    gold: dict[str, Any] = {"Invoice": {name: told["fields"][name] for name in known}} if told["lines"] else {}
    gold |= {outcome: {}} if outcome else {}
    tags = {"kind": told["kind"]}
    if supplier := told["fields"].get("supplier_name"):
        tags["vendor"] = supplier
    case = {"id": told["id"], "file": f"../samples/{told['file']}", "gold": gold, "tags": tags}
    return {**case, "review": True} if asked else case

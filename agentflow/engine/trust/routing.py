"""Routing: what is known before a source is asked, from the records that a step reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from agentflow.flow.step import label

LONGEST = 40
"""Characters of a text that may still name a kind of case."""


def features_of(reads: Sequence[Any]) -> dict[str, str]:
    """The short texts, flags and whole numbers of the records, by `Record.field`."""
    found: dict[str, str] = {}
    for record in reads:
        if isinstance(record, BaseModel):
            for name in type(record).model_fields:
                value = getattr(record, name)
                if isinstance(value, bool | int) or (isinstance(value, str) and 0 < len(value) <= LONGEST):
                    found[f"{label(type(record))}.{name}"] = str(value)
    return found


def is_skipped(skip: Mapping[str, Sequence[str]], features: Mapping[str, str]) -> bool:
    """Whether a rung that skips these values of these features skips the case."""
    return any(features.get(name) in values for name, values in skip.items())

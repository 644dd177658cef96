"""Filling: a record from what is known of it; its other fields stand in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from agentflow.errors import PackError
from agentflow.flow.record import options_of, parts_of

STAND_INS: Mapping[type[Any], Any] = {
    bool: False,
    int: 0,
    float: 0.0,
    Decimal: Decimal(0),
    str: "exam",
    bytes: b"",
    date: date(2000, 1, 1),
    datetime: datetime(2000, 1, 1, tzinfo=UTC),
}


def filled(kind: Any, given: Mapping[str, Any], reads: Sequence[Any] = ()) -> Any:
    """A `kind` with the fields `given`; a field that has to be there and is not is one of `reads` of its type, or any.

    Raises PackError where nothing can stand in, ValidationError where what is given does not fit.
    """
    values = dict(given)
    for name, field in kind.model_fields.items():
        if name not in values and field.is_required():
            values[name] = _stand_in(kind, name, field.annotation, reads)
    return kind.model_validate(values)


def _stand_in(kind: Any, name: str, wanted: Any, reads: Sequence[Any]) -> Any:
    options = options_of(wanted)
    for read in reads:
        if type(read) in options:
            return read
    if type(None) in get_args(wanted):
        return None
    for option in options:
        if get_origin(option) is Literal:
            return get_args(option)[0]
        if option in STAND_INS:
            return STAND_INS[option]
        if isinstance(option, type) and issubclass(option, Enum):
            return next(iter(option))
        if isinstance(option, type) and issubclass(option, BaseModel):
            return filled(option, {}, reads)
        if parts_of(option) is not None:
            return {} if parts_of(option) == ["KEY"] else []
    raise PackError(f"{kind.__name__}.{name} has to be told: nothing can stand in for {wanted}")

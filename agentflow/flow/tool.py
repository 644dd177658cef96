"""Tools: functions that a model may call while it works on an answer, with arguments of the types they name."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NotRequired, get_type_hints

from pydantic import ConfigDict, TypeAdapter, with_config
from pydantic_core import to_json
from typing_extensions import TypedDict  # pydantic reads this one on Python 3.11

from agentflow.errors import WorkflowError
from agentflow.flow.policy import EffectKey


@dataclass(frozen=True)
class Tool:
    """A function, sync or async, that a model may call; its docstring tells the model what it does.

    Every parameter has a type. A parameter of type EffectKey is not the model's: a tool that `writes` gets its key
    there, the same over retries and resumes, and passes it on to what keeps the change from being made twice.
    """

    call: Callable[..., Any]
    writes: bool = False
    lookup: Callable[[EffectKey], Any] | None = None
    """What a tool that writes made for a key, None where it made nothing; sync or async. Asked where an earlier run
    of the job ended in the middle of the call, before the tool is called again with the same key."""

    @property
    def name(self) -> str:
        """What the model calls it."""
        return self.call.__name__

    @property
    def description(self) -> str:
        """What the model is told of it."""
        return inspect.getdoc(self.call) or self.name.replace("_", " ")

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments. Raises WorkflowError where a parameter has no type."""
        return {**self._arguments.json_schema(), "title": self.name}

    def read(self, arguments: str) -> Mapping[str, Any]:
        """The arguments by name, of the types the function names. Raises ValueError where they are not."""
        return self._arguments.validate_json(arguments or "{}")

    async def run(self, arguments: Mapping[str, Any], key: EffectKey | None) -> str:
        """What it gives, as text or JSON. Raises what the function does."""
        keyed = {} if self._key_name is None else {self._key_name: key}
        made = self.call(**arguments, **keyed)
        made = await made if inspect.isawaitable(made) else made
        return _text(made)

    async def look_up(self, key: EffectKey) -> str | None:
        """What an earlier call gave for the key, as text or JSON; None where it gave nothing or nobody can say."""
        found = self.lookup(key) if self.lookup else None
        found = await found if inspect.isawaitable(found) else found
        return None if found is None else _text(found)

    @cached_property
    def _key_name(self) -> str | None:
        return next((name for name, kind in self._types.items() if kind is EffectKey), None)

    @cached_property
    def _types(self) -> dict[str, Any]:
        hints = get_type_hints(self.call, include_extras=True)
        names = list(inspect.signature(self.call).parameters)
        if missing := [name for name in names if name not in hints]:
            raise WorkflowError(f"the tool {self.name}: give {', '.join(missing)} a type; a model is told it")
        return {name: hints[name] for name in names}

    @cached_property
    def _arguments(self) -> TypeAdapter[dict[str, Any]]:
        parameters = inspect.signature(self.call).parameters
        fields: dict[str, Any] = {
            name: kind if parameters[name].default is inspect.Parameter.empty else NotRequired[kind]
            for name, kind in self._types.items()
            if kind is not EffectKey
        }
        kind: Any = TypedDict(self.name, fields)  # pyright: ignore[reportArgumentType] - made at run time
        return TypeAdapter(with_config(ConfigDict(extra="forbid"))(kind))


def _text(made: Any) -> str:
    return made if isinstance(made, str) else to_json(made, fallback=str).decode()

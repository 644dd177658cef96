"""Sources: the text of a function and of all that it uses of its own package, as one hash."""

import ast
import hashlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

from pydantic import BaseModel

SCALARS = (str, bytes, int, float, complex, Decimal, type(None))
TABLES_LEFT_OUT = ("models.toml", "connect.toml")
"""Tables beside code that say where it runs, not what it does."""


def code_hash(call: Callable[..., Any]) -> str:
    """The SHA-256 of a function's source, and of what of its own package it uses, however far away.

    That is functions, classes, constants, and the tables (.toml) beside their files.
    """
    used, told = _used(call, _package(call)), hashlib.sha256()
    for name, source in sorted({*used, *_tables(used)}):
        told.update(f"{name}\0{source}\0".encode("utf-8", "surrogatepass"))
    return told.hexdigest()[:16]


def _package(call: Callable[..., Any]) -> str:
    """The package of the module: `domains.invoices` of `domains.invoices.steps`."""
    module: str = getattr(call, "__module__", None) or ""
    return module.rpartition(".")[0] or module


def _used(start: Any, package: str) -> set[tuple[str, str]]:
    """Names and sources of everything of the package that `start` leads to."""
    found: set[tuple[str, str]] = set()
    seen: dict[int, Any] = {}
    waiting: list[tuple[str, Any]] = [("", start)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, SCALARS):
            found.add((name, repr(value)))
            continue
        if id(value) in seen:
            continue
        seen[id(value)] = value  # held, so that no other gets its id
        value = inspect.unwrap(value) if callable(value) else value
        if isinstance(value, (FunctionType, type)):
            if _inside(value, package):
                found.add((f"{value.__module__}.{value.__qualname__}", _source(value)))
                waiting += _reached(value, package)
        else:
            waiting += _parts(name, value)
    return found


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a constant holds."""
    if isinstance(value, re.Pattern):
        pattern = cast("re.Pattern[Any]", value)
        yield name, f"{pattern.pattern!r} {pattern.flags}"
    elif isinstance(value, Mapping):
        table = cast("Mapping[Any, Any]", value)
        yield from ((f"{name}.{key!r}", each) for key, each in table.items())
    elif isinstance(value, (set, frozenset)):
        several = cast("set[Any]", value)
        yield from ((f"{name}.{each!r}" if isinstance(each, SCALARS) else name, each) for each in several)
    elif isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)
        yield from ((f"{name}.{place}", each) for place, each in enumerate(items))
    elif isinstance(value, BaseModel):
        yield name, value.model_dump_json()
    elif is_dataclass(value):
        yield from ((f"{name}.{each.name}", getattr(value, each.name, None)) for each in fields(value))


def _source(value: Any) -> str:
    """The text of a function or class, as its module's file has it."""
    text = _texts(value.__module__).get(value.__qualname__)
    if text is None and isinstance(value, type) and issubclass(value, BaseModel):  # made at run time
        schema: dict[str, Any] = value.model_json_schema()
        return json.dumps(schema, sort_keys=True)
    return text or str(value.__qualname__)


@lru_cache(512)
def _texts(module: str) -> Mapping[str, str]:
    """The text of each function and class of a module by its qualified name."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return {}
    text = Path(file).read_text(encoding="utf-8")
    return dict(_named_texts(ast.parse(text), "", text.splitlines()))


def _named_texts(node: ast.AST, prefix: str, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            start = min([child.lineno, *(each.lineno for each in child.decorator_list)])
            name = f"{prefix}{child.name}"
            yield name, "\n".join(lines[start - 1 : child.end_lineno])
            below = f"{name}." if isinstance(child, ast.ClassDef) else f"{name}.<locals>."
            yield from _named_texts(child, below, lines)
        else:
            yield from _named_texts(child, prefix, lines)


def _reached(value: Any, package: str) -> Iterator[tuple[str, Any]]:
    """The globals that a function, or the functions of a class, name; the types of their parameters and fields."""
    if isinstance(value, type):
        yield from (("", base) for base in value.__bases__)
        yield from (("", kind) for kind in getattr(value, "__annotations__", {}).values())
        members: list[Any] = [inspect.unwrap(each) for each in map(_plain, vars(value).values()) if callable(each)]
        functions = [each for each in members if isinstance(each, FunctionType) and _inside(each, package)]
    else:
        functions = [value]
    for function in functions:
        yield from _named(function, package)


def _named(function: FunctionType, package: str) -> Iterator[tuple[str, Any]]:
    names = sorted(set(_names(function.__code__)))
    for name in names:
        given: Any = function.__globals__.get(name)
        yield f"{function.__module__}.{name}", given
        if isinstance(given, ModuleType) and given.__name__.startswith(package):
            yield from ((f"{given.__name__}.{each}", vars(given)[each]) for each in names if each in vars(given))
    yield from (("", kind) for kind in function.__annotations__.values() if not isinstance(kind, str))
    for cell in function.__closure__ or ():
        if isinstance(cell.cell_contents, (*SCALARS, FunctionType)):
            yield f"{function.__module__}.{function.__qualname__}#", cell.cell_contents


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _plain(member: Any) -> Any:
    """The function of a property, of a static method or of a class method."""
    return getattr(member, "fget", None) or getattr(member, "__func__", member)


def _inside(value: Any, package: str) -> bool:
    module: str = value.__module__ or ""
    return module == package or module.startswith(f"{package}.")


def _tables(used: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The tables beside the modules of what is used."""
    modules = {name.rpartition(".")[0] for name, _ in used}
    files = {getattr(sys.modules[module], "__file__", None) for module in modules if module in sys.modules}
    for folder in {Path(file).parent for file in files if file}:
        for path in folder.glob("*.toml"):
            if path.name not in TABLES_LEFT_OUT:
                yield path.name, path.read_text(encoding="utf-8")

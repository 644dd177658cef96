"""Grounding: a check that values stand in the text they were read from, as their evidence says."""

import inspect
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel

from agentflow.flow.check import Check, Problem, names
from agentflow.flow.notation import says as says_value
from agentflow.flow.record import Evidence, Record
from agentflow.flow.step import read_signature

Text = str | Sequence[str]
"""A text, or its pages in their order."""

Says = Callable[[str, Any, str, Any], bool]
"""Whether a quote says the value at a path of a record: `says(quote, value, path, record)`."""


def grounded(*paths: str, text: Callable[..., Text | Awaitable[Text]], says: Says | None = None) -> Check:
    """A check that each value at `paths` has a quote, that the quote stands in the text, and that it says the value.

    `*` stands for the places of a list: `grounded("gross_total", "lines.*.line_total", text=page_text)`. `text` takes
    records that the step reads, connectors after the `*`, sync or async, and gives what they say. A record keeps its
    quotes in a field of type `dict[str, Evidence]`, by path; where evidence names a page, that page alone counts.
    A field that is empty needs no quote. `says` takes the place of `agentflow.flow.notation.says`.

    Problems: `no_quote`, `quote_not_found`, `quote_says_otherwise`.
    """
    signature, follows = read_signature(text), says or _follows

    async def check(made: Any, *reads: Any, **needs: Any) -> list[Problem]:
        found = text(*reads, **needs)
        given: Text = await found if inspect.isawaitable(found) else found
        pages = [given] if isinstance(given, str) else list(given)
        return list(_problems(made, paths, [_plain(page) for page in pages], follows))

    return names(*paths)(_signed(check, signature.reads, signature.needs))


def _signed(check: Any, reads: Sequence[Any], needs: Mapping[str, Any]) -> Check:
    """The check with the parameters of the function that gives the text behind its own."""
    kinds: dict[str, Any] = {"made": Record, **{f"read_{i}": kind for i, kind in enumerate(reads)}, **needs}
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY if name in needs else positional) for name in kinds
    ]
    check.__name__ = "grounded"
    check.__signature__ = inspect.Signature(parameters)
    check.__annotations__ = {**kinds, "return": list[Problem]}
    return check


# A model is told these messages anew: they hold nothing that it or a document has said.
def _problems(made: Any, paths: Sequence[str], pages: Sequence[str], follows: Says) -> Iterator[Problem]:
    evidence = evidence_in(made)
    for path, value in (found for pattern in paths for found in values_at(made, pattern)):
        known = evidence.get(path)
        if value is None:
            continue
        what = path.replace("_", " ").replace(".", " ")
        if known is None or not known.quote:
            yield Problem(code="no_quote", path=path, message=f"Nothing shows where the {what} stands; quote it.")
        elif not any(_stands(known.quote, page) for page in _pages(known, pages)):
            text = f"The quote of the {what} does not stand in the text; quote it letter by letter."
            yield Problem(code="quote_not_found", path=path, message=text)
        elif not follows(known.quote, value, path, made):
            text = f"The quote of the {what} says something else than its value."
            yield Problem(code="quote_says_otherwise", path=path, message=text)


def evidence_in(made: Any) -> Mapping[str, Evidence]:
    """The evidence that a record keeps, by path; empty where it keeps none."""
    fields = type(made).model_fields if isinstance(made, BaseModel) else {}
    name = next((name for name, field in fields.items() if field.annotation == dict[str, Evidence]), None)
    return {} if name is None else getattr(made, name)


def values_at(made: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values that a path names, each with its own path; none where the record has no such field."""
    part, _, rest = path.partition(".")
    for name, value in _parts(made, part):
        if not rest:
            yield name, value
        else:
            yield from ((f"{name}.{below}", found) for below, found in values_at(value, rest))


def _parts(made: Any, part: str) -> Iterator[tuple[str, Any]]:
    if isinstance(made, BaseModel):
        if part in type(made).model_fields:
            yield part, getattr(made, part)
    elif isinstance(made, (list, tuple)):
        items = cast("Sequence[Any]", made)
        yield from ((str(place), item) for place, item in enumerate(items) if part in ("*", str(place)))
    elif isinstance(made, dict):
        table = cast("dict[Any, Any]", made)
        yield from ((str(key), item) for key, item in table.items() if part in ("*", str(key)))


def _follows(quote: str, value: Any, path: str, made: Any) -> bool:
    return says_value(quote, value)


def _pages(known: Evidence, pages: Sequence[str]) -> Sequence[str]:
    return pages if known.page is None else pages[known.page - 1 : known.page] if known.page > 0 else []


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.replace("\u00ad", "")).casefold()


def _stands(quote: str, page: str) -> bool:
    """Whether a page says a quote, whatever its spaces; never as a part of a longer number or word."""
    said = "".join(_plain(quote).split())
    if not said:
        return False
    first, last = _boundary(said[0], behind=True), _boundary(said[-1], behind=False)
    return re.search(first + r"\s*".join(map(re.escape, said)) + last, page) is not None


def _boundary(edge: str, *, behind: bool) -> str:
    if edge.isdigit():
        return r"(?<!\d)(?<!\d[.,])" if behind else r"(?!\d)(?![.,]\d)"
    if edge.isalpha():
        return r"(?<![^\W\d_])" if behind else r"(?![^\W\d_])"
    return ""

"""Logs: one line an event, with the request and the job it belongs to, and no word of what callers sent."""

import json
import logging
import os
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from agentflow.errors import ConfigError, StoreError

Style = Literal["json", "text"]
FIELDS = (
    "request_id", "job", "pack", "tenant", "key", "method", "route", "status", "outcome", "seconds", "error",
)  # fmt: skip
"""What a line may say besides its message."""
LONGEST = 500
"""Characters of a message or a field."""
SPOKEN = ("agentflow", "uvicorn", "asyncio", "py.warnings")
"""Whose words are repeated; other libraries may quote what a tenant sent, so of theirs only the place is told."""
HIDDEN = "***"
DROPPED = "(dropped)"

_SECRETS = re.compile(
    r"""(?xi)
    \b af_(?:live|test)_ \w+                                 # our own API keys
    | \b whsec_ [\w+/=]+                                     # secrets of webhooks
    | \b (?: sk | pk | rk ) - [\w-]{8,}                      # keys of model providers
    | \b (?: bearer | basic ) \s+ [\w.~+/=-]+
    | (?<=://) [^/\s@]* : [^/\s@]* (?=@)                     # user and password in a URL
    | (?: api[_-]?key | password | passwd | secret | token | signature ) ["']? \s* [=:] \s* ["']? [^\s"'&,;]+
    """
)
_NAMED = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|PEPPER)$", re.IGNORECASE)
_about: ContextVar[Mapping[str, Any]] = ContextVar("agentflow_log_about", default=MappingProxyType({}))


@contextmanager
def about(**fields: Any) -> Generator[None]:
    """Every line that is logged in the block, and in tasks begun in it, says these fields too."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def told(error: BaseException | None) -> str:
    """Kind and place of an error, without its text, which may hold what a tenant sent; a database's text is told."""
    places: list[str] = []
    trace = error.__traceback__ if error else None
    while trace:
        _, ours, place = trace.tb_frame.f_code.co_filename.rpartition("/agentflow/")
        places += [f"{place}:{trace.tb_lineno}"] if ours else []
        trace = trace.tb_next
    text = f"{type(error).__name__} below {' > '.join(places[-8:])}"
    return f"{text}: {error}" if isinstance(error, (StoreError, ConfigError)) else text


class _Lines(logging.Formatter):
    """A record's parts, each masked, on one line and of bearable length; what cannot be masked is dropped."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def parts(self, record: logging.LogRecord) -> dict[str, Any]:
        """The line's fields by name; never raises."""
        found = {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0]:
            found["error"] = told(record.exc_info[1])
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": self._message(record)}
        return line | {name: self._safe(value) for name, value in ({**_about.get()} | found).items()}

    def _message(self, record: logging.LogRecord) -> str:
        if record.name.partition(".")[0] not in SPOKEN:
            return f"at {record.module}:{record.lineno}"
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - whatever a value's own code raises
            return DROPPED
        return self._safe(text if record.name.startswith("agentflow") else text.partition("\n")[0])

    def _safe(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        try:
            text = _SECRETS.sub(HIDDEN, str(value))
            for secret in self._secrets:
                text = text.replace(secret, HIDDEN)
        except Exception:  # noqa: BLE001 - what cannot be masked is not told
            return DROPPED
        short = text if len(text) <= LONGEST else text[:LONGEST] + "..."
        return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in short)


class JsonLines(_Lines):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json.dumps(self.parts(record))


class TextLines(_Lines):
    """A record for people: time, level, message, then name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        parts = self.parts(record)
        head = [str(parts.pop("at")), str(parts.pop("level")).upper(), str(parts.pop("message"))]
        return " ".join([*head, *(f"{name}={value}" for name, value in parts.items())])


class _Quiet(logging.StreamHandler[Any]):
    """A handler whose own failures say nothing: logging would print the record as it came."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own
        pass


def set_up(style: Style, level: int = logging.INFO) -> None:
    """Sends all logs of this process to standard error: agentflow's and uvicorn's from `level`, others' warnings.

    Values of environment variables that are named as keys, secrets, tokens or passwords are masked wherever they stand.
    """
    named = (value for name, value in os.environ.items() if _NAMED.search(name) and len(value) >= 8)
    secrets = tuple(sorted(named, key=len, reverse=True))
    handler = _Quiet(sys.stderr)
    handler.setFormatter(JsonLines(secrets) if style == "json" else TextLines(secrets))
    logging.captureWarnings(True)
    logging.getLogger().handlers = [handler]
    for name in ("agentflow", "uvicorn"):
        logging.getLogger(name).setLevel(level)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it tells of each write that was refused
    logging.getLogger("uvicorn.access").disabled = True

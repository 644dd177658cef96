"""Logs: one JSON object a line, so that nothing a caller sends can forge a line of its own."""

import json
import logging
import sys
from datetime import UTC, datetime

FIELDS = ("request_id", "method", "route", "status", "seconds", "tenant", "key", "job", "error")
"""What a line may say besides its message."""


class JsonLines(logging.Formatter):
    """A record as JSON: control characters are escaped, and only known fields are taken."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0]:
            line["error"] = _where(record.exc_info[1])
        return json.dumps(line)


def set_up(level: int) -> None:
    """Sends agentflow's and uvicorn's logs to standard error; uvicorn's own line a request is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("agentflow", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = True


def _where(error: BaseException | None) -> str:
    """Kind and place of an error, without its text: that may hold what a tenant sent."""
    places: list[str] = []
    trace = error.__traceback__ if error else None
    while trace:
        _, ours, place = trace.tb_frame.f_code.co_filename.rpartition("/agentflow/")
        places += [f"{place}:{trace.tb_lineno}"] if ours else []
        trace = trace.tb_next
    return f"{type(error).__name__} below {' > '.join(places[-8:])}"

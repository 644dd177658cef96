"""Ids and times of what is stored."""

import re
import time
import uuid
from datetime import UTC, datetime

ID = re.compile(r"[a-z]+_[0-9a-f]{32}", re.ASCII)


def new_id(prefix: str) -> str:
    """`prefix_` and a sortable 128-bit id: milliseconds, then chance."""
    return f"{prefix}_{time.time_ns() // 1_000_000:012x}{uuid.uuid4().hex[:20]}"


def now() -> datetime:
    """The time in UTC, without a zone: SQLite keeps none."""
    return datetime.now(UTC).replace(tzinfo=None)

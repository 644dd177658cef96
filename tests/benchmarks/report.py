"""What every benchmark tells: metrics with intervals and bars, as a table and as JSON."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Metric:
    """One measured figure with its 95 % interval, where it has one, and the bar it is held against."""

    name: str
    value: float
    low: float | None
    high: float | None
    bar: float | None
    sense: Literal["at least", "at most"] = "at least"

    @property
    def ok(self) -> bool | None:
        """None where there is no bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.sense == "at least" else self.value <= self.bar


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of `n` (Wilson, 1927)."""
    if n == 0:
        return math.nan, math.nan
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def finish(name: str, metrics: Sequence[Metric], file: Path | None) -> None:
    """Prints the table, writes the JSON, and ends the process: exit code 1 where a bar is missed."""
    table = Table("measure", "value", "95 % interval", "bar", "", title=name, title_justify="left")
    for metric in metrics:
        bar = "" if metric.bar is None else f"{'>=' if metric.sense == 'at least' else '<='} {metric.bar:g}"
        table.add_row(metric.name, _number(metric.value), _interval(metric), bar, _verdict(metric))
    Console(width=110).print(table)
    if file is not None:
        file.write_text(json.dumps({"metrics": {m.name: _row(m) for m in metrics}}, indent=1) + "\n")
    sys.exit(1 if any(metric.ok is False for metric in metrics) else 0)


def _row(metric: Metric) -> dict[str, Any]:
    row = {"value": metric.value, "low": metric.low, "high": metric.high, "bar": metric.bar, "ok": metric.ok}
    return {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in row.items()}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _interval(metric: Metric) -> str:
    return f"{_number(metric.low)} - {_number(metric.high)}" if metric.low is not None else ""


def _verdict(metric: Metric) -> str:
    return {None: "", True: "ok", False: "MISSED"}[metric.ok]

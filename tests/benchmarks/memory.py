"""How much memory a process and its children take while they run."""

import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.25
"""Seconds between looks."""


@dataclass(frozen=True)
class Peak:
    """Proportional memory of a family of processes at its largest."""

    megabytes: float


def watch(process: subprocess.Popen[str]) -> tuple[Peak, str]:
    """Watches until the process has ended; the memory it took, and what it printed."""
    looks: list[float] = []

    def look() -> None:
        while process.poll() is None:
            looks.append(sum(_proportional(pid) for pid in _family(process.pid)) / 1024)
            time.sleep(INTERVAL)

    thread = threading.Thread(target=look)
    thread.start()
    printed = process.stdout.read() if process.stdout else ""
    process.wait()
    thread.join()
    return Peak(max(looks, default=0.0)), printed


def _family(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(p for child in children for p in _family(child))]


def _proportional(pid: int) -> int:
    """Kilobytes; what several processes share counts once."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))

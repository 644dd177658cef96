"""A job of ten steps with an effect each, and a worker for it that writes down what it does."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import create_model

from agentflow import EffectKey, Pack, Price, Record, workflow
from agentflow.cli.loop import new_loop, settle_down
from agentflow.connectors import sql
from agentflow.jobs.engines.dbos import open_dbos
from agentflow.jobs.engines.serving import Timing
from agentflow.jobs.opening import open_runner
from agentflow.jobs.work import carrying

STEPS = 10
TIMING = Timing(poll=0.1, beat=0.5, dead=3.0, sweep=2.0, grace=5.0)
IDLE = 2
"""Shorter than the liveness timeout, as it has to be."""

Log = Callable[..., None]


def ten_steps(log: Log, seconds: float) -> Pack:
    """Each step waits `seconds`, as for a model, and changes the world under its key."""
    kinds = [create_model(f"N{i}", __base__=Record, name=(str, ...)) for i in range(STEPS + 1)]
    table: Any = workflow("ten", takes=kinds[0], gives=kinds[STEPS])
    for i in range(STEPS):
        table = table.step(_step(i, kinds[i], kinds[i + 1], log, seconds), effect=True)
    return Pack(name="ten", workflow=table.build(), prices={kinds[STEPS]: Price("0.40")})


def _step(i: int, takes: Any, makes: Any, log: Log, seconds: float) -> Any:
    async def step(given: Any, *, key: EffectKey) -> Any:
        log("begin", given.name, i, str(key))
        await asyncio.sleep(seconds)
        log("made", given.name, i, str(key))
        return makes(name=given.name)

    step.__name__ = step.__qualname__ = f"s{i}"
    step.__annotations__ = {"given": takes, "key": EffectKey, "return": makes}
    return step


def log_to(file: Path) -> Log:
    """Lines of JSON, there even if the process is killed: the time, then what is told."""
    lines = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(*told: Any) -> None:
        os.write(lines, (json.dumps([time.time(), *told]) + "\n").encode())

    return log


async def work(url: str, home: Path, file: Path, concurrency: int, seconds: float) -> None:
    """Serves until SIGTERM."""
    log, told = log_to(file), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with (
        open_runner(ten_steps(log, seconds), home=home, database=url) as runner,
        open_dbos(url, packs=["ten"], timing=TIMING) as engine,
    ):
        carry = carrying(runner.store, {"ten": runner}, lambda _: None)

        async def run_job(job: str) -> None:
            log("take", job)
            await carry(job)

        async with engine.serve(run_job, concurrency=concurrency):
            settle_down()
            print("ready", flush=True)
            await told.wait()


if __name__ == "__main__":
    sql.IDLE = IDLE
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))

"""Serves faulty models: python -m agentflow.testing FAULTY.toml [--truth TRUTH.jsonl] [--port 8099] [--models OUT]."""

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

from agentflow.errors import AgentflowError, ConfigError
from agentflow.testing.server import serve
from agentflow.testing.spec import Faulty, read_faulty
from agentflow.testing.truth import Truth, read_truth


def main() -> None:
    """Serves until it is told to stop."""
    given = _arguments()
    try:
        faulty = read_faulty(given.faulty)
        truth = _truth(faulty, given.truth)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(faulty, truth, given))
    except (AgentflowError, OSError) as error:
        sys.exit(f"error: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m agentflow.testing", description=__doc__)
    parser.add_argument("faulty", type=Path, help="the models: see agentflow.testing.spec")
    parser.add_argument("--truth", help="a JSONL file of right answers, or module:name; else what faulty.toml names")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099, help="0 takes a free one")
    parser.add_argument("--models", type=Path, help="writes a models.toml that reaches the server")
    return parser.parse_args()


def _truth(faulty: Faulty, given: str | None) -> Truth:
    where = given or faulty.truth
    if where is None:
        raise ConfigError("no truth to answer from: give --truth, or name it in faulty.toml: truth = 'truth.jsonl'")
    return read_truth(where)


async def _serve(faulty: Faulty, truth: Truth, given: argparse.Namespace) -> None:
    async with serve(faulty, truth, host=given.host, port=given.port) as server:
        if given.models:
            await asyncio.to_thread(given.models.write_text, server.models_toml(), encoding="utf-8")
        sys.stdout.write(f"{', '.join(faulty.models)} at {server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()

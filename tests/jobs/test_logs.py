"""A line of the log says what happened to which request and job, and nothing that a caller or a secret wrote."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentflow.errors import StoreError
from agentflow.jobs.logs import LONGEST, JsonLines, TextLines, about, told

ROOT = Path(__file__).parents[2]


def record(message: str, *args: object, name: str = "agentflow.jobs", **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, __file__, 1, message, args, None)
    made.__dict__.update(extra)
    return made


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    return json.loads(JsonLines().format(record(message, *args, **extra)))


def test_a_line_says_the_request_and_the_job_it_is_logged_for():
    with about(request_id="req_1"), about(job="job_1"):
        inside = line("so", seconds=1.5)
    assert (inside["request_id"], inside["job"], inside["seconds"]) == ("req_1", "job_1", 1.5)
    assert "job" not in line("so")


async def test_jobs_at_the_same_time_are_told_apart():
    async def one(job: str) -> object:
        with about(job=job):
            await asyncio.sleep(0)
            return await asyncio.create_task(nested())

    async def nested() -> object:
        return line("so")["job"]

    assert await asyncio.gather(one("job_1"), one("job_2")) == ["job_1", "job_2"]


def test_fields_that_are_not_known_are_left_out():
    assert "CANARY" not in json.dumps(line("so", body="CANARY", headers={"x": "CANARY"}))


SECRETS = [
    "af_live_0123456789_CANARY",
    "whsec_CANARY+/=",
    "sk-proj-CANARY0123",
    "Authorization: Bearer CANARY",
    "postgresql://user:CANARY@host/db",
    "https://host/x?token=CANARY&a=1",
    "https://host/x?X-Amz-Signature=CANARY",
    "{'password': 'CANARY'}",
    "API_KEY=CANARY",
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("style", [JsonLines, TextLines])
def test_a_secret_is_masked_in_message_and_fields(style: type[JsonLines], text: str):
    assert "CANARY" not in style().format(record("it says %s", text, route=text, error=text))
    assert "***" in style().format(record("it says %s", text))


class Odd:
    def __str__(self) -> str:
        raise ValueError("CANARY")


def test_what_cannot_be_masked_is_dropped():
    found = line("a %s", Odd(), route=Odd())
    assert (found["message"], found["route"]) == ("(dropped)", "(dropped)")
    assert line("%s and %s", "CANARY")["message"] == "(dropped)"


@pytest.mark.parametrize("style", [JsonLines, TextLines])
@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[31mred", "\x7f", "\x00", "\u2028", "\x9b1m", "\u202e", "\ud800"])
def test_control_characters_are_escaped(style: type[JsonLines], text: str):
    told = style().format(record("%s", text, route=text))
    assert told.isprintable()
    assert told.encode()


def test_a_line_is_of_bearable_length():
    assert len(JsonLines().format(record("x" * 1_000_000, route="\x1b" * 1_000_000))) < 20 * LONGEST


def test_other_libraries_words_are_not_repeated():
    assert "CANARY" not in json.dumps(line("CANARY %s", "CANARY", name="litellm"))
    lost = "Task exception was never retrieved\nfuture: <Task exception=ValueError('CANARY')>"
    assert line(lost, name="asyncio")["message"] == "Task exception was never retrieved"


def test_an_error_is_told_by_kind_and_place_and_a_databases_by_its_words_too():
    for error in (ValueError("CANARY"), OSError(2, "CANARY")):
        assert "CANARY" not in told(error)
        assert type(error).__name__ in told(error)
    assert told(StoreError("the server closed the connection")).endswith("the server closed the connection")


def test_a_process_masks_the_secrets_of_its_environment_and_tells_warnings_on_one_line():
    code = """
import logging, warnings
from agentflow.jobs.logs import set_up
set_up("json")
logging.getLogger("agentflow").info("it is CANARY-0123")
logging.getLogger("elsewhere").warning("CANARY")
warnings.warn("old\\nthing")
try: 1 / 0
except ZeroDivisionError: logging.getLogger("agentflow").exception("so")
logging.getLogger("elsewhere").info("not told")
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOME_API_KEY": "CANARY-0123"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    lines = [json.loads(one) for one in found.stderr.splitlines()]
    assert [one["logger"] for one in lines] == ["agentflow", "elsewhere", "py.warnings", "agentflow"]
    assert lines[0]["message"] == "it is ***"
    assert lines[3]["error"].startswith("ZeroDivisionError")
    assert "CANARY" not in found.stderr

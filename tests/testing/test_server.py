"""The server speaks OpenAI's chat format over HTTP, faults of the wire included."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agentflow.testing import (
    Confidence,
    Episode,
    Faulty,
    FaultyModel,
    Gold,
    GoldLine,
    Price,
    WireFaults,
    by_marker,
    dump_lines,
    serve,
    serve_in_thread,
)

SCHEMA = {"properties": {"value": {"type": "integer"}}, "required": ["value"], "title": "Total"}
TRUTH = by_marker(lambda case: {"value": int(case)})
CUT_OFF = (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


def models(**specs: FaultyModel) -> Faulty:
    return Faulty(seed=4, models=specs)


def body(model: str = "m", case: int = 7, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": f"[case:{case}] ?"}], "temperature": 0, **more}


async def post(url: str, asked: dict[str, Any], path: str = "/chat/completions") -> tuple[int, Any, Any]:
    async with aiohttp.ClientSession() as session, session.post(url + path, json=asked) as response:
        return response.status, await response.json(), response.headers


async def events(url: str, asked: dict[str, Any]) -> list[str]:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/chat/completions", json=asked) as response:
        return [line.decode()[6:].strip() async for line in response.content if line.strip()]


async def test_a_completion_says_what_is_right_and_what_was_used():
    async with serve(models(m=FaultyModel()), TRUTH) as server:
        status, whole, _ = await post(server.url, body(logprobs=True))
        assert dict(server.calls["m"]) == {"sends": 1, "right": 1}
    choice = whole["choices"][0]
    assert (status, whole["object"], whole["model"]) == (200, "chat.completion", "m")
    assert json.loads(choice["message"]["content"]) == {"value": 7}
    assert choice["finish_reason"] == "stop"
    assert whole["usage"]["completion_tokens"] > 0
    assert choice["logprobs"]["content"][0]["logprob"] <= 0


async def test_models_and_statistics_can_be_asked_for():
    async with serve(models(a=FaultyModel(), b=FaultyModel()), TRUTH) as server, aiohttp.ClientSession() as session:
        async with session.get(f"{server.url}/models") as response:
            assert [model["id"] for model in (await response.json())["data"]] == ["a", "b"]
        await post(server.url, body("b"))
        root = server.url.removesuffix("/v1")
        async with session.get(f"{root}/stats") as response:
            assert await response.json() == {"b": {"sends": 1, "right": 1}}
        await post(root, {}, "/reset")
        assert server.calls == {}


async def test_a_stream_adds_up_to_the_answer_and_ends_with_its_usage():
    asked = body(stream=True, stream_options={"include_usage": True})
    async with serve(models(m=FaultyModel()), TRUTH) as server:
        *lines, done = await events(server.url, asked)
    chunks = [json.loads(line) for line in lines]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert (json.loads(said), done) == ({"value": 7}, "[DONE]")
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] > 0


async def test_a_tool_that_must_be_called_is_called_in_one_piece_or_in_chunks():
    tools = [{"type": "function", "function": {"name": "Total", "parameters": SCHEMA}}]
    asked = body(tools=tools, tool_choice={"type": "function", "function": {"name": "Total"}})
    async with serve(models(m=FaultyModel()), TRUTH) as server:
        _, whole, _ = await post(server.url, asked)
        *lines, _ = await events(server.url, {**asked, "stream": True})
    call = whole["choices"][0]["message"]["tool_calls"][0]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("Total", {"value": 7})
    assert whole["choices"][0]["finish_reason"] == "tool_calls"
    deltas = [json.loads(line)["choices"][0]["delta"].get("tool_calls") for line in lines]
    pieces = "".join(delta[0]["function"]["arguments"] for delta in deltas if delta)
    assert json.loads(pieces) == {"value": 7}


async def test_a_case_with_tool_calls_makes_them_before_it_answers():
    gold = Gold(1, {"value": 7}, calls=(("find", {"vendor": "ACME"}),))
    tools = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]
    async with serve(models(m=FaultyModel()), lambda _: gold) as server:
        asked = body(tools=tools)
        _, first, _ = await post(server.url, asked)
        message = first["choices"][0]["message"]
        answered = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "found"}
        _, second, _ = await post(server.url, {**asked, "messages": [*asked["messages"], message, answered]})
    assert message["tool_calls"][0]["function"]["name"] == "find"
    assert json.loads(second["choices"][0]["message"]["content"]) == {"value": 7}


@pytest.mark.parametrize("told", ["format", "prompt"])
async def test_the_asked_form_is_known_from_the_format_or_from_the_prompt(told):
    asked = body()
    if told == "format":
        asked["response_format"] = {"type": "json_schema", "json_schema": {"name": "Total", "schema": SCHEMA}}
    else:
        system = f"Answer with {{}} or one object of this schema:\n{json.dumps(SCHEMA)}\nNothing else."
        asked["messages"] = [{"role": "system", "content": system}, *asked["messages"]]
    seen = []
    async with serve(models(m=FaultyModel()), lambda request: seen.append(request) or Gold(1, {})) as server:
        await post(server.url, asked)
    assert (seen[0].form, seen[0].schema) == ("Total", SCHEMA)


async def test_the_same_prompt_repeats_its_answer_at_temperature_zero_alone():
    async with serve(models(m=FaultyModel(error=1, wrong_values=1000)), TRUTH) as server:

        async def said(**more: Any) -> str:
            return (await post(server.url, body(**more)))[1]["choices"][0]["message"]["content"]

        assert len({await said() for _ in range(8)}) == 1
        assert len({await said(temperature=1) for _ in range(8)}) > 4
        assert len({await said(temperature=1, seed=3) for _ in range(8)}) == 1


async def test_pictures_reach_the_truth_as_hashes():
    content = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
    ]
    seen = []
    async with serve(models(m=FaultyModel()), lambda request: seen.append(request) or Gold(1, {})) as server:
        await post(server.url, body(messages=[{"role": "user", "content": content}]))
    assert seen[0].text == "what is it?"
    assert seen[0].images == ("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",)


async def test_a_busy_model_says_when_to_come_again():
    async with serve(models(m=FaultyModel(wire=WireFaults(rate_limited=1), retry_after=7)), TRUTH) as server:
        status, whole, headers = await post(server.url, body())
    assert (status, headers["Retry-After"], whole["error"]["code"]) == (429, "7", "rate_limit_exceeded")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("spec", [{"wire": {"cut": 1}}, {"episodes": [{"kind": "unreachable", "requests": [0, 9]}]}])
async def test_a_connection_can_end_in_the_middle(spec, stream):
    async with serve(models(m=FaultyModel.model_validate(spec)), TRUTH) as server:
        with pytest.raises(CUT_OFF):
            await events(server.url, body(stream=stream))


async def test_a_silent_model_ends_with_the_server():
    async with serve(models(m=FaultyModel(episodes=[Episode(kind="silent", requests=(0, 9))])), TRUTH) as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(server.url, body()), 0.05)


async def test_a_price_a_call_counts_one_token():
    async with serve(models(m=FaultyModel(price=Price(call=1))), TRUTH) as server:
        _, whole, _ = await post(server.url, body(max_tokens=1))
    assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (0, 1)
    assert whole["choices"][0]["finish_reason"] == "stop"


async def test_what_is_not_there_is_told_in_openais_form():
    async with serve(models(m=FaultyModel()), TRUTH) as server:
        assert (await post(server.url, body("x")))[0] == 404
        status, whole, _ = await post(server.url, body(messages=[{"role": "user", "content": "no marker"}]))
        assert (status, "knows no case" in whole["error"]["message"]) == (400, True)
        assert (await post(server.url, {"model": "m"}))[0] == 400


def test_a_server_in_a_thread_serves_callers_that_are_not_async():
    with serve_in_thread(models(m=FaultyModel(confidence=Confidence(auc=0.9))), TRUTH) as server:
        for _ in range(2):
            assert asyncio.run(post(server.url, body()))[0] == 200
        assert server.calls["m"]["sends"] == 2
        server.reset()
        assert server.calls["m"]["sends"] == 0


def test_a_faulty_toml_is_served_from_the_command_line(tmp_path: Path):
    (tmp_path / "faulty.toml").write_text('truth = "truth.jsonl"\n[models.m]\n', encoding="utf-8")
    lines = dump_lines([GoldLine(case="7", answer={"value": 7})])
    (tmp_path / "truth.jsonl").write_text(lines, encoding="utf-8")
    roles = tmp_path / "models.toml"
    command = [sys.executable, "-m", "agentflow.testing", tmp_path / "faulty.toml", "--port", "0", "--models", roles]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].strip()
            status, whole, _ = asyncio.run(post(url, body()))
        finally:
            process.terminate()
    assert (status, whole["choices"][0]["message"]["content"]) == (200, '{"value": 7}')
    assert f'api_base = "{url}"' in roles.read_text(encoding="utf-8")


def test_a_missing_truth_is_told(tmp_path: Path):
    (tmp_path / "faulty.toml").write_text("[models.m]\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "agentflow.testing", tmp_path / "faulty.toml"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, "give --truth" in done.stderr) == (1, True)

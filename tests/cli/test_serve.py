"""`agentflow serve` sells a pack over HTTP and ends what is under way when it is told to stop."""

import asyncio
import json
import signal
from pathlib import Path

from agentflow.client import Client
from tests.cli.processes import READING, agentflow, serving, up, working


async def test_a_pack_is_sold_over_http_and_a_stopping_server_finishes_what_it_has_begun(tmp_path: Path):
    key = agentflow("key", "new", "acme", cwd=tmp_path).stdout.strip()
    with serving(tmp_path, "--billing-file", "bill.jsonl") as (url, server):
        await up(url)
        async with Client(url, key) as api:
            done = await api.run("counting", given={"text": "four"})
            assert (done.status, done.result, done.billing) == ("finished", {"count": 4}, "charged")
            seen = [event.type async for event in api.events(done.id)]
            assert seen == ["job.queued", "job.started", "job.finished"]
            slow = await api.submit("counting", given={"text": "slow", "seconds": 1.0})
            async for event in api.events(slow.id):
                if event.type == "job.started":
                    break
            waiting = asyncio.create_task(api.wait(slow.id, 30))
            await asyncio.sleep(0.2)
            server.send_signal(signal.SIGTERM)
            assert (await waiting).status == "finished"
        assert await asyncio.to_thread(server.wait, 30) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("route") == "/v1/jobs"] == [202, 202]
    accepted = [line for line in lines if line["message"] == "job accepted"]
    assert [line["job"] for line in accepted] == [done.id, slow.id]
    requests = {line["request_id"]: line for line in lines if line["message"] == "request"}
    assert [requests[line["request_id"]]["route"] for line in accepted] == ["/v1/jobs", "/v1/jobs"]
    told = [(line["message"], line.get("status")) for line in lines if line.get("job") == done.id]
    assert [one for one in told if one[0].startswith("job ")] == [
        ("job accepted", None),
        ("job begun", None),
        ("job rests", "finished"),
    ]
    assert key not in (tmp_path / "log").read_text()
    assert json.loads((tmp_path / "bill.jsonl").read_text().splitlines()[0])["data"]["amount_minor"] == 10


def test_keys_are_listed_without_their_secrets_and_revoked(tmp_path: Path):
    key = agentflow("key", "new", "acme", "--name", "shop", "--scope", "jobs:read", cwd=tmp_path).stdout.strip()
    listed = agentflow("key", "list", cwd=tmp_path).stdout
    name = key.split("_")[2]
    assert f"{name}  live  acme  in force  shop  jobs:read" in listed
    assert key[30:60] not in listed
    agentflow("key", "revoke", name, cwd=tmp_path)
    assert "revoked" in agentflow("key", "list", cwd=tmp_path).stdout


async def test_a_server_and_a_worker_keep_documents_in_one_place_by_default(tmp_path: Path):
    key = agentflow("key", "new", "acme", cwd=tmp_path).stdout.strip()
    (tmp_path / "letter.txt").write_text("one two three")
    with serving(tmp_path, "--no-work", pack=READING) as (url, _), working(tmp_path, pack=READING):
        await up(url)
        async with Client(url, key) as api:
            done = await api.run("reading", file=tmp_path / "letter.txt")
    assert (done.status, done.result) == ("finished", {"words": 3})
    kept = [path.relative_to(tmp_path) for path in (tmp_path / "out").rglob("*/documents/*/*")]
    assert [path.parts[:3] for path in kept] == [("out", "server", "documents")]


async def test_documents_lie_where_both_are_told(tmp_path: Path):
    key = agentflow("key", "new", "acme", cwd=tmp_path).stdout.strip()
    (tmp_path / "letter.txt").write_text("one two three")
    there = ("--documents", (tmp_path / "elsewhere").as_uri())
    with serving(tmp_path, "--no-work", *there, pack=READING) as (url, _), working(tmp_path, *there, pack=READING):
        await up(url)
        async with Client(url, key) as api:
            assert (await api.run("reading", file=tmp_path / "letter.txt")).status == "finished"
    assert len(list((tmp_path / "elsewhere").glob("*/*"))) == 1
    assert not (tmp_path / "out/server/documents").exists()

"""Too much is told when to come back: 429 where it is the caller's own doing, 503 where it is not."""

import asyncio
import re
import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from agentflow.connectors import sql
from agentflow.errors import StoreError
from agentflow.jobs.journal import unbroken
from agentflow.web import room
from agentflow.web.limits import Limits
from tests.web.served import once, order, serving


async def test_asking_too_often_is_told_when_to_come_back(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(per_minute=3)) as served:
        client, other = await served.client(), await served.client("bolt")
        answers = [await client.get("/v1/jobs") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"perkey";q=3;w=60, "atonce";q=128;qu="concurrent-requests"'
        assert answers[3].json()["retryable"] is True
        assert answers[0].headers["ratelimit"].startswith('"perkey";r=2;t=')
        said = re.search(r'"perkey";r=0;t=(\d+)', answers[3].headers["ratelimit"])
        assert said
        assert int(answers[3].headers["retry-after"]) >= int(said[1]) >= 1
        assert (await other.get("/v1/jobs")).status_code == 200


async def test_where_too_much_is_under_way_new_requests_are_sent_away(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(at_once=1)) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        long_one = asyncio.create_task(client.get(f"/v1/jobs/{job}", headers={"Prefer": "wait=2"}))
        await asyncio.sleep(0.2)
        busy = await client.get("/v1/jobs")
        assert (busy.status_code, busy.json()["code"]) == (503, "temporary-reduced-capacity")
        assert busy.headers["retry-after"] == "1"
        assert (await served.bare().get("/healthz")).status_code == 200
        assert (await long_one).status_code == 200


async def test_where_too_many_jobs_wait_new_ones_are_sent_away(tmp_path: Path):
    async with serving(tmp_path, work=False, most_waiting=1) as served:
        client = await served.client()
        assert (await client.post("/v1/jobs", json=order(["1"]), headers=once("1"))).status_code == 202
        full = await client.post("/v1/jobs", json=order(["2"]), headers=once("2"))
        assert (full.status_code, full.headers["retry-after"]) == (503, "5")


async def test_one_key_cannot_take_all_the_places(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(at_once_per_key=1)) as served:
        client, other = await served.client(), await served.client("bolt")
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        long_one = asyncio.create_task(client.get(f"/v1/jobs/{job}", headers={"Prefer": "wait=2"}))
        await asyncio.sleep(0.2)
        busy = await client.get("/v1/jobs")
        assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (429, "quota-exceeded", "1")
        assert busy.headers["ratelimit"].endswith('"atonce";r=0')
        assert (await other.get("/v1/jobs")).status_code == 200
        assert (await long_one).status_code == 200
        assert (await client.get("/v1/jobs")).status_code == 200


async def test_a_tenant_whose_jobs_wait_is_sent_away_and_no_other(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False, limits=Limits(waiting_per_tenant=2)) as served:
        client, other = await served.client(), await served.client("bolt")
        answers = [await client.post("/v1/jobs", json=order([n]), headers=once(n)) for n in "123"]
        assert [a.status_code for a in answers] == [202, 202, 429]
        assert (answers[2].json()["code"], answers[2].headers["retry-after"]) == ("quota-exceeded", "5")
        assert (await other.post("/v1/jobs", json=order(), headers=once())).status_code == 202


async def test_there_is_room_again_as_soon_as_jobs_are_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "FRESH_WHEN_FULL", 0.0)
    async with serving(tmp_path, work=False, limits=Limits(waiting_per_tenant=1)) as served:
        client = await served.client()
        first = (await client.post("/v1/jobs", json=order(["1"]), headers=once("1"))).json()["id"]
        assert (await client.post("/v1/jobs", json=order(["2"]), headers=once("2"))).status_code == 429
        await served.af.run(first)
        assert (await client.post("/v1/jobs", json=order(["2"]), headers=once("2"))).status_code == 202


async def test_a_count_is_reckoned_on_and_not_looked_up_for_each_job():
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        return 0

    reckoned = room.Reckoned(look, 100)
    for _ in range(50):
        assert not await reckoned.full()
        reckoned.found += 1
    assert (looks, reckoned.found) == (1, 50)


async def test_a_database_that_is_busy_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "WAIT", 0.1)
    async with serving(tmp_path, work=False, tell=False) as served:
        client = await served.client()
        await ended_first(client)
        writer = sqlite3.connect(tmp_path / "agentflow.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        answers = [
            await client.post("/v1/jobs", json=order(["2"]), headers=once("2")),
            await client.post("/v1/files", files={"file": ("a.txt", b"x")}, headers=once("f")),
        ]
        writer.execute("ROLLBACK")
        writer.close()
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (503, "temporary-reduced-capacity")
            assert (answer.headers["retry-after"], answer.json()["retryable"]) == ("2", True)
        assert (await client.post("/v1/jobs", json=order(["2"]), headers=once("2"))).status_code == 202


async def ended_first(client) -> None:
    assert (await client.post("/v1/jobs", json=order(["1"]), headers=once("1"))).status_code == 202


async def test_a_database_that_is_away_is_told_as_such_on_every_route(tmp_path: Path, postgres: str):
    server, _, query = postgres.partition("?")
    name = server.rpartition("/")[2]
    admin = f"{server.rpartition('/')[0]}/postgres" + (f"?{query}" if query else "")
    async with serving(tmp_path, postgres, work=False, tell=False) as served:
        client = await served.client()
        await ended_first(client)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            answers = [
                await client.get("/v1/jobs"),
                await client.post("/v1/jobs", json=order(["2"]), headers=once("2")),
                await client.get("/v1/prices"),
                await client.get("/v1/usage"),
                await client.get("/v1/reviews"),
                await served.bare().get("/readyz"),
            ]
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(503, "temporary-reduced-capacity")] * 6
        assert all(int(a.headers["retry-after"]) >= 1 for a in answers)
        assert (await client.post("/v1/jobs", json=order(["2"]), headers=once("2"))).status_code == 202


async def test_where_no_connection_is_free_the_database_counts_as_busy(tmp_path: Path):
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'x.db'}",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.05,
    )
    async with engine.connect() as held:
        await held.execute(text("SELECT 1"))
        with pytest.raises(StoreError, match="none of its connections is free"):
            async with unbroken(AsyncSession(engine)) as session:
                await session.execute(text("SELECT 1"))
    await engine.dispose()

"""What lies just past what can be asked: each is refused in the one form, on both databases, and costs little."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agentflow.jobs.api_tables import ApiKey
from agentflow.jobs.ids import now
from agentflow.jobs.keys import OPERATOR, SCOPES
from agentflow.web.api import events
from agentflow.web.limits import Limits
from tests.web.served import once, order, serving

TIMED = ("/v1/jobs", "/v1/usage", "/v1/admin/margins")
PAST = {"created[gte]": "0001-01-01T00:00:00+23:59", "created[lt]": "9999-12-31T23:59:59-23:59"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
JSON = {"Content-Type": "application/json"}
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'


@pytest.mark.parametrize("path", TIMED)
@pytest.mark.parametrize("name", PAST)
async def test_a_time_that_has_none_in_utc_is_refused(tmp_path: Path, path: str, name: str):
    async with serving(tmp_path, work=False) as served:
        client = await served.client("acme", [*SCOPES, *OPERATOR])
        refused = await client.get(path, params={name: PAST[name]})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_a_nul_in_the_query_reaches_no_database(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client()
        for path in ("/v1/jobs?pack=%00", "/v1/reviews?pack=a%00b", "/v1/jobs?%00"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), path


async def test_a_body_of_a_files_size_is_taken_where_files_are_and_nowhere_else(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(json_bytes=1_000)) as served:
        client = await served.client()
        long = PART + b"x" * 2_000 + b"\r\n--b--\r\n"
        refused = await client.post("/v1/jobs", content=long, headers=once(**FORM))
        assert (refused.status_code, refused.json()["code"]) == (413, "too-large")
        assert (await client.post("/v1/files", content=long, headers=once(**FORM))).status_code == 201


async def halting(begun: bytes) -> AsyncGenerator[bytes]:
    """A body that never ends."""
    yield begun
    await asyncio.Event().wait()


@pytest.mark.parametrize(("path", "kind"), [("/v1/files", FORM), ("/v1/jobs", JSON)])
async def test_a_body_that_does_not_arrive_in_time_gives_its_place_back(
    tmp_path: Path, path: str, kind: dict[str, str]
):
    limits = Limits(json_seconds=0.1, file_seconds=0.1)
    async with serving(tmp_path, work=False, limits=limits) as served, asyncio.timeout(20):
        client = await served.client()
        refused = await client.post(path, content=halting(PART), headers=once(**kind))
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed")


async def test_who_guesses_keys_shuts_nobody_out_who_has_one(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(wrong_keys=2)) as served:
        client, nobody = await served.client(), served.bare()
        assert [(await nobody.get("/v1/jobs")).status_code for _ in range(4)] == [401, 401, 429, 429]
        assert (await client.post("/v1/jobs", json=order(), headers=once())).status_code == 202


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_stream_ends_soon_after_its_key_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str):
    monkeypatch.setattr(events, "LOCKED", 0.05)
    async with serving(tmp_path, work=False) as served, asyncio.timeout(20):
        key = await served.key("acme")
        client = served.bare(key)
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        stream = asyncio.create_task(client.get(f"/v1/jobs/{job}/events", headers={"Accept": "text/event-stream"}))
        await asyncio.sleep(0.2)
        assert not stream.done()
        async with served.af.store.writing() as session:
            row = await session.get_one(ApiKey, key.split("_")[2])
            row.revoked_at, row.expires_at = (now(), None) if how == "revoked" else (None, now())
        assert "event: job.queued" in (await stream).text

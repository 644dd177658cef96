"""What was erased is answered as gone; what it was charged, and the proof, is still told."""

from pathlib import Path

from agentflow.engine.checkpoints import open_checkpoints
from agentflow.jobs.leftovers import sweep
from agentflow.jobs.purge import Scope, purge
from tests.web.served import Served, ended, once, serving


async def erase(served: Served, tenant: str) -> None:
    savers = await open_checkpoints(served.af.database, served.af.store)
    await purge(served.af.store, savers, Scope(tenant))
    await sweep(served.af.store, savers, [served.af.documents])


async def test_an_erased_result_is_gone_and_its_bill_stays(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        sent = await client.post("/v1/files", files={"file": ("a.txt", b"one two three")}, headers=once())
        order = {"pack": "reading", "file_id": sent.json()["id"], "reference": "letter 7", "metadata": {"po": "7"}}
        job = await ended(client, order)
        assert (await client.get(f"/v1/jobs/{job['id']}/result")).status_code == 200
        await erase(served, "acme")
        gone = await client.get(f"/v1/jobs/{job['id']}/result")
        assert (gone.status_code, gone.json()["code"], gone.headers["content-type"]) == (
            410,
            "gone",
            "application/problem+json",
        )
        shown = (await client.get(f"/v1/jobs/{job['id']}")).json()
        assert (shown["status"], shown["outcome"], shown["result"], shown["metadata"]) == ("finished", "Read", None, {})
        assert (shown["reference"], shown["erased_at"] is None) == (f"erased {job['id']}", False)
        assert shown["billing"]["amount"]["amount_minor"] == 10
        assert (await client.get(f"/v1/jobs/{job['id']}/verification")).json()["verdict"] == "pass"
        assert (await client.get("/v1/statements/current")).json()["total"]["amount_minor"] == 10
        assert (await client.get(f"/v1/files/{sent.json()['id']}")).status_code == 404
        assert await served.faults() == []


async def test_what_another_tenant_has_sent_too_is_still_there_for_it(tmp_path: Path):
    async with serving(tmp_path) as served:
        mine, theirs = await served.client(), await served.client("other")
        for client in (mine, theirs):
            sent = await client.post("/v1/files", files={"file": ("a.txt", b"one two three")}, headers=once())
        await erase(served, "acme")
        assert (await theirs.get(f"/v1/files/{sent.json()['id']}/content")).text == "one two three"

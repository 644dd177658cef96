"""Jobs over HTTP: submitted once, looked at, listed, canceled; only verified outcomes are charged."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from agentflow.errors import LeaseLost
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.tables import SpendAccount
from agentflow.jobs.tables import Job
from tests.jobs.ledger.books import PRICE, pack
from tests.web.served import Served, ended, once, order, serving


async def count(served: Served) -> int:
    async with served.af.store.looking() as session:
        return await session.scalar(select(func.count()).select_from(Job)) or 0


async def cap(served: Served, minor: int, tenant: str = "acme") -> None:
    await served.af.terms(served.af.pack("toy"), tenant)
    async with served.af.store.writing() as session:
        await session.execute(update(SpendAccount).where(SpendAccount.tenant_id == tenant).values(cap_minor=minor))


async def test_a_job_is_accepted_done_and_charged(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        accepted = await client.post("/v1/jobs", json=order(metadata={"po": "7"}), headers=once())
        job = accepted.json()
        assert (accepted.status_code, accepted.headers["location"]) == (202, f"/v1/jobs/{job['id']}")
        assert job["billing"]["amount"] == {"amount_minor": PRICE, "currency": "USD"}
        done = (await client.get(f"/v1/jobs/{job['id']}", headers={"Prefer": "wait=20"})).json()
        assert (done["status"], done["outcome"], done["billing"]["state"]) == ("finished", "Posted", "charged")
        assert done["result"]["accounts"] == ["a/1"]
        assert done["metadata"] == {"po": "7"}
        proof = (await client.get(f"/v1/jobs/{job['id']}/verification")).json()
        assert (proof["verdict"], proof["job"]) == ("pass", job["id"])
        checked = {(one["step"], one["item"]): [each["check"] for each in one["checks"]] for one in proof["checks"]}
        assert checked == {
            ("split", None): [],
            ("code", 0): ["no_bad_account"],
            ("book", None): [],
            ("post", None): [],
        }
        assert all(len(proof[name]) == 64 for name in ("definition", "input_sha256", "output_sha256", "records_sha256"))
        assert await served.faults() == []


async def test_a_file_is_sent_and_read(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        sent = await client.post("/v1/files", files={"file": ("../../a.txt", b"one two three")}, headers=once())
        assert sent.status_code == 201, sent.text
        assert (sent.json()["name"], sent.json()["media_type"], sent.json()["bytes"]) == ("a.txt", "text/plain", 13)
        done = await ended(client, {"pack": "reading", "file_id": sent.json()["id"]})
        assert done["result"] == {"words": 3}


async def test_the_same_request_again_is_the_same_job(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        first = await client.post("/v1/jobs", json=order(), headers=once())
        again = await client.post("/v1/jobs", json=order(), headers=once())
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["idempotent-replayed"] == "true"
        assert await count(served) == 1


async def test_a_hundred_requests_at_once_under_one_key_are_one_job(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        answers = await asyncio.gather(*(client.post("/v1/jobs", json=order(), headers=once()) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert await count(served) == 1


async def test_a_key_that_came_with_another_body_is_refused_and_another_tenant_has_its_own(tmp_path: Path):
    async with serving(tmp_path) as served:
        client, other = await served.client("acme"), await served.client("bolt")
        await client.post("/v1/jobs", json=order(), headers=once())
        changed = await client.post("/v1/jobs", json=order(["b"]), headers=once())
        assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")
        assert (await other.post("/v1/jobs", json=order(["b"]), headers=once())).status_code == 202
        assert await count(served) == 2


async def test_the_same_content_is_done_and_charged_once_whatever_the_key(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        first = await ended(client, order(), "k1")
        again = await ended(client, order(), "k2")
        assert again["duplicate_of"] == first["id"] == again["id"]
        assert first["duplicate_of"] is None
        assert (await ended(client, order(reference="another"), "k3"))["id"] != first["id"]


async def test_a_job_that_may_cost_more_than_allowed_is_not_accepted(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        price = {"amount_minor": PRICE - 1, "currency": "USD"}
        refused = await client.post("/v1/jobs", json=order(max_price=price), headers=once())
        assert (refused.status_code, refused.json()["code"]) == (409, "price-changed")
        assert await count(served) == 0


async def test_of_jobs_at_once_only_as_many_are_accepted_as_the_cap_allows(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        await cap(served, PRICE + PRICE - 1)
        client = await served.client()
        answers = await asyncio.gather(
            *(client.post("/v1/jobs", json=order([str(n)]), headers=once(str(n))) for n in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [202] + [402] * 7
        refused = next(answer for answer in answers if answer.status_code == 402)
        assert refused.json()["code"] == "spend-cap-reached"
        assert await served.faults() == []


async def test_a_request_that_was_refused_for_its_cap_goes_through_under_its_key_later(tmp_path: Path):
    async with serving(tmp_path) as served:
        await cap(served, 0)
        client = await served.client()
        assert (await client.post("/v1/jobs", json=order(), headers=once())).status_code == 402
        await cap(served, 1000)
        assert (await client.post("/v1/jobs", json=order(), headers=once())).status_code == 202


async def test_a_canceled_job_is_free_and_stays_canceled(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        canceled = await client.post(f"/v1/jobs/{job}/cancel")
        assert (canceled.status_code, canceled.json()["status"]) == (202, "canceled")
        assert canceled.json()["billing"]["state"] == "released"
        again = await client.post(f"/v1/jobs/{job}/cancel")
        assert (again.status_code, again.json()["code"]) == (409, "job-terminal")
        await served.af.run(job)
        assert (await client.get(f"/v1/jobs/{job}")).json()["status"] == "canceled"
        renewed = await client.post("/v1/jobs", json=order(), headers=once("k2"))
        assert renewed.json()["id"] != job
        assert await served.faults() == []


async def test_a_job_that_is_canceled_while_it_runs_writes_nothing_more(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        fence = await served.af.store.begin(job, since=("queued",), terms="none")
        assert (await client.post(f"/v1/jobs/{job}/cancel")).status_code == 202
        with pytest.raises(LeaseLost):
            await served.af.store.journal(job, fence).begin_effect("key", "post")
        assert await served.faults() == []


async def test_what_an_earlier_process_left_is_done_at_the_next_start(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
    async with serving(tmp_path, database) as served:
        assert (await served.af.wait(job, "acme", 20)).status == "finished"


async def test_a_job_that_has_not_changed_is_not_sent_again(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        job = await ended(client, order())
        seen = await client.get(f"/v1/jobs/{job['id']}")
        again = await client.get(f"/v1/jobs/{job['id']}", headers={"If-None-Match": seen.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_an_open_job_says_when_to_come_back_and_has_no_result_yet(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        assert int((await client.get(f"/v1/jobs/{job}")).headers["retry-after"]) > 0
        for part in ("result", "verification"):
            early = await client.get(f"/v1/jobs/{job}/{part}")
            assert (early.status_code, early.json()["code"]) == (409, "not-ready")


async def test_a_list_is_paged_without_gaps_or_repeats_while_it_grows(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client()
        for n in range(5):
            await client.post("/v1/jobs", json=order([str(n)]), headers=once(str(n)))
        first = (await client.get("/v1/jobs?limit=2&status=queued")).json()
        await client.post("/v1/jobs", json=order(["new"]), headers=once("new"))
        seen, cursor = [job["id"] for job in first["data"]], first["next_cursor"]
        while cursor:
            page = (await client.get("/v1/jobs", params={"limit": 2, "cursor": cursor})).json()
            seen, cursor = [*seen, *(job["id"] for job in page["data"])], page["next_cursor"]
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)
        assert (await client.get("/v1/jobs", params={"cursor": "nonsense"})).status_code == 422
        assert (await client.get("/v1/jobs", params={"created[gte]": "2100-01-01T00:00:00Z"})).json()["data"] == []


async def test_a_failed_job_is_free_and_says_nothing_of_the_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object, **__: object) -> None:
        raise OSError("secret-canary in /etc")

    async with serving(tmp_path) as served:
        monkeypatch.setattr(served.af._runners["toy"]._graph, "start", broken)
        job = await ended(await served.client(), order())
        assert (job["status"], job["billing"]["state"], job["billing"]["reason"]) == ("failed", "released", "failed")
        assert "canary" not in str(job)
        assert await served.faults() == []


async def test_the_server_is_alive_and_ready_until_its_database_is_gone(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = served.bare()
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        served.app.state.stopping = True
        assert (await client.get("/readyz")).status_code == 503


async def test_every_answer_has_an_id_of_its_own(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = served.bare()
        ids = [(await client.get(path)).headers["request-id"] for path in ("/healthz", "/none", "/v1/jobs")]
        assert len(set(ids)) == 3
        assert (await client.get("/none")).json()["instance"].startswith("urn:agentflow:request:req_")


async def test_a_job_cannot_be_another_tenants_parent(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client("acme")
        await served.key("bolt")
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            async with served.af.store.writing() as session:
                await session.execute(
                    text(
                        "INSERT INTO outbox (id, tenant_id, topic, source_id, payload, created_at, job_id, number) "
                        "VALUES ('e', 'bolt', 't', 's', '{}', '2026-01-01', :job, 9)"
                    ),
                    {"job": job},
                )


@pytest.mark.parametrize(
    ("header", "field", "seconds"),
    [("10m", None, 600), (None, 90, 90), ("2h", 60, 60), ("30", 60, 30), ("1d", None, 86400)],
)
async def test_a_deadline_is_given_by_header_or_body_and_the_sooner_counts(
    tmp_path: Path, header: str | None, field: int | None, seconds: int
):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        headers = once(**({"Cancel-After": header} if header else {}))
        given = await client.post("/v1/jobs", json=order(**({"deadline_s": field} if field else {})), headers=headers)
        job = given.json()
        took = datetime.fromisoformat(job["deadline_at"]) - datetime.fromisoformat(job["created_at"])
        assert took.total_seconds() == seconds
        wrong = await client.post("/v1/jobs", json=order(), headers=once("k2", **{"Cancel-After": "soon"}))
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "header:Cancel-After")


async def test_an_overdue_job_is_shown_as_expired_and_free(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False, tell=True) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(deadline_s=60), headers=once())).json()["id"]
        async with served.af.store.writing() as session:
            await session.execute(update(Job).values(deadline_at=Job.created_at))
        done = (await client.get(f"/v1/jobs/{job}", headers={"Prefer": "wait=20"})).json()
        assert (done["status"], done["billing"]["state"], done["billing"]["reason"]) == (
            "expired",
            "released",
            "deadline",
        )
        assert (await client.post(f"/v1/jobs/{job}/cancel")).json()["code"] == "job-terminal"
        again = await client.post("/v1/jobs", json=order(), headers=once("k2"))
        assert (again.json()["duplicate_of"], again.json()["id"] == job) == (None, False)
        assert await served.faults() == []


async def test_a_job_that_would_cost_us_too_much_says_so_and_is_free(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        await served.af.store.fail(job, problems=[{"code": "budget"}])
        shown = (await client.get(f"/v1/jobs/{job}")).json()
        assert (shown["error"]["code"], shown["billing"]["reason"]) == ("budget", "budget")


@pytest.mark.parametrize(("days", "version", "same"), [(29, "1", True), (31, "1", False), (1, "2", False)])
async def test_a_finished_job_is_what_the_same_order_gets_for_a_while_and_of_the_same_version(
    tmp_path: Path, database: str, days: int, version: str, same: bool
):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        job = (await ended(client, order()))["id"]
    packs = [replace(pack(), version=version)]
    async with serving(tmp_path, database, packs=packs) as served:
        client = await served.client()
        async with served.af.store.writing() as session:
            await session.execute(update(Job).values(created_at=now() - timedelta(days=days)))
        again = await ended(client, order(), "k2")
        assert (again["id"] == job, again["duplicate_of"] == job) == (same, same)
        [balance] = (await client.get("/v1/balance")).json()["data"]
        assert balance["charged"]["amount_minor"] == (PRICE if same else 2 * PRICE)
        assert await served.faults() == []


async def test_documents_may_lie_elsewhere_than_in_a_folder(tmp_path: Path):
    async with serving(tmp_path / "home", documents=f"memory://{tmp_path.name}") as served:
        client = await served.client()
        sent = (await client.post("/v1/files", files={"file": ("a.txt", b"one two")}, headers=once("f"))).json()
        done = await ended(client, {"pack": "reading", "file_id": sent["id"]})
        assert (done["status"], done["result"]) == ("finished", {"words": 2})
        assert (await client.get(f"/v1/files/{sent['id']}/content")).content == b"one two"
        assert not (tmp_path / "home" / "documents").exists()

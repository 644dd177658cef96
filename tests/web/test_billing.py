"""Money over HTTP: what was charged and why, disputes, and statements that never change."""

import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from agentflow.flow.journal import CostLine
from agentflow.jobs.ids import now
from agentflow.jobs.keys import OPERATOR, SCOPES
from agentflow.jobs.ledger import giving, statements
from tests.jobs.ledger.books import LESS, PRICE
from tests.web.served import Served, ended, once, order, serving


async def close(served: Served) -> str:
    async with served.af.store.writing() as session:
        closed = await session.run_sync(statements.close, "acme", "USD", now() + timedelta(seconds=1))
        assert closed is not None
        return closed.id


async def test_prices_usage_balance_and_transfers_say_the_same(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        prices = {p["pack"]: p["outcomes"] for p in (await client.get("/v1/prices")).json()["data"]}
        assert prices["toy"] == {
            "Posted": {"amount_minor": PRICE, "currency": "USD"},
            "Refused": {"amount_minor": LESS, "currency": "USD"},
        }
        await ended(client, order(["a"]), "1")
        await ended(client, order(["b"]), "2")
        waiting = await ended(client, order(["?"]), "3")
        usage = (await client.get("/v1/usage")).json()["data"]
        billed = {(u["status"], u["outcome"]): (u["jobs"], u["charged"]["amount_minor"]) for u in usage}
        assert billed == {("finished", "Posted"): (2, 2 * PRICE), ("awaiting_review", None): (1, 0)}
        [balance] = (await client.get("/v1/balance")).json()["data"]
        assert balance["charged"]["amount_minor"] == balance["not_stated"]["amount_minor"] == 2 * PRICE
        assert balance["reserved"]["amount_minor"] == PRICE
        moved = (await client.get("/v1/ledger/transfers")).json()["data"]
        assert [(t["debit_account"], t["amount"]["amount_minor"]) for t in moved] == [("receivable", PRICE)] * 2
        canceled = await client.post(f"/v1/jobs/{waiting['id']}/cancel")
        assert canceled.json()["billing"]["reason"] == "canceled"
        free = [u for u in (await client.get("/v1/usage")).json()["data"] if u["free_for"]]
        assert [(u["status"], u["free_for"], u["charged"]["amount_minor"]) for u in free] == [
            ("canceled", "canceled", 0)
        ]


async def test_a_dispute_is_opened_once_and_accepted_is_given_back(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        job = (await ended(client, order()))["id"]
        given = {"reason": "wrong account", "fields": {"accounts/0": "b/1"}}
        opened = await client.post(f"/v1/jobs/{job}/disputes", json=given, headers=once("d"))
        assert (opened.status_code, opened.json()["state"]) == (201, "opened")
        again = await client.post(f"/v1/jobs/{job}/disputes", json=given, headers=once("e"))
        assert (again.status_code, again.json()["code"]) == (409, "dispute-open")
        assert (await client.get(f"/v1/jobs/{job}")).json()["billing"]["disputed"] is True
        async with served.af.store.writing() as session:
            await session.run_sync(giving.decide, opened.json()["id"], "accepted", "operator")
        assert (await client.get(opened.headers["location"])).json()["state"] == "accepted"
        billing = (await client.get(f"/v1/jobs/{job}")).json()["billing"]
        assert (billing["state"], billing["amount"]["amount_minor"]) == ("credited", 0)
        assert await served.faults() == []


async def test_a_dispute_can_be_taken_back_once(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        job = (await ended(client, order()))["id"]
        url = (await client.post(f"/v1/jobs/{job}/disputes", json={"reason": "x"}, headers=once("d"))).headers[
            "location"
        ]
        assert (await client.post(f"{url}/withdraw")).json()["state"] == "withdrawn"
        assert (await client.post(f"{url}/withdraw")).json()["code"] == "dispute-closed"
        assert [d["state"] for d in (await client.get("/v1/disputes")).json()["data"]] == ["withdrawn"]


async def test_nothing_charged_is_nothing_to_dispute(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        refused = await client.post(f"/v1/jobs/{job}/disputes", json={"reason": "x"}, headers=once())
        assert (refused.status_code, refused.json()["code"]) == (409, "not-charged")


async def test_a_closed_statement_stays_and_what_comes_later_is_on_the_next(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        await ended(client, order(["a"], reference="=cmd|' /C calc'!A0"), "1")
        draft = (await client.get("/v1/statements/current")).json()
        assert (draft["state"], draft["total"]["amount_minor"], len(draft["lines"])) == ("draft", PRICE, 1)
        first = await close(served)
        await ended(client, order(["b"]), "2")
        statement = (await client.get(f"/v1/statements/{first}")).json()
        assert (statement["state"], statement["total"]["amount_minor"]) == ("final", PRICE)
        assert (await client.get("/v1/statements/current")).json()["total"]["amount_minor"] == PRICE
        assert [s["id"] for s in (await client.get("/v1/statements")).json()["data"]] == [first]
        table = await client.get(f"/v1/statements/{first}.csv")
        assert "'=cmd" in table.text
        assert table.headers["content-type"].startswith("text/csv")
        page = await client.get(f"/v1/statements/{first}.html")
        assert "Statement 1" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_an_operator_sees_margins_and_a_tenant_does_not(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        await ended(client, order())
        assert (await client.get("/v1/admin/margins")).json()["code"] == "scope-missing"
        operator = await served.client("house", ["operator:read"])
        [line] = (await operator.get("/v1/admin/margins", params={"by": "tenant"})).json()["data"]
        assert (line["by"], line["charged"]) == ("acme", [{"amount_minor": PRICE, "currency": "USD"}])
        assert (line["margin_usd_micros"], line["no_margin_for"]) == (PRICE * 10_000, None)


async def test_an_operator_sees_every_call_of_a_model_once_and_a_tenant_none(tmp_path: Path, database: str):
    async with serving(tmp_path, database, work=False) as served:
        client, operator = await served.client(), await served.client("house", [*SCOPES, *OPERATOR])
        assert (await client.get("/v1/admin/cost-lines")).json()["code"] == "scope-missing"
        jobs = [
            (await one.post("/v1/jobs", json=order(), headers=once())).json()["id"]
            for one in (client, await served.client("bolt"))
        ]
        for job in jobs:
            for n in range(3):
                fault = "refused" if n else None
                line = CostLine(
                    call=uuid.uuid4().hex, step="read", role="small", model="m1", cost=Decimal("0.01"), fault=fault
                )
                await served.af.store.journal(job).spend(line)
        seen, cursor = [], None
        while True:
            asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await operator.get("/v1/admin/cost-lines", params=asked)).json()
            seen, cursor = [*seen, *page["data"]], page["next_cursor"]
            if not page["has_more"]:
                break
        assert len({one["call"] for one in seen}) == len(seen) == 6
        assert [one["job"] for one in seen] == [jobs[1]] * 3 + [jobs[0]] * 3
        assert {(one["tenant"], one["cost_usd_micros"]) for one in seen} == {("acme", 10_000), ("bolt", 10_000)}
        for name, value in (("job", jobs[0]), ("tenant", "acme"), ("pack", "toy")):
            found = (await operator.get("/v1/admin/cost-lines", params={name: value})).json()["data"]
            assert [one["job"] for one in found].count(jobs[0]) == 3, name
            assert len(found) == (6 if name == "pack" else 3), name
        assert (await operator.get("/v1/admin/cost-lines", params={"cursor": "nonsense"})).status_code == 422

"""Money over HTTP: what was charged and why, disputes, and statements that never change."""

from datetime import timedelta
from pathlib import Path

from agentflow.jobs.ids import now
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

"""Webhooks: signed, delivered at least once under one id, retried, logged, and never sent into the network here."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agentflow.errors import ConnectorError, RequestError
from agentflow.jobs.api_tables import Delivery
from agentflow.jobs.ledger import giving
from agentflow.jobs.telling import courier as courier_module
from agentflow.jobs.telling.addresses import Gate, is_public
from agentflow.jobs.telling.courier import Courier
from agentflow.jobs.telling.sending import Sender
from agentflow.jobs.telling.signing import new_secret, sign, verify
from agentflow.jobs.telling.sinks import BillingEvent, CloudEventsSink, JsonlSink
from tests.jobs.ledger.books import PRICE
from tests.web.receiver import receiving, status
from tests.web.served import Served, once, order, serving

HERE = Gate(private=True)
WORKS = {"work": False, "gate": HERE}


def courier(served: Served, *sinks, **more) -> Courier:
    return Courier(served.af.store, Sender(HERE, patience=1.0), sinks, **{"schedule": (0, 0.0, 0.0), **more})


async def endpoint(client, url: str, topics: Sequence[str] = ("job.queued",)) -> dict:
    body = {"url": url, "topics": list(topics)}
    made = await client.post("/v1/webhook-endpoints", json=body, headers=once(f"e{len(url)}"))
    assert made.status_code == 201, made.text
    return made.json()


async def submitted(client) -> None:
    assert (await client.post("/v1/jobs", json=order(), headers=once())).status_code == 202


async def test_an_event_is_sent_once_to_who_wants_it_and_is_signed(tmp_path: Path, database: str):
    async with serving(tmp_path, database, **WORKS) as served, receiving() as receiver:
        client, other = await served.client(), await served.client("bolt")
        made = await endpoint(client, receiver.url)
        await endpoint(other, receiver.url)
        await submitted(client)
        assert await courier(served).round() == 1
        assert await courier(served).round() == 0
        [(headers, body)] = receiver.got
        told = verify(made["secret"], headers, body)
        job = (await client.get("/v1/jobs")).json()["data"][0]["id"]
        assert (told["type"], told["data"]["id"], told["data"]["version"]) == ("job.queued", job, 1)
        [log] = (await client.get(f"/v1/webhook-endpoints/{made['id']}/deliveries")).json()["data"]
        assert (log["state"], [t["status"] for t in log["tries"]]) == ("delivered", [204])


async def test_a_tenant_with_more_to_be_told_than_fits_in_a_round_delays_no_other(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courier_module, "AT_ONCE", 2)
    async with serving(tmp_path, database, **WORKS) as served, receiving() as theirs, receiving() as receiver:
        busy, other = await served.client(), await served.client("bolt")
        flooded = await endpoint(busy, theirs.url, ["job.canceled"])
        for _ in range(5):
            await busy.post(f"/v1/webhook-endpoints/{flooded['id']}/test")
        await endpoint(other, receiver.url)
        await submitted(other)
        assert await courier(served).round() == 2
        assert (len(theirs.got), len(receiver.got)) == (1, 1)


async def test_a_tenant_with_more_events_than_are_looked_at_in_a_round_delays_no_other(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courier_module, "SPREAD", 2)
    async with serving(tmp_path, database, **WORKS) as served, receiving() as receiver:
        busy, other = await served.client(), await served.client("bolt")
        await endpoint(other, receiver.url)
        for n in range(5):
            await busy.post("/v1/jobs", json=order([str(n)]), headers=once(str(n)))
        await submitted(other)
        await courier(served).round()
        assert len(receiver.got) == 1


async def test_a_receiver_that_fails_is_tried_again_under_the_same_id(tmp_path: Path):
    answers = (status(500), status(302, "location: http://169.254.169.254/\r\n"), status(200))
    async with serving(tmp_path, **WORKS) as served, receiving(*answers) as receiver:
        client = await served.client()
        made = await endpoint(client, receiver.url)
        await submitted(client)
        for _ in range(3):
            await courier(served).round()
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        [log] = (await client.get(f"/v1/webhook-endpoints/{made['id']}/deliveries")).json()["data"]
        assert (log["state"], [t["status"] for t in log["tries"]]) == ("delivered", [500, 302, 200])
        again = await client.post(f"/v1/deliveries/{log['id']}/redeliver")
        assert again.status_code == 202
        await courier(served).round()
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        assert len(receiver.got) == 4


@pytest.mark.parametrize(("answer", "rounds", "why"), [(status(410), 1, "gone"), (status(500), 3, "no_answer")])
async def test_an_endpoint_that_is_gone_or_never_answers_is_disabled_until_asked(
    tmp_path: Path, answer: bytes, rounds: int, why: str
):
    async with serving(tmp_path, **WORKS) as served, receiving(answer) as receiver:
        client = await served.client()
        made = await endpoint(client, receiver.url)
        await submitted(client)
        for _ in range(rounds + 1):
            await courier(served).round()
        assert len(receiver.got) == rounds
        url = f"/v1/webhook-endpoints/{made['id']}"
        assert (await client.get(url)).json()["disabled_for"] == why
        assert (await client.patch(url, json={"enabled": True})).json()["enabled"] is True


async def test_a_receiver_that_asks_for_time_gets_it(tmp_path: Path):
    async with serving(tmp_path, **WORKS) as served, receiving(status(503, "retry-after: 120\r\n")) as receiver:
        client = await served.client()
        await endpoint(client, receiver.url)
        await submitted(client)
        await courier(served).round()
        assert await courier(served).round() == 0
        assert len(receiver.got) == 1


async def test_a_slow_or_endless_answer_ends(tmp_path: Path):
    endless = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * 200_000
    async with receiving(endless) as receiver:
        assert (await Sender(HERE, patience=2.0).post(receiver.url, b"{}", {})).status == 200
    async with receiving(b"HTTP/1.1 200 OK\r\n") as receiver:
        reply = await Sender(HERE, patience=0.3).post(receiver.url, b"{}", {})
        assert reply.status is None


async def test_a_rotated_secret_and_the_one_before_both_check(tmp_path: Path):
    async with serving(tmp_path, **WORKS) as served, receiving() as receiver:
        client = await served.client()
        made = await endpoint(client, receiver.url)
        url = f"/v1/webhook-endpoints/{made['id']}"
        renewed = (await client.post(f"{url}/rotate-secret")).json()["secret"]
        assert (await client.post(f"{url}/test")).status_code == 202
        await courier(served).round()
        [(headers, body)] = receiver.got
        for secret in (made["secret"], renewed):
            assert verify(secret, headers, body)["type"] == "endpoint.test"
        assert "secret" not in (await client.get(url)).json()


async def test_an_endpoint_that_is_removed_is_sent_nothing(tmp_path: Path, database: str):
    async with serving(tmp_path, database, **WORKS) as served, receiving() as receiver:
        client = await served.client()
        made = await endpoint(client, receiver.url)
        await submitted(client)
        async with served.af.store.writing() as session:
            await courier(served)._spread(session)
        assert (await client.delete(f"/v1/webhook-endpoints/{made['id']}")).status_code == 204
        assert await courier(served).round() == 0
        async with served.af.store.looking() as session:
            assert await session.scalar(select(func.count(Delivery.id))) == 0


INWARD = [
    "https://127.0.0.1/",
    "https://10.0.0.8/x",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://224.0.0.1/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://user@example.com/",
    "https://8.8.8.8:22/",
    "http://8.8.8.8/",
    "ftp://8.8.8.8/",
    "https://8.8.8.8/a b",
    "https://8.8.8.8\\@10.0.0.1/",
    "https://[nonsense/",
    "https://no-such-host.invalid/",
]


@pytest.mark.parametrize("url", INWARD)
async def test_a_url_that_leads_inward_is_refused_when_named_and_when_sent_to(tmp_path: Path, url: str):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        refused = await client.post("/v1/webhook-endpoints", json={"url": url}, headers=once())
        assert (refused.status_code, refused.json()["code"]) == (422, "unsafe-url")
    reply = await Sender(Gate(), patience=2.0).post(url, b"{}", {})
    assert (reply.status, reply.error) == (None, "unsafe-url")


async def test_a_name_that_changes_its_address_is_connected_to_only_where_it_was_checked():
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    gate = Gate(resolve=resolve)
    await gate.check("https://hooks.example/")
    reply = await Sender(gate, patience=2.0).post("https://hooks.example/", b"{}", {})
    assert (reply.status, reply.error) == (None, "unsafe-url")


async def test_one_inward_address_among_public_ones_is_enough_to_refuse():
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(RequestError, match="public network"):
        await Gate(resolve=resolve).check("https://hooks.example/")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_a_public_address_is_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers, body: (headers, body + b" "),
        lambda headers, body: ({**headers, "webhook-timestamp": "1"}, body),
        lambda headers, body: ({**headers, "webhook-timestamp": "99999999999"}, body),
        lambda headers, body: ({**headers, "webhook-signature": "v1"}, body),
        lambda headers, body: ({**headers, "webhook-signature": "v1,%%%"}, body),
        lambda headers, body: (headers, b"\xff\xfe"),
        lambda headers, body: ({}, body),
    ],
    ids=["body", "old", "future", "no-comma", "no-base64", "not-utf8", "no-headers"],
)
def test_a_message_that_is_not_signed_as_it_should_be_is_refused(spoil):
    secret, body = new_secret(), b'{"a":1}'
    headers = sign([secret], "ev_1", body)
    assert verify(secret, headers, body) == {"a": 1}
    with pytest.raises(RequestError) as refused:
        verify(secret, *spoil(headers, body))
    assert refused.value.code == "unauthorized"
    with pytest.raises(RequestError):
        verify(new_secret(), headers, body)


async def test_billing_systems_are_told_of_charges_and_credits(tmp_path: Path, database: str):
    async with serving(tmp_path / "s", database, **WORKS) as served, receiving() as receiver:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        await served.af.run(job)
        async with served.af.store.writing() as session:
            charge = await session.run_sync(giving.charge_of, "acme", job)
            await session.run_sync(giving.credit, charge, 10, "goodwill", "r1")
        told = courier(served, JsonlSink(tmp_path / "bill.jsonl"), CloudEventsSink(receiver.url))
        await told.round()
        lines = [json.loads(line) for line in (tmp_path / "bill.jsonl").read_text().splitlines()]
        assert {(line["type"], line["data"]["amount_minor"], line["tenant"]) for line in lines} == {
            ("charge.created", PRICE, "acme"),
            ("charge.credited", 10, "acme"),
        }
        events = {event["id"]: event for event in (json.loads(body) for _, body in receiver.got)}
        assert set(events) == {line["id"] for line in lines}
        assert {event["type"] for event in events.values()} == {
            "agentflow.charge.created",
            "agentflow.charge.credited",
        }


async def test_a_sink_that_fails_is_never_given_up(tmp_path: Path):
    class Broken:
        name = "broken"
        left = 4

        async def send(self, event: BillingEvent) -> None:
            self.left -= 1
            if self.left:
                raise ConnectorError("down")

    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        job = (await client.post("/v1/jobs", json=order(), headers=once())).json()["id"]
        await served.af.run(job)
        broken = Broken()
        told = courier(served, broken, schedule=(0, 0.0, 0.0, 0.0, 0.0))
        for _ in range(5):
            await told.round()
        assert broken.left == 0
        async with served.af.store.looking() as session:
            [row] = (await session.scalars(select(Delivery).where(Delivery.endpoint_id.is_(None)))).all()
        assert (row.state, len(row.tries)) == ("delivered", 4)

"""What must not be possible over HTTP, each as the answer it gets."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from agentflow.jobs.ids import now
from agentflow.jobs.keys import OPERATOR, SCOPES, revoke, well_formed
from agentflow.jobs.ledger import giving
from agentflow.jobs.logs import JsonLines
from agentflow.web.limits import Limits
from tests.web.served import LOCK, Served, ended, once, order, serving

UNKNOWN = {
    "job_id": "job_" + "0" * 32,
    "file_id": "file_" + "0" * 32,
    "dispute_id": "dp_" + "0" * 32,
    "statement_id": "st_" + "0" * 32,
    "endpoint_id": "whe_" + "0" * 32,
    "delivery_id": "dl_" + "0" * 32,
}
BODIES = {
    "/v1/jobs/{job_id}/disputes": {"reason": "x"},
    "/v1/reviews/{job_id}/answer": {"answer": "Booked", "value": {"accounts": []}},
    "/v1/reviews/{job_id}/heartbeat": {"lease": 1},
    "/v1/reviews/{job_id}/release": {"lease": 1},
    "/v1/webhook-endpoints/{endpoint_id}": {"enabled": True},
}


def owned(served: Served) -> list[tuple[str, str]]:
    """Every operation of the API that names something of a tenant's, from the OpenAPI document."""
    paths = served.app.openapi()["paths"]
    return [(verb, path) for path, verbs in paths.items() for verb in verbs if "{" in path and "/admin/" not in path]


async def things(served: Served) -> dict[str, str]:
    """An id of each kind that belongs to acme."""
    client = await served.client("acme")
    sent = await client.post("/v1/files", files={"file": ("a.txt", b"x")}, headers=once("f"))
    job = (await ended(client, order()))["id"]
    dispute = await client.post(f"/v1/jobs/{job}/disputes", json={"reason": "x"}, headers=once("d"))
    hook = {"url": "http://127.0.0.1:9/"}
    endpoint = (await client.post("/v1/webhook-endpoints", json=hook, headers=once("e"))).json()["id"]
    delivery = (await client.post(f"/v1/webhook-endpoints/{endpoint}/test")).json()["id"]
    async with served.af.store.writing() as session:
        statement = await giving_statement(session)
    return {
        "job_id": job,
        "file_id": sent.json()["id"],
        "dispute_id": dispute.json()["id"],
        "statement_id": statement,
        "endpoint_id": endpoint,
        "delivery_id": delivery,
    }


async def giving_statement(session) -> str:
    from agentflow.jobs.ledger.statements import close

    closed = await session.run_sync(close, "acme", "USD", now())
    assert closed is not None
    return closed.id


def same(answer) -> tuple[int, dict]:
    return answer.status_code, {k: v for k, v in answer.json().items() if k != "instance"}


async def test_what_is_another_tenants_is_answered_as_what_is_not_there_on_every_route(tmp_path: Path):
    from agentflow.jobs.telling.addresses import Gate

    async with serving(tmp_path, gate=Gate(private=True)) as served:
        theirs = await things(served)
        other = await served.client("bolt")
        tried = 0
        for verb, path in owned(served):
            for_body = {"json": BODIES.get(path)} if path in BODIES else {}
            headers = once(f"{verb}{path}", **{"If-Match": "*"})
            asked = await other.request(verb, path.format(**theirs), headers=headers, **for_body)
            nothing = await other.request(verb, path.format(**UNKNOWN), headers=headers, **for_body)
            assert same(asked) == same(nothing), (verb, path)
            assert asked.status_code == 404, (verb, path)
            tried += 1
        assert tried >= 20
        assert await served.faults() == []


@pytest.mark.parametrize("field", ["tenant_id", "price_minor", "status", "cost", "livemode"])
async def test_a_body_with_a_field_that_is_not_the_callers_is_refused(tmp_path: Path, field: str):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        refused = await client.post("/v1/jobs", json=order(**{field: "secret-canary"}), headers=once())
        assert (refused.status_code, refused.json()["errors"]) == (
            422,
            [{"pointer": f"/{field}", "code": "extra_forbidden"}],
        )
        assert "canary" not in refused.text


async def test_a_key_does_what_its_scopes_say_and_no_more_and_the_log_tells_who_tried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, logger="agentflow")
    async with serving(tmp_path, work=False) as served:
        reader = await served.client("acme", ["jobs:read"])
        refused = await reader.post("/v1/jobs", json=order(), headers=once())
        assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
        assert (await reader.get("/v1/jobs")).status_code == 200
        tenant = await served.client("acme")
        operations = served.app.openapi()["paths"]
        admin = [(verb, path) for path in operations if path.startswith("/v1/admin/") for verb in operations[path]]
        for verb, path in admin:
            body = {"json": {}} if verb == "post" else {}
            answer = await tenant.request(verb, path.format(**UNKNOWN), headers=once(), **body)
            assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing"), (verb, path)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    refused = [line for line in lines if line.get("status") == 403]
    assert len(refused) == len(admin) + 1 > 3
    assert all(line["tenant"] == "acme" and line["key"] and line["route"] != "-" for line in refused)


async def test_every_operation_under_v1_needs_a_key(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        nobody = served.bare()
        for path, verbs in served.app.openapi()["paths"].items():
            for verb in verbs if path.startswith("/v1/") else ():
                answer = await nobody.request(verb, path.format(**UNKNOWN))
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
                assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_that_is_not_in_force_is_refused(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        good = await served.key("acme")
        ended_key = await served.key("acme", expires_at=now())
        revoked = await served.key("acme")
        async with served.af.store.writing() as session:
            assert await revoke(session, revoked.split("_")[2])
        body = good[:-8]
        wrong = [
            ended_key,
            revoked,
            good.replace("af_live_", "af_test_"),
            good[:-1] + ("0" if good[-1] != "0" else "1"),
            body[:-1] + ("A" if body[-1] != "A" else "B") + good[-8:],
            "",
            "x" * 5000,
            "af_live_\N{FULLWIDTH DIGIT ONE}",
        ]
        for key in wrong:
            headers = {"Authorization": f"Bearer {key}".encode()}
            assert (await served.bare().get("/v1/jobs", headers=headers)).status_code == 401, key
        assert (await served.bare().get("/v1/jobs", params={"api_key": good, "key": good})).status_code == 401
        assert (await served.bare(good).get("/v1/jobs")).status_code == 200


async def test_a_slip_of_the_pen_is_caught_without_the_database(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        key = await served.key("acme")
    assert well_formed(key, "live") == key.split("_")[2]
    assert well_formed(key, "test") is None
    swapped = key[:30] + key[31] + key[30] + key[32:]
    assert swapped == key or well_formed(swapped, "live") is None


async def test_a_key_is_not_kept(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        key = await served.key("acme")
        async with served.af.store.looking() as session:
            from sqlalchemy import select

            from agentflow.jobs.api_tables import ApiKey

            row = (await session.scalars(select(ApiKey))).one()
    secret = key.split("_", 3)[3][:43]
    assert secret not in json.dumps([row.digest, row.id, row.name])
    assert row.digest == LOCK.digest(key)


async def test_guessing_keys_is_slowed_down(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(wrong_keys=5)) as served:
        nobody = served.bare()
        answers = [await nobody.get("/v1/jobs") for _ in range(7)]
        assert [a.status_code for a in answers] == [401] * 5 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) >= 1


NAMES = {
    "../../x": "x",
    "a\\..\\b.pdf": "b.pdf",
    "nul\x00l": "null",
    "x" * 4096: "x" * 200,
    "invoice\u202efdp.exe": "invoicefdp.exe",
    "-rf": "rf",
    "CON": "CON",
    "...": "document",
    "": "document",
}


@pytest.mark.parametrize(("name", "kept"), NAMES.items(), ids=[str(n) for n in range(len(NAMES))])
def test_a_files_name_is_for_people_alone(name: str, kept: str):
    from agentflow.web.media import plain_name

    assert plain_name(name) == kept


CONTENT = {
    b"%PDF-1.7 <html>": "application/pdf",
    b"\x89PNG\r\n\x1a\n....": "image/png",
    b"<?xml version='1.0'?><a/>": "application/xml",
    '  {"a": "\u00e4"}'.encode(): "application/json",
    b"plain": "text/plain",
}
REFUSED = {
    b"MZ\x90\x00\x03": "unsupported-media",
    b"PK\x03\x04\x00\x00": "unsupported-media",
    b"<html><script>": "unsupported-media",
    b"<svg onload='x'/>": "unsupported-media",
    b"<!DOCTYPE html><html>": "unsupported-media",
    b"": "unsupported-media",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>": "unsafe-document",
    "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'http://x/y'><a/>".encode("utf-16"): "unsafe-document",
}


async def test_a_file_is_what_its_bytes_say_and_only_some_are_taken(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        for content, media in CONTENT.items():
            files = {"file": ("evil.exe", content, "application/x-evil")}
            sent = await client.post("/v1/files", files=files, headers=once(str(hash(content))))
            assert (sent.status_code, sent.json()["media_type"]) == (201, media), content
            kept = await client.get(f"/v1/files/{sent.json()['id']}/content")
            assert kept.content == content
            assert kept.headers["content-disposition"].startswith("attachment")
            assert kept.headers["x-content-type-options"] == "nosniff"
        for content, code in REFUSED.items():
            sent = await client.post("/v1/files", files={"file": ("a.pdf", content)}, headers=once("r"))
            assert sent.json()["code"] == code, content


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


async def chunks(total: int, head: bytes = b""):
    yield head
    for _ in range(total // 1000):
        yield b"x" * 1000


JSON = {"Content-Type": "application/json"}


async def test_a_body_past_the_limit_is_refused_however_it_is_sent(tmp_path: Path):
    async with serving(tmp_path, work=False, limits=Limits(json_bytes=10_000, file_bytes=50_000)) as served:
        client = await served.client()
        answers = [
            await client.post("/v1/jobs", content=b"x" * 20_000, headers=once(**JSON)),
            await client.post("/v1/jobs", content=chunks(20_000), headers=once(**JSON)),
            await client.post("/v1/jobs", content=b"{}", headers=once(**JSON, **{"Content-Length": "9" * 30})),
            await client.post("/v1/files", files={"file": ("a", b"x" * 60_000)}, headers=once()),
            await client.post("/v1/files", content=chunks(60_000, PART), headers=once(**FORM)),
        ]
        for answer in answers:
            assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert not [p for p in (tmp_path / "documents").rglob("*") if p.is_file()]


ODD = {
    "deep": '{"pack":"toy","input":' + '{"a":' * 60 + "1" + "}" * 60 + "}",
    "very deep": "[" * 100_000,
    "twice": '{"pack":"toy","pack":"other","input":{}}',
    "nan": '{"pack":"toy","input":{"a":NaN}}',
    "huge": '{"pack":"toy","input":{"a":1e400}}',
    "long": '{"pack":"toy","input":{"a":' + "9" * 5000 + "}}",
    "surrogate": '{"pack":"toy","input":{"a":["\\ud800"]}}',
    "nul": '{"pack":"toy","input":{"a":"\\u0000"}}',
    "cut": '{"pack":',
    "not utf-8": b'{"pack":"\xff"}',
    "no object": '"toy"',
    "empty": "",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
async def test_json_that_two_readers_could_take_for_two_things_is_refused(tmp_path: Path, text: str | bytes):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        answer = await client.post("/v1/jobs", content=text, headers=once(**JSON))
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_ten_thousand_parts_of_a_form_are_refused(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        answer = await client.post("/v1/files", files=[("file", ("a", b"x"))] * 10_000, headers=once())
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


async def test_a_secret_of_a_callers_is_in_no_log_and_no_refusal(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="agentflow")
    canary = "CANARY-7f3a"
    async with serving(tmp_path) as served:
        client = await served.client()
        told = [
            await client.post("/v1/jobs", json={"pack": canary, "input": {"lines": canary}}, headers=once(canary)),
            await client.post("/v1/jobs", json=order() | {canary.lower(): canary}, headers=once(canary)),
            await client.post("/v1/jobs", json={"pack": "toy", "input": {"lines": [{"x": canary}]}}, headers=once("k")),
            await client.post("/v1/jobs", content=f'{{"pack":"{canary}"'.encode(), headers=once(**JSON)),
            await client.get(f"/v1/jobs/{canary}"),
            await client.get(f"/{canary}", params={"q": canary}, headers={"User-Agent": canary}),
            await client.get("/v1/jobs", params={"status": canary, "cursor": canary}),
            await client.get("/v1/jobs", headers={"Authorization": f"Bearer {canary}"}),
        ]
    for answer in told:
        assert answer.status_code >= 400
        assert canary not in answer.text.replace(canary.lower(), "")
        assert canary not in str(answer.headers)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert len(lines) >= len(told)
    assert canary not in "\n".join(lines)


async def test_what_goes_wrong_inside_is_told_by_kind_and_place_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object) -> None:
        raise ValueError("CANARY-7f3a")

    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        monkeypatch.setattr(served.af, "terms", broken)
        answer = await client.get("/v1/prices")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["request-id"] in answer.json()["instance"]
    lines = [JsonLines().format(record) for record in caplog.records]
    assert "CANARY" not in answer.text + "\n".join(lines)
    assert any('"error": "ValueError below web/' in line for line in lines)


async def test_control_characters_cannot_forge_a_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="agentflow")
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        for reference in ("a\r\nb", "\x1b[31m", "a\x7f"):
            refused = await client.post("/v1/jobs", json=order(reference=reference), headers=once())
            assert refused.status_code == 422
        await client.get("/v1/jobs/%0d%0aSet-Cookie:x")
        big = await client.get("/v1/jobs", headers={"User-Agent": "x" * 500_000, "Prefer": "y" * 500})
        assert big.status_code in (200, 422)
    for record in caplog.records:
        line = JsonLines().format(record)
        assert "\n" not in line
        assert "\x1b" not in line


async def test_two_disputes_at_once_are_one_and_a_credit_is_given_once(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        operator = await served.client("house", [*SCOPES, *OPERATOR])
        job = (await ended(client, order()))["id"]
        url = f"/v1/jobs/{job}/disputes"
        opened = await asyncio.gather(*(client.post(url, json={"reason": "x"}, headers=once(str(n))) for n in range(6)))
        assert sorted(a.status_code for a in opened) == [201] + [409] * 5
        dispute = next(a.json()["id"] for a in opened if a.status_code == 201)
        decisions = await asyncio.gather(
            *(
                operator.post(f"/v1/admin/disputes/{dispute}/decide", json={"decision": "accepted", "text": "so"})
                for _ in range(6)
            )
        )
        assert sorted(a.status_code for a in decisions) == [200] + [409] * 5
        async with served.af.store.writing() as session:
            charge = await session.run_sync(giving.charge_of, "acme", job)
            with pytest.raises(Exception, match="more than what is left"):
                await session.run_sync(giving.credit, charge, 1, "goodwill", "more")
        assert await served.faults() == []

"""The OpenAPI document is true: whatever it allows is asked, and nothing comes back that it does not say."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings

from agentflow.jobs.keys import OPERATOR, SCOPES, make_key
from agentflow.jobs.service import Agentflow
from agentflow.web.app import create_app
from agentflow.web.limits import Limits
from agentflow.web.reference import page
from tests.jobs.ledger.books import pack
from tests.web.served import LOCK, reading, serving

schemathesis = pytest.importorskip("schemathesis", reason="install the dev extra")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
LET_PASS = [checks.positive_data_acceptance]
"""What the document allows may still name a pack that is not served, or a host that is not there."""
MANY = Limits(per_minute=10**9, wrong_keys=10**9)
DRAFT = create_app(Agentflow([pack(), reading], home="unused"), LOCK).openapi()
OPERATIONS = [(verb.upper(), path) for path, verbs in DRAFT["paths"].items() for verb in verbs]


class Api:
    """An API that listens, as schemathesis sees it, and a key that may do everything."""

    def __init__(self, schema: Any, url: str, key: str) -> None:
        self.schema = schema
        self.url = url
        self.headers = {"Authorization": f"Bearer {key}"}


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The app on a port of this machine, served from a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("api")
    packs = [pack(), reading]

    async def key() -> str:
        async with Agentflow(packs, home=home, work=False) as af, af.store.writing() as session:
            return (await make_key(session, LOCK, "acme", scopes=[*SCOPES, *OPERATOR]))[0]

    app = create_app(Agentflow(packs, home=home), LOCK, limits=MANY)
    made = Api(schemathesis.openapi.from_dict(app.openapi()), "", asyncio.run(key()))
    with listening(app) as made.url, httpx.Client(base_url=made.url, headers=made.headers) as client:
        for n, lines in enumerate((["a"], ["?"])):
            body = {"pack": "toy", "input": {"lines": lines}}
            client.post("/v1/jobs", json=body, headers={"Idempotency-Key": str(n), "Prefer": "wait=20"})
        yield made


@pytest.mark.parametrize(("verb", "path"), OPERATIONS, ids=[f"{verb} {path}" for verb, path in OPERATIONS])
def test_no_answer_is_a_surprise(api: Api, verb: str, path: str) -> None:
    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=api.schema[path][verb].as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=api.url, headers=api.headers, excluded_checks=LET_PASS)

    ask()


async def test_every_operation_says_what_it_is_and_needs_a_key(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        document = (await served.bare().get("/openapi.json")).json()
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            assert operation["description"], (verb, path)
            if path.startswith("/v1/"):
                assert operation["security"] == [{"key": []}]
                assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_a_method_that_a_path_has_not_is_told_which_it_has(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        answer = await (await served.client()).put("/v1/jobs")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
        assert answer.json()["code"] == "method-not-allowed"


async def test_the_page_of_the_reference_tells_every_operation_and_loads_nothing_from_elsewhere(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        shown = await served.bare().get("/docs")
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in shown.headers["content-security-policy"]
    for verb, path in OPERATIONS:
        assert f"{verb} {path}</code></h3>" in shown.text
    for name in DRAFT["components"]["schemas"]:
        assert f'id="{name}"' in shown.text
    assert not re.findall(r"(?:src|href)=.(?!#|/openapi)|<script|https?://|@import", shown.text)


def test_the_page_of_the_reference_shows_what_a_document_says_as_text():
    evil = "<script>alert(1)</script>\"'"
    answers, given = {evil: {"description": evil}}, [{"in": evil, "name": evil}]
    operation = {"description": evil, "responses": answers, "parameters": given}
    schema = {"description": evil, "properties": {evil: {"type": evil}}}
    document = {
        "info": {"title": evil, "version": evil, "description": evil},
        "paths": {f"/{evil}": {"get": operation}},
        "components": {"schemas": {evil: schema}},
    }
    assert "<script" not in page(document)

"""The OpenAPI document is true: whatever it allows is asked, and nothing comes back that it does not say."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from agentflow.jobs.keys import OPERATOR, SCOPES, make_key
from agentflow.jobs.service import Agentflow
from agentflow.web.app import create_app
from agentflow.web.limits import Limits
from tests.jobs.ledger.books import pack
from tests.web.served import LOCK, reading, serving

schemathesis = pytest.importorskip("schemathesis", reason="install the dev extra")
MANY = Limits(per_minute=10**9, wrong_keys=10**9)


class Api:
    """The app, open for as long as the module is tested, and a key that may do everything."""

    app: Any = None
    key = ""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("api")
    service = Agentflow([pack(), reading], home=home)
    app = create_app(service, LOCK, limits=MANY)

    async def key() -> str:
        async with Agentflow([pack(), reading], home=home, work=False) as af, af.store.writing() as session:
            return (await make_key(session, LOCK, "acme", scopes=[*SCOPES, *OPERATOR]))[0]

    Api.key = asyncio.run(key())
    with TestClient(app) as client:
        client.headers["Authorization"] = f"Bearer {Api.key}"
        for n, lines in enumerate((["a"], ["?"])):
            body = {"pack": "toy", "input": {"lines": lines}}
            client.post("/v1/jobs", json=body, headers={"Idempotency-Key": str(n), "Prefer": "wait=20"})
        Api.app = app
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        schema.config.phases.update(phases=["examples", "coverage", "fuzzing"])
        yield schema


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_a_surprise(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {Api.key}"})


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

"""The pytest plugin gives packs' tests their fixtures."""

import asyncio

from agentflow.testing.plugin import fake_model, faulty_models, memory_journal  # noqa: F401 - fixtures
from tests.testing.test_fakes import Total, read
from tests.testing.test_server import body, post


async def test_a_test_gets_fake_models(fake_model, memory_journal):  # noqa: F811 - a fixture is asked for by its name
    assert await read("a", model=fake_model({"value": 3})) == Total(value=3)
    assert memory_journal.lines == []


def test_a_test_gets_servers_of_faulty_models(faulty_models):  # noqa: F811 - as above
    first = faulty_models({"m": {"error": 0.5}}, {"7": {"value": 7}}, seed=3)
    second = faulty_models({"m": {}}, lambda request: None)
    assert first.url != second.url
    assert asyncio.run(post(first.url, body()))[0] == 200
    assert asyncio.run(post(second.url, body()))[0] == 400

"""The client does what its calls say, against an API that is really there."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from agentflow.client import ApiError, Client, Money
from agentflow.errors import ConnectorError
from tests.jobs.ledger.books import PRICE
from tests.web.served import SERVER, Served, serving


async def client(served: Served, **more: Any) -> Client:
    transport = more.pop("transport", httpx.ASGITransport(served.app))
    return Client(SERVER, await served.key("acme"), transport=transport)


async def test_a_record_and_a_file_become_what_they_are_priced_as(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("one two three")
    async with serving(tmp_path / "s") as served, await client(served) as api:
        job = await api.run("toy", given={"lines": ["a"]}, metadata={"po": "7"})
        assert (job.outcome, job.billing, job.amount) == ("Posted", "charged", Money(PRICE, "USD"))
        assert job.metadata == {"po": "7"}
        assert (await api.result(job.id))["record"]["accounts"] == ["a/1"]
        assert (await api.run("reading", file=tmp_path / "letter.txt")).result == {"words": 3}
        assert (await api.prices())["toy"]["Posted"] == Money(PRICE, "USD")


async def test_a_review_is_looked_at_and_answered_and_the_job_is_followed_to_its_end(tmp_path: Path):
    async with serving(tmp_path) as served, await client(served) as api:
        job = await api.run("toy", given={"lines": ["?"]})
        assert job.status == "awaiting_review"
        await api.answer(await api.review(job.id), "Booked", {"accounts": ["9"]})
        events = [event async for event in api.events(job.id, after=job.version)]
        assert [event.type for event in events if event.number][-1] == "job.finished"
        assert (await api.get(job.id)).outcome == "Posted"
        assert (await api.dispute(job.id, "wrong")).startswith("dp_")


async def test_jobs_are_listed_page_by_page_each_once(tmp_path: Path):
    async with serving(tmp_path, work=False) as served, await client(served) as api:
        made = [(await api.submit("toy", given={"lines": [str(i)]}, reference=str(i))).id for i in range(103)]
        assert sorted([job.id async for job in api.jobs(pack="toy")]) == sorted(made)
        assert [job async for job in api.jobs(status="failed")] == []


async def test_who_listens_is_given_the_secret_that_messages_are_signed_with(tmp_path: Path):
    async with serving(tmp_path, work=False) as served, await client(served) as api:
        endpoint, secret = await api.listen("https://93.184.216.34/hook", ["job.finished"])
        assert endpoint.startswith("whe_")
        assert secret.startswith("whsec_")


async def test_a_refusal_is_an_error_with_its_code(tmp_path: Path):
    async with serving(tmp_path, work=False) as served, await client(served) as api:
        with pytest.raises(ApiError) as refused:
            await api.submit("toy", given={"lines": ["a"]}, max_price=Money(1, "USD"))
        assert (refused.value.code, refused.value.status) == ("price-changed", 409)
        assert refused.value.request.startswith("req_")
        job = await api.submit("toy", given={"lines": ["a"]})
        assert (await api.cancel(job.id)).billing == "released"


class Flaky(httpx.AsyncBaseTransport):
    """Loses the answer to the first request, is busy at the second, and works from then on."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.asked == 1:
            await self._inner.handle_async_request(request)
            raise httpx.ReadError("cut")
        if self.asked == 2:
            return httpx.Response(503, headers={"Retry-After": "0"})
        return await self._inner.handle_async_request(request)


async def test_a_lost_answer_is_asked_for_again_and_nothing_is_done_twice(tmp_path: Path):
    async with serving(tmp_path, work=False) as served:
        flaky = Flaky(httpx.ASGITransport(served.app))
        async with await client(served, transport=flaky) as api:
            job = await api.submit("toy", given={"lines": ["a"]})
        assert flaky.asked == 3
        assert [row.id for row in await served.af.store.jobs("toy")] == [job.id]


async def test_a_server_that_is_not_there_is_said_to_be_so():
    async with Client("http://127.0.0.1:9", "af_live_x") as api:
        with pytest.raises(ConnectorError, match="is it up"):
            await api.get("job_1")

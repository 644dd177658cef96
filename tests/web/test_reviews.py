"""A person's answer over HTTP: seen before it is given, given once, and then the job goes on."""

import json
from pathlib import Path

from tests.web.served import ended, once, order, serving

ANSWER = {"answer": "Booked", "value": {"accounts": ["9"]}}


async def test_a_question_is_listed_answered_and_the_job_goes_on(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        job = await ended(client, order(["?"]))
        assert job["status"] == "awaiting_review"
        listed = (await client.get("/v1/reviews")).json()["data"]
        assert [review["job"] for review in listed] == [job["id"]]
        review = await client.get(f"/v1/reviews/{job['id']}")
        assert review.json()["questions"][0]["answers"] == ["Booked", "Refused"]
        assert review.json()["forms"]["Booked"]["required"] == ["accounts"]
        headers = once("a", **{"If-Match": review.headers["etag"]})
        given = await client.post(f"/v1/reviews/{job['id']}/answer", json=ANSWER, headers=headers)
        assert given.status_code == 202, given.text
        again = await client.post(f"/v1/reviews/{job['id']}/answer", json=ANSWER, headers=headers)
        assert (again.json(), again.headers["idempotent-replayed"]) == (given.json(), "true")
        done = (await client.get(f"/v1/jobs/{job['id']}", headers={"Prefer": "wait=20"})).json()
        assert (done["status"], done["outcome"], done["result"]["accounts"]) == ("finished", "Posted", ["9"])
        assert (await client.get("/v1/reviews")).json()["data"] == []
        assert await served.faults() == []


async def test_an_answer_without_having_looked_or_to_what_has_changed_is_refused(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        job = (await ended(client, order(["?"])))["id"]
        url, tag = f"/v1/reviews/{job}/answer", (await client.get(f"/v1/reviews/{job}")).headers["etag"]
        blind = await client.post(url, json=ANSWER, headers=once("a"))
        assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
        stale = await client.post(url, json=ANSWER, headers=once("a", **{"If-Match": '"1"'}))
        assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
        assert (await client.post(url, json=ANSWER, headers=once("a", **{"If-Match": tag}))).status_code == 202
        second = await client.post(url, json=ANSWER, headers=once("b", **{"If-Match": tag}))
        assert second.status_code == 412


async def test_an_answer_of_the_wrong_form_is_refused_and_the_question_stays(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        job = (await ended(client, order(["?"])))["id"]
        for body in ({"answer": "Booked", "value": {}}, {"answer": "Posted", "value": {}}):
            headers = once(json.dumps(body, separators=(",", ":")), **{"If-Match": "*"})
            wrong = await client.post(f"/v1/reviews/{job}/answer", json=body, headers=headers)
            assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
        assert len((await client.get("/v1/reviews")).json()["data"]) == 1


async def test_an_answer_survives_that_the_process_ends_before_the_job_goes_on(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        job = (await ended(client, order(["?"])))["id"]
    async with serving(tmp_path, database, work=False) as served:
        client = await served.client()
        headers = once("a", **{"If-Match": "*"})
        assert (await client.post(f"/v1/reviews/{job}/answer", json=ANSWER, headers=headers)).status_code == 202
    async with serving(tmp_path, database) as served:
        assert (await served.af.wait(job, "acme", 20)).outcome == "Posted"


async def test_an_answer_survives_that_a_worker_is_killed_once_it_has_taken_the_job(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        job = (await ended(client, order(["?"])))["id"]
    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        await client.post(f"/v1/reviews/{job}/answer", json=ANSWER, headers=once("a", **{"If-Match": "*"}))
        await served.af.store.begin(job, since=("queued",), terms="none")  # and then it dies
    async with serving(tmp_path) as served:
        assert (await served.af.wait(job, "acme", 20)).outcome == "Posted"
        assert await served.faults() == []


async def test_events_are_listed_in_order_and_streamed_from_where_a_listener_was(tmp_path: Path):
    async with serving(tmp_path) as served:
        client = await served.client()
        job = (await ended(client, order()))["id"]
        listed = (await client.get(f"/v1/jobs/{job}/events")).json()["data"]
        assert [(e["number"], e["type"]) for e in listed] == [
            (1, "job.queued"),
            (2, "job.started"),
            (3, "job.finished"),
        ]
        headers = {"Accept": "text/event-stream", "Last-Event-ID": "1"}
        stream = (await client.get(f"/v1/jobs/{job}/events", headers=headers)).text
        assert [line for line in stream.splitlines() if line.startswith(("id:", "event:"))] == [
            "id: 2",
            "event: job.started",
            "id: 3",
            "event: job.finished",
        ]


async def test_a_claimed_review_is_answered_by_its_claim_alone(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as served:
        client = await served.client()
        job = (await ended(client, order(["?"])))["id"]
        claimed = await client.post("/v1/reviews/claim-next", json={"by": "ann"})
        assert (claimed.status_code, claimed.json()["job"], claimed.json()["held"]["by"]) == (200, job, "ann")
        assert (await client.post("/v1/reviews/claim-next", json={})).status_code == 204
        listed = (await client.get("/v1/reviews")).json()["data"][0]
        assert (listed["held"]["by"], "lease" in listed) == ("ann", False)
        url, lease = f"/v1/reviews/{job}", claimed.json()["lease"]
        for number, others in enumerate(({}, {"lease": lease + 1})):
            headers = once(f"other{number}", **{"If-Match": claimed.headers["etag"]})
            refused = await client.post(f"{url}/answer", json=ANSWER | others, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (409, "lease-lost")
        assert (await client.post(f"{url}/heartbeat", json={"lease": lease})).status_code == 200
        headers = once("mine", **{"If-Match": claimed.headers["etag"]})
        given = await client.post(f"{url}/answer", json=ANSWER | {"lease": lease}, headers=headers)
        assert given.status_code == 202
        assert (
            await client.post(f"{url}/answer", json=ANSWER | {"lease": lease}, headers=headers)
        ).json() == given.json()
        assert (await client.post(f"{url}/heartbeat", json={"lease": lease})).json()["code"] == "lease-lost"


async def test_a_review_that_is_given_back_can_be_claimed_or_answered_by_anybody(tmp_path: Path):
    async with serving(tmp_path) as served:
        client, other = await served.client(), await served.client("bolt")
        job = (await ended(client, order(["?"])))["id"]
        claimed = (await client.post("/v1/reviews/claim-next", json={"pack": "toy"})).json()
        given = {"lease": claimed["lease"]}
        assert (await other.post("/v1/reviews/claim-next", json={})).status_code == 204
        assert (await other.post(f"/v1/reviews/{job}/release", json=given)).status_code == 404
        back = await client.post(f"/v1/reviews/{job}/release", json=given)
        assert (back.status_code, back.json()["held"]) == (200, None)
        headers = once("a", **{"If-Match": back.headers["etag"]})
        assert (await client.post(f"/v1/reviews/{job}/answer", json=ANSWER, headers=headers)).status_code == 202

"""Money is set aside, charged, given free and given back, each once."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, func, select, text, update

from agentflow.errors import CapError, DisputeError, LedgerError
from agentflow.jobs.ids import now
from agentflow.jobs.ledger import settling
from agentflow.jobs.ledger.giving import charge_of, credit, decide, dispute
from agentflow.jobs.ledger.statement_tables import StatementLine
from agentflow.jobs.ledger.statements import close, lines, unstated
from agentflow.jobs.ledger.tables import Charge, Credit, PriceList, SpendAccount, Transfer
from agentflow.jobs.telling.tables import Outbox
from tests.jobs.ledger.books import LESS, PRICE, Books, open_books, pack, verification


async def account(books: Books, tenant: str = "local") -> tuple[int, int]:
    async with books.sessions() as session:
        row = await session.get_one(SpendAccount, (tenant, "USD"))
        return row.reserved_minor, row.charged_minor


async def cap(books: Books, minor: int) -> None:
    async with books.sessions.begin() as session:
        await session.execute(update(SpendAccount).where(SpendAccount.tenant_id == "local").values(cap_minor=minor))


async def test_an_accepted_job_sets_its_dearest_outcome_aside_and_pays_what_it_ended_as(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        assert await account(books) == (PRICE, 0)
        await books.store.finish(job.id, verification(job, outcome="Refused"), result={}, output={})
        assert await account(books) == (0, LESS)
        assert await books.faults() == []


async def test_a_job_that_fails_is_free_and_sets_its_price_aside_again_when_it_is_tried_again(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        await books.store.fail(job.id)
        assert await account(books) == (0, 0)
        assert await books.faults() == []
        assert await books.store.begin(job.id, since=["failed"], terms=books.terms.id)
        assert await account(books) == (PRICE, 0)
        await books.store.finish(job.id, verification(job), result={}, output={})
        assert await account(books) == (0, PRICE)
        assert await books.faults() == []


async def test_an_outcome_that_was_not_proven_is_free(database: str):
    async with open_books(database) as books:
        job = await books.finished(verdict="fail")
        assert job.price_minor == 0
        assert await account(books) == (0, 0)


async def test_what_is_settled_twice_is_charged_once(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        ends = [books.store.finish(job.id, verification(job), result={}, output={}) for _ in range(8)]
        assert {done.price_minor for done in await asyncio.gather(*ends)} == {PRICE}
        async with books.sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Charge)) == 1
            topics = (await session.scalars(select(Outbox.topic).where(Outbox.payload.is_not(None)))).all()
        assert sorted(topics) == ["charge.created", "job.finished", "job.queued"]
        assert await books.faults() == []


async def test_exactly_one_job_more_is_accepted_just_below_the_cap(database: str):
    async with open_books(database) as books:
        await cap(books, PRICE)
        tried = await asyncio.gather(*(books.accepted(f"in{i}") for i in range(6)), return_exceptions=True)
        assert sum(isinstance(one, CapError) for one in tried) == 5
        assert await account(books) == (PRICE, 0)
        assert await books.faults() == []


async def test_new_prices_are_new_terms_and_an_accepted_job_keeps_its_own(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        dearer = await books.store.accept(pack("0.90"))
        assert dearer.id != books.terms.id
        assert (await books.store.accept(pack("0.90"))).id == dearer.id
        await books.store.finish(job.id, verification(job), result={}, output={})
        async with books.sessions() as session:
            assert (await session.run_sync(charge_of, "local", job.id)).amount_minor == PRICE


async def test_credits_never_exceed_their_charge(database: str):
    async with open_books(database) as books:
        job = await books.finished()
        async with books.sessions.begin() as session:
            await session.run_sync(
                credit, await session.run_sync(charge_of, "local", job.id), PRICE - 10, "goodwill", "one"
            )
        with pytest.raises(LedgerError, match="more than what is left"):
            async with books.sessions.begin() as session:
                await session.run_sync(
                    credit, await session.run_sync(charge_of, "local", job.id), 11, "goodwill", "two"
                )
        assert await account(books) == (0, 10)
        assert await books.faults() == []


async def test_the_same_request_is_credited_once_though_it_comes_at_the_same_time(database: str):
    async with open_books(database) as books:
        job = await books.finished()

        async def ask() -> None:
            async with books.sessions.begin() as session:
                await session.run_sync(credit, await session.run_sync(charge_of, "local", job.id), 5, "sla", "late")

        await asyncio.gather(*(ask() for _ in range(6)), return_exceptions=True)
        async with books.sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Credit)) == 1
        assert await account(books) == (0, PRICE - 5)
        assert await books.faults() == []


async def test_a_request_for_another_amount_is_no_repetition(database: str):
    async with open_books(database) as books:
        job = await books.finished()
        async with books.sessions.begin() as session:
            await session.run_sync(credit, await session.run_sync(charge_of, "local", job.id), 5, "sla", "late")
        with pytest.raises(LedgerError, match="made before"):
            async with books.sessions.begin() as session:
                await session.run_sync(credit, await session.run_sync(charge_of, "local", job.id), 6, "sla", "late")


async def test_an_accepted_dispute_gives_back_all_that_is_left(database: str):
    async with open_books(database) as books:
        job = await books.finished()
        async with books.sessions.begin() as session:
            await session.run_sync(credit, await session.run_sync(charge_of, "local", job.id), 15, "goodwill", "one")
            opened = await session.run_sync(dispute, "local", job.id, "wrong total", {"gross_total": "12.00"})
        async with books.sessions.begin() as session:
            await session.run_sync(decide, opened.id, "accepted", "operator")
        assert await account(books) == (0, 0)
        assert await books.faults() == []


async def test_a_charge_has_one_open_dispute_and_a_dispute_is_decided_once(database: str):
    async with open_books(database) as books:
        job = await books.finished()
        async with books.sessions.begin() as session:
            opened = await session.run_sync(dispute, "local", job.id, "wrong", {})
        with pytest.raises(DisputeError) as twice:
            async with books.sessions.begin() as session:
                await session.run_sync(dispute, "local", job.id, "wrong", {})
        assert twice.value.code == "dispute-open"

        async def end() -> None:
            async with books.sessions.begin() as session:
                await session.run_sync(decide, opened.id, "accepted", "operator")

        ended = await asyncio.gather(*(end() for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(one, DisputeError) for one in ended) == 4
        assert await books.faults() == []


async def test_another_tenants_charge_cannot_be_disputed(database: str):
    async with open_books(database) as books:
        job = await books.finished()
        with pytest.raises(DisputeError, match="nothing was charged"):
            async with books.sessions.begin() as session:
                await session.run_sync(dispute, "acme", job.id, "wrong", {})


async def test_the_time_for_a_dispute_ends(database: str):
    async with open_books(database) as books:
        async with books.sessions.begin() as session:
            await session.execute(text("INSERT INTO price_list VALUES ('short','toy','y','USD',0,:at)"), {"at": now()})
            await session.execute(text("INSERT INTO price VALUES ('short','Posted',40,'USD',NULL,NULL)"))
            books.terms = await session.get_one(PriceList, "short")
        job = await books.finished()
        with pytest.raises(DisputeError) as late:
            async with books.sessions.begin() as session:
                await session.run_sync(dispute, "local", job.id, "wrong", {})
        assert late.value.code == "dispute-window-closed"


async def test_every_transfer_is_on_one_statement_and_what_comes_later_is_on_the_next(database: str):
    async with open_books(database) as books:
        job = await books.finished("a")
        await books.finished("b")
        async with books.sessions.begin() as session:
            first = await session.run_sync(close, "local", "USD", now() + timedelta(seconds=1))
        async with books.sessions.begin() as session:
            await session.run_sync(
                credit, await session.run_sync(charge_of, "local", job.id), 40, "operator_error", "x"
            )
            second = await session.run_sync(close, "local", "USD", now() + timedelta(seconds=1))
            assert await session.run_sync(close, "local", "USD", now() + timedelta(seconds=1)) is None
        assert first is not None
        assert second is not None
        assert (first.number, first.total_minor, second.number, second.total_minor) == (1, 2 * PRICE, 2, -PRICE)
        async with books.sessions() as session:
            stated = await session.scalar(select(func.count()).select_from(StatementLine))
            assert stated == await session.scalar(select(func.count()).select_from(Transfer)) == 3
        assert await books.faults() == []


CLOCKS = {
    "the last moment of a year": ["2026-12-31T23:59:59.999", "2027-01-01T00:00:00.000", "2026-12-31T23:59:59.999"],
    "a clock that goes back": ["2027-01-01T00:00:05", "2026-12-31T23:58:00", "2027-01-01T00:00:06"],
    "an hour that comes twice": ["2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T00:45:00"],
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
async def test_every_transfer_is_on_one_statement_whatever_the_clock_does(
    database: str, clock: list[str], monkeypatch: pytest.MonkeyPatch
):
    ends = ["2026-10-25T01:00:00", "2027-01-01T00:00:00", "2027-01-01T00:00:00", "2027-02-01T00:00:00"]
    async with open_books(database) as books:
        closed: list[int] = []
        for name, at in zip("abc", clock, strict=True):
            monkeypatch.setattr(settling, "now", lambda at=at: parse(at))
            await books.finished(name)
            async with books.sessions.begin() as session:
                closed += [s.total_minor for s in [await session.run_sync(close, "local", "USD", parse(ends[1]))] if s]
        for end in ends:
            async with books.sessions.begin() as session:
                closed += [s.total_minor for s in [await session.run_sync(close, "local", "USD", parse(end))] if s]
        assert sum(closed) == 3 * PRICE
        async with books.sessions() as session:
            stated = (await session.scalars(select(StatementLine.transfer_id))).all()
            assert sorted(stated) == sorted(await session.scalars(select(Transfer.id)))
        monkeypatch.undo()
        assert await books.faults() == []


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_bills_line_says_what_it_is_for(database: str):
    async with open_books(database) as books:
        job = await books.finished("a.pdf")
        async with books.sessions() as session:
            told = await session.run_sync(lambda s: lines(s, unstated(s, "local", "USD", now() + timedelta(seconds=1))))
        assert [(line["job"], line["input"], line["outcome"], line["amount_minor"]) for line in told] == [
            (job.id, "a.pdf", "Posted", PRICE)
        ]


async def test_a_long_bill_is_read_in_a_few_statements_and_stays_in_order(database: str):
    async with open_books(database) as books:
        jobs = [await books.finished(f"{n}.pdf") for n in range(5)]
        async with books.sessions.begin() as session:
            await session.run_sync(credit, await session.run_sync(charge_of, "local", jobs[1].id), 5, "sla", "late")
        async with books.sessions() as session:
            moved = await session.run_sync(unstated, "local", "USD", now() + timedelta(seconds=1))
            asked: list[str] = []
            event.listen(session.get_bind(), "before_cursor_execute", lambda *said: asked.append(said[2]))
            told = await session.run_sync(lines, moved)
        assert [line["input"] for line in told] == [*(f"{n}.pdf" for n in range(5)), "1.pdf"]
        assert [line["kind"] for line in told[-2:]] == ["charge", "credit (sla)"]
        assert len(asked) == 1

"""Purchase orders: an invoice keeps to its order, part deliveries add up, and what does not fit goes to a person."""

import asyncio
from decimal import Decimal

import pytest

from agentflow.errors import ConnectorError
from domains.invoices.connectors.order_table import Order, read_orders
from domains.invoices.connectors.orders import Orders
from domains.invoices.records import Invoice

TABLE = """po_number,vendor_id,supplier,currency,net_total,gross_total
PO-4711,V1,Nordlicht Energie GmbH,EUR,1000.00,1190.00
4712,,,,,50.00
4713,,Südwind AG,,,
"""


@pytest.fixture
async def orders(tmp_path):
    (tmp_path / "orders.csv").write_text(TABLE)
    async with Orders.open(str(tmp_path / "orders.csv"), tmp_path) as orders:
        yield orders


def bill(net: str, number: str = "PO-4711", **values: object) -> Invoice:
    total = Decimal(net)
    return Invoice(po_number=number, net_total=total, gross_total=total * Decimal("1.19"), currency="EUR", **values)


async def codes(orders, invoice, job="a", vendor_id=None):
    return [problem.code for problem in await orders.problems(invoice, job, vendor_id)]


@pytest.mark.parametrize("number", ["PO-4711", "po 4711", "4711", "PO-4711-1", "PO4711/02", "P0-47l1"])
async def test_an_order_is_found_however_its_number_is_written(orders, number):
    found = orders.find(Invoice(po_number=number))
    assert found is not None
    assert found.po_number == "PO-4711"


@pytest.mark.parametrize("number", ["PO-4710", "471", "", None])
async def test_another_number_is_no_order(orders, number):
    assert orders.find(Invoice(po_number=number)) is None


@pytest.mark.parametrize(
    ("net", "found"), [("1000", []), ("1020", []), ("1020.01", ["order_amount_exceeded"]), ("10", []), ("-10", [])]
)
async def test_an_invoice_may_exceed_its_order_by_the_tolerance(orders, net, found):
    assert await codes(orders, bill(net)) == found


async def test_a_small_order_is_exceeded_by_an_amount_and_by_its_gross_total_where_it_has_no_other(orders):
    assert await codes(orders, Invoice(po_number="4712", gross_total=Decimal(51))) == []
    assert await codes(orders, Invoice(po_number="4712", gross_total=Decimal("51.01"))) == ["order_amount_exceeded"]


async def test_an_order_without_an_amount_bounds_nothing(orders):
    assert await codes(orders, bill("99999", "4713", supplier_name="Suedwind")) == []


async def test_an_unknown_order_is_told_and_no_order_is_no_problem(orders):
    assert await codes(orders, bill("10", "PO-1")) == ["order_unknown"]
    assert await codes(orders, bill("10").model_copy(update={"po_number": None})) == []


async def test_an_order_of_another_vendor_or_currency_is_told(orders):
    assert await codes(orders, bill("10"), vendor_id="V1") == []
    assert await codes(orders, bill("10"), vendor_id="V2") == ["order_other_vendor"]
    assert await codes(orders, bill("10", supplier_name="Acme")) == ["order_other_vendor"]
    assert await codes(orders, bill("10").model_copy(update={"currency": "USD"})) == ["order_other_currency"]


async def test_part_deliveries_add_up_and_a_job_counts_once(orders):
    assert await orders.draw(bill("600"), "a") == []
    assert await orders.draw(bill("600"), "a") == []
    assert await codes(orders, bill("600"), "a") == []
    problem = (await orders.problems(bill("600"), "b"))[0]
    assert problem.code == "order_amount_exceeded"
    assert "after 600" in problem.message
    assert await orders.draw(bill("420"), "b") == []


async def test_a_credit_or_a_job_that_is_given_up_makes_room_again(orders):
    await orders.draw(bill("1000"), "a")
    assert await codes(orders, bill("100"), "b") == ["order_amount_exceeded"]
    assert await orders.draw(bill("100", type_code="381"), "credit") == []
    assert await codes(orders, bill("100"), "b") == []
    await orders.release("a")
    assert await codes(orders, bill("1000"), "b") == []


async def test_of_invoices_that_draw_at_once_only_what_fits_is_drawn(orders):
    drawn = await asyncio.gather(*(orders.draw(bill("300"), str(n)) for n in range(8)))
    assert drawn.count([]) == 3


async def test_what_was_drawn_outlives_the_run(tmp_path):
    (tmp_path / "orders.csv").write_text(TABLE)
    for job, found in (("a", []), ("b", ["order_amount_exceeded"])):
        async with Orders.open(str(tmp_path / "orders.csv"), tmp_path) as orders:
            assert [problem.code for problem in await orders.draw(bill("1000"), job)] == found


async def test_with_no_orders_connected_nothing_is_objected_to(tmp_path):
    async with Orders.open(None, tmp_path) as orders:
        assert not orders.connected
        assert await orders.problems(bill("10"), "a") == []
        assert await orders.draw(bill("10"), "a") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "order"),
    [
        ("Bestellnummer;Lieferant;Netto\n1;A;1.234,56\n", Order("1", supplier="A", net_total=Decimal("1234.56"))),
        ("order no,line total\n1,10\n1,20.5\n", Order("1", net_total=Decimal("30.5"))),
        ('po,total\n1,"1,234"\n1,"1,234"\n', Order("1", net_total=Decimal(1234))),
        ("po,net,currency\n1,10,eur\n1,20,eur\n", Order("1", currency="EUR", net_total=Decimal(30))),
        ("po\n1\n", Order("1")),
    ],
)
async def test_orders_are_read_with_or_without_lines(tmp_path, table, order):
    (tmp_path / "orders.csv").write_text(table)
    assert await read_orders(str(tmp_path / "orders.csv")) == [order]


async def test_an_amount_that_is_no_number_is_told(tmp_path):
    (tmp_path / "orders.csv").write_text("po,net\n7,--\n")
    with pytest.raises(ConnectorError, match="Order 7"):
        await read_orders(str(tmp_path / "orders.csv"))

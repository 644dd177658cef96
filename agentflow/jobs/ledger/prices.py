"""Price lists: a pack's prices as the terms that its jobs are accepted under."""

import json
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from agentflow.errors import PackError
from agentflow.flow.pack import Pack, Price
from agentflow.flow.step import label
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.tables import ListedPrice, PriceList, SpendAccount, Tenant

DISPUTE_DAYS = 30
"""Days in which a tenant may dispute a charge."""


def publish(session: Session, pack: Pack, tenant: str) -> PriceList:
    """The list with the pack's prices of today; a new one where they differ from every earlier list.

    The tenant has an account in its currency from then on. Raises PackError where the prices are in several
    currencies.
    """
    _open_account(session, tenant, _currency(pack))
    currency, terms = _currency(pack), {label(outcome): _terms(price) for outcome, price in pack.prices.items()}
    digest = sha256(json.dumps([terms, currency, DISPUTE_DAYS], sort_keys=True).encode()).hexdigest()
    found = session.scalar(select(PriceList).where(PriceList.pack == pack.name, PriceList.digest == digest))
    if found is not None:
        return found
    listed = PriceList(
        id=new_id("plist"),
        pack=pack.name,
        digest=digest,
        currency=currency,
        dispute_days=DISPUTE_DAYS,
        created_at=now(),
    )
    session.add(listed)
    session.flush()
    for outcome, price in pack.prices.items():
        session.add(
            ListedPrice(
                price_list_id=listed.id,
                outcome=label(outcome),
                amount_minor=price.minor,
                currency=currency,
                within_seconds=price.within_seconds,
                late_minor=price.late_minor,
            )
        )
    session.flush()
    return listed


def dearest(session: Session, price_list: str) -> ListedPrice:
    """The dearest outcome of a list: what has to be set aside for a job."""
    prices = select(ListedPrice).where(ListedPrice.price_list_id == price_list)
    found = session.scalars(prices.order_by(ListedPrice.amount_minor.desc(), ListedPrice.outcome).limit(1))
    return found.one()


def _terms(price: Price) -> int | list[int | None]:
    """What makes terms other terms."""
    return price.minor if price.within_seconds is None else [price.minor, price.within_seconds, price.late_minor]


def _open_account(session: Session, tenant: str, currency: str) -> None:
    if session.get(Tenant, tenant) is None:
        session.add(Tenant(id=tenant, name=tenant, created_at=now()))
        session.flush()
    if session.get(SpendAccount, (tenant, currency)) is None:
        session.add(SpendAccount(tenant_id=tenant, currency=currency))
        session.flush()


def _currency(pack: Pack) -> str:
    currencies = sorted({price.currency for price in pack.prices.values()})
    if len(currencies) > 1:
        raise PackError(f"pack {pack.name!r}: its prices are in {' and '.join(currencies)}; use one currency")
    return currencies[0]

"""Invoices month by month over more than a year, on both engines, with everything that happens in between.

After each step the worker runs once more and must do nothing, and the books are proven.
"""

from datetime import UTC, datetime
from functools import partial

import pytest
from tests import watch
from tests.market import Json
from tests.order_market import Shop, shop
from tests.subscription_desk import Held, hold, later

from comptoir.billing import service_documents, service_verify
from comptoir.billing.verifying import Proof
from comptoir.core.money import Money

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

PATH = "/operator/v1/accounts/sandbox/invoices"
UNBILLED = "/v1/invoices/unbilled/lineitems?provider=onetime&invoicelineitemtype=billinglineitems"
MONTHS = ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11", "2026-12")


async def reach(shop: Shop, text: str) -> None:
    """Let time pass until an instant, do what falls due, and prove the books; a second run does nothing."""
    later(shop, datetime.fromisoformat(text).replace(tzinfo=UTC))
    await shop.market.work()
    done = await watch.content(shop.market.services.database)
    await shop.market.work()
    assert await watch.content(shop.market.services.database) == done
    proof = await shop.market.services.database.report(partial(service_verify.verify, account_name=None))
    assert isinstance(proof, Proof), proof


async def unbilled(shop: Shop, period: str) -> list[Json]:
    reply = await shop.market.get(f"{UNBILLED}&currencycode=usd&period={period}")
    return list(reply.json()["items"])


async def change(held: Held, **members: Json) -> None:
    await held.change({**await held.read(), **members})


def told_apart(lines: list[Json]) -> list[tuple[str, str, float]]:
    """What tells lines from each other, and what they cost before tax."""
    return sorted((line["referenceId"], line["chargeType"], line["subtotal"]) for line in lines)


async def test_a_year_of_invoices(shop: Shop) -> None:
    monthly = await hold(shop)
    yearly = await hold(shop, quantity=3, termDuration="P1Y")
    await hold(shop, "team trial", quantity=2)
    await reach(shop, "2026-03-20")
    await change(monthly, quantity=9)
    await change(monthly, quantity=4)
    returned = await hold(shop, quantity=2)
    await change(returned, status="deleted")

    totals = []
    for month in MONTHS:
        await reach(shop, f"{month}-07T23:59:59")
        before = await unbilled(shop, "previous")
        current = await unbilled(shop, "current")
        await reach(shop, f"{month}-08")
        assert await unbilled(shop, "previous") == []
        assert told_apart(await unbilled(shop, "current")) == told_apart(current)
        document = (await shop.market.get(PATH, account="operator")).json()["items"][-1]
        lines = (
            await shop.market.get(f"/v1/invoices/{document['id']}/lineitems/OneTime/BillingLineItems")
        ).json()["items"]
        assert told_apart(lines) == told_apart(before)
        assert document["total"] == pytest.approx(sum(line["totalForCustomer"] for line in lines))
        totals.append(document["total"])
        if month == "2026-06":
            await change(yearly, quantity=5)
        if month == "2026-08":
            await change(monthly, autoRenewEnabled=False)
    assert len(set(totals)) > 3
    await _owed_is_the_sum(shop, totals)


async def _owed_is_the_sum(shop: Shop, totals: list[float]) -> None:
    account = await shop.market.account()
    (balance,) = await shop.market.read(partial(service_documents.balances, account_id=account.id))
    assert float(Money(balance.amount, balance.currency).amount) == pytest.approx(sum(totals))

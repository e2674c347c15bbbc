"""From the purchase to the invoice, with a publisher in between: what each side sees after every step."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.market import Json
from tests.publisher_desk import VERSION, Bought, Desk, desk
from tests.sample_site import Loop, loop

from comptoir.sample_publisher.book import Habit

__all__ = ["desk", "loop"]

pytestmark = pytest.mark.anyio


async def pass_time(desk: Desk, **duration: float) -> list[str]:
    """Let time pass and do what falls due; what the publisher is told meanwhile."""
    desk.market.wait(**duration)
    desk.market.tokens.clear()
    await desk.market.work()
    return [body["action"] for body in await desk.deliver()]


async def set_up(desk: Desk, bought: Bought) -> None:
    """What a landing page does: resolve what the browser brings, look at the plans, activate."""
    token = parse_qs(urlsplit(await bought.link()).query)["token"][0]
    resolved = (await desk.resolve(token)).json()
    plans = (await desk.read(f"/{resolved['id']}/listAvailablePlans"))["plans"]
    assert resolved["planId"] in {plan["planId"] for plan in plans}
    assert await bought.states() == ("pending", "PendingFulfillmentStart")
    reply = await desk.call("POST", f"/{resolved['id']}/activate", {"planId": resolved["planId"]})
    assert reply.status_code == 200
    assert await bought.states() == ("active", "Subscribed")


async def report(desk: Desk, bought: Bought, *quantities: int) -> list[Json]:
    """Report usage of the last hours, one event for each."""
    events = [
        {
            "resourceId": bought.id,
            "planId": "pro",
            "dimension": "scans",
            "quantity": quantity,
            "effectiveStartTime": f"{desk.market.now:%Y-%m-%d}T{desk.market.now.hour - 1 - hours:02d}:30:00Z",
        }
        for hours, quantity in enumerate(quantities)
    ]
    caller = f"publisher:{desk.publisher}"
    reply = await desk.market.post(
        f"/api/batchUsageEvent?{VERSION}", {"request": events}, account=caller, may_keep=True
    )
    assert reply.status_code == 200, reply.text
    result: list[Json] = reply.json()["result"]
    return result


async def lines_of(desk: Desk, path: str) -> list[Json]:
    query = "provider=onetime&invoicelineitemtype=billinglineitems&currencycode=usd&size=100"
    reply = await desk.market.get(f"/v1/invoices/{path}/lineitems?{query}", account=desk.account)
    assert reply.status_code == 200, reply.text
    found: list[Json] = reply.json()["items"]
    return found


async def test_a_year_with_a_publisher(desk: Desk) -> None:
    seats, metered = await desk.buy("team", 6), await desk.buy("pro", 1)
    assert await lines_of(desk, "unbilled") == []
    for bought in (seats, metered):
        await set_up(desk, bought)
    assert [line["chargeType"] for line in await lines_of(desk, "unbilled")] == ["new", "new"]

    # The partner asks for more seats, and waits; the publisher says nothing, which is consent.
    await desk.configure(ack_window_seconds=0, csp_allowed_operations="all")
    assert (await seats.patch({"quantity": 9})).json()["quantity"] == 9
    assert (await seats.seen())["quantity"] == 9

    # The publisher asks for fewer, and says itself that it is done.
    reply = await seats.call("PATCH", body={"quantity": 8})
    assert (await seats.acknowledge(reply.headers["operation-id"])).status_code == 200
    assert ((await seats.seen())["quantity"], (await seats.owned())["quantity"]) == (8, 8)
    await desk.deliver()

    # Usage, one event of it twice.
    await pass_time(desk, hours=10)
    results = await report(desk, metered, 12, 3)
    assert [result["status"] for result in results] == ["Accepted", "Accepted"]
    assert [result["status"] for result in await report(desk, metered, 12)] == ["Duplicate"]

    # A month later both renew, and the month before is invoiced.
    assert sorted(await pass_time(desk, days=31)) == ["Renew", "Renew"]
    for bought in (seats, metered):
        assert await bought.states() == ("active", "Subscribed")
        assert (await bought.seen())["term"]["startDate"] == "2026-04-02T00:00:00Z"
    await pass_time(desk, days=6)
    reply = await desk.market.get("/v1/invoices", account=desk.account)
    (invoice,) = reply.json()["items"]
    billed = await lines_of(desk, invoice["id"])
    usage = [line for line in billed if line["meterDescription"]]
    assert [line["subscriptionId"] for line in usage] == [metered.id]
    assert [Decimal(str(line["subtotal"])) for line in usage] == [Decimal("9.00")], "15 units of 0.60"
    assert sum(Decimal(str(line["totalForCustomer"])) for line in billed) == Decimal(
        str(invoice["totalCharges"])
    )

    # Each side ends one of the two.
    assert (await seats.call("DELETE")).status_code == 202
    assert (await metered.patch({"status": "deleted"}, may_keep=True)).status_code == 400, (
        "too late to cancel"
    )
    assert (await metered.patch({"autoRenewEnabled": False})).status_code == 200
    assert [body["action"] for body in await desk.deliver()] == ["Unsubscribe"]
    assert await seats.states() == ("deleted", "Unsubscribed")
    assert await pass_time(desk, days=31) == ["Unsubscribe"]
    assert await metered.states() == ("expired", "Unsubscribed")


PENDING = ("pending", "PendingFulfillmentStart")
ACTIVE = ("active", "Subscribed")
DELETED = ("deleted", "Unsubscribed")
BUTTON = re.compile(r'name="token" value="([^"]+)"')


@dataclass
class Sides:
    """The partner and the publisher's own program, each asked for what it sees."""

    loop: Loop
    told: int = 0

    @property
    def desk(self) -> Desk:
        return self.loop.desk

    async def now(self) -> datetime:
        """The account's time."""
        return (await self.desk.market.context(self.desk.account)).now

    async def pass_time(self, **duration: float) -> None:
        """Let the account's time pass: by itself, or by moving a sandbox's clock."""
        market = self.desk.market
        if self.desk.account == "sandbox":
            await market.advance(f"PT{int(timedelta(**duration).total_seconds())}S")
        else:
            market.wait(**duration)
            market.tokens.clear()
            await market.work()
        await self.loop.deliver()

    async def see(
        self, bought: Bought, states: tuple[str, str], *told: str, seats: int | None = None
    ) -> None:
        """Both sides see these states and seats; the publisher was told this since it was last looked at."""
        await self.loop.deliver()
        assert await bought.states() == states
        assert self.loop.actions[self.told :] == list(told)
        self.told = len(self.loop.actions)
        if seats is not None:
            assert ((await bought.owned())["quantity"], (await bought.seen())["quantity"]) == (seats, seats)

    async def set_up(self, bought: Bought) -> None:
        """Open the link without any credentials, and press the button."""
        page = await self.loop.browser.get(await bought.link())
        token = BUTTON.search(page.text)
        assert token is not None, page.text
        await self.see(bought, PENDING)
        done = await self.loop.browser.post("/activate", data={"token": token[1]})
        assert done.status_code == 200
        assert "Subscribed" in done.text
        await self.see(bought, ACTIVE)
        owned, seen = await bought.owned(), await bought.seen()
        assert owned["commitmentEndDate"][:10] == seen["term"]["endDate"][:10]

    async def meter(self, bought: Bought, units: int, *, hours_ago: int) -> list[str]:
        """Use units and report them; what came of it."""
        at = (await self.now() - timedelta(hours=hours_ago)).isoformat()
        used = {"subscription": bought.id, "dimension": "scans", "units": units, "at": at}
        assert (await self.loop.post("/use", used)).status_code == 200
        return [result["status"] for result in (await self.loop.post("/report", None)).json()]

    async def charges(self, bought: Bought, path: str = "unbilled") -> list[tuple[str, str]]:
        """What the partner reads of a purchase, sorted: each charge's type, or meter, and its amount."""
        lines = await lines_of(self.desk, path)
        return sorted(
            (line["meterDescription"] or line["chargeType"], f"{line['subtotal']:.2f}")
            for line in lines
            if line["subscriptionId"] == bought.id
        )

    async def invoices(self) -> list[Json]:
        reply = await self.desk.market.get("/v1/invoices", account=self.desk.account)
        found: list[Json] = sorted(reply.json()["items"], key=lambda invoice: invoice["invoiceDate"])
        return found


@pytest.mark.parametrize("account", ["production", "sandbox"])
async def test_the_loop_with_the_sample_publisher(loop: Loop, account: str) -> None:
    sides, desk = Sides(loop), loop.desk
    desk.account = account
    await desk.configure(csp_allowed_operations="all")
    if account == "sandbox":
        await desk.configure(sandbox_publisher_delivery=True, activation_link="publisher")

    # 1 to 4: bought, not yet set up, set up.
    seats, metered = await desk.buy("team", 6), await desk.buy("pro", 1)
    for bought in (seats, metered):
        await sides.see(bought, PENDING)
    assert (await seats.patch({"quantity": 9})).json()["code"] == 800081
    assert await lines_of(desk, "unbilled") == []
    for bought in (seats, metered):
        await sides.set_up(bought)
    assert await sides.charges(seats) == [("new", "60.00")]
    assert await sides.charges(metered) == [("new", "90.00")]

    # 7: the partner asks for seats, and the publisher agrees, or does not.
    assert (await seats.patch({"quantity": 9})).json()["quantity"] == 9
    await sides.see(seats, ACTIVE, "ChangeQuantity", seats=9)
    loop.meet(Habit.REFUSE)
    refused = await seats.patch({"quantity": 12}, may_keep=True)
    assert (refused.status_code, refused.json()["code"]) == (400, 800095)
    await sides.see(seats, ACTIVE, "ChangeQuantity", seats=9)
    loop.meet(Habit.ACKNOWLEDGE)

    # 8: the publisher asks for seats.
    operation = await loop.site.marketplace.change(seats.id, {"quantity": 8})
    await sides.see(seats, ACTIVE, "ChangeQuantity", seats=8)
    assert (await seats.operation(operation))["status"] == "Succeeded"
    assert await sides.charges(seats) == [
        ("addQuantity", "-60.00"),
        ("addQuantity", "90.00"),
        ("new", "60.00"),
        ("removeQuantity", "-90.00"),
        ("removeQuantity", "80.00"),
    ]

    # 10: nobody is told of auto-renewal, everybody sees it.
    for wanted in (False, True):
        assert (await metered.patch({"autoRenewEnabled": wanted})).json()["autoRenewEnabled"] is wanted
        assert (await metered.seen())["autoRenew"] is wanted

    # 19: usage.
    await sides.pass_time(hours=10)
    assert await sides.meter(metered, 12, hours_ago=2) == ["Accepted"]
    assert await sides.meter(metered, 3, hours_ago=1) == ["Accepted"]
    assert await sides.meter(metered, 7, hours_ago=2) == ["Duplicate"]
    await sides.see(metered, ACTIVE)

    # 11: renewed.
    first = (await seats.seen())["term"]
    await sides.pass_time(days=31)
    await sides.see(seats, ACTIVE, "Renew", "Renew", seats=8)
    term = (await seats.seen())["term"]
    assert term["startDate"] > first["endDate"]
    assert (await seats.owned())["commitmentEndDate"][:10] == term["endDate"][:10]
    assert ("renew", "80.00") in await sides.charges(seats)

    # 17 and 18: each side ends one of the two, at once and with the term's charge given back.
    assert (await seats.patch({"status": "deleted"})).status_code == 200
    await sides.see(seats, DELETED, "Unsubscribe")
    await loop.site.marketplace.cancel(metered.id)
    await sides.see(metered, DELETED, "Unsubscribe")
    assert [event["operationRequestSource"] for event in loop.site.book.events][-2:] == ["Azure", "Partner"]
    for bought, charged in ((seats, "80.00"), (metered, "90.00")):
        assert await sides.charges(bought) == [("cancelImmediate", f"-{charged}"), ("renew", charged)]

    # 20 and 21: usage of before comes in late, and that was all.
    await sides.pass_time(hours=2)
    assert await sides.meter(metered, 5, hours_ago=3) == ["Accepted"]
    assert await sides.meter(metered, 5, hours_ago=1) == ["ResourceNotActive"]
    assert (await seats.patch({"status": "active"})).json()["code"] == 2011
    await sides.see(metered, DELETED)

    # March is invoiced with its overage, then April with the rest.
    await sides.pass_time(days=6)
    (march,) = await sides.invoices()
    overage = "Beacon - Pro - Document scans"
    assert await sides.charges(metered, march["id"]) == [(overage, "9.00"), ("new", "90.00")]
    await sides.pass_time(days=31)
    _, april = await sides.invoices()
    assert await sides.charges(metered, april["id"]) == [
        (overage, "3.00"),
        ("cancelImmediate", "-90.00"),
        ("renew", "90.00"),
    ]
    for invoice, total in ((march, 99 + 80), (april, 3)):
        assert Decimal(str(invoice["totalCharges"])) == total

"""Some weeks of a partner's life, after which its clock stands still and much lies ahead of it.

``live`` fills the sandbox: customers in three countries, plans paid by the month and by the year, a trial, an
add-on, seats that come and go, metered usage, an invoice, a payment and a correction that is under way. What
time will do next is written down in the books' due work; the months after it hold renewals, cycles, a
conversion, an expiry, deadlines that pass, usage to be rated, and an invoice each month.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from tests import metering_desk, order_market
from tests.market import Json, Market
from tests.order_market import Shop

from comptoir.billing import service_amending
from comptoir.billing.amending import Rebill
from comptoir.db import sql
from comptoir.identity.model import SettingValue

STANDS_AT = datetime(2026, 4, 9, 6, tzinfo=UTC)
"""Where the clock stands afterwards."""

AHEAD = datetime(2026, 9, 9, tzinfo=UTC)
"""Where tests advance it to."""

EUROS, DOLLARS = "T000000001", "T000000002"
SETTINGS: dict[str, SettingValue] = {
    "allow_partner_activation": True,
    "allow_partner_suspend": True,
    "activation_limit_days": 20,
    "suspension_grace_days": 40,
}
MOVE = sql("UPDATE accounts SET country = :country, currency = :currency WHERE id = :account_id")


@dataclass(frozen=True)
class Scene:
    """The sandbox of a marketplace that sells the catalogues of ``order_market`` and ``metering_desk``."""

    market: Market
    shop: Shop
    meters: dict[tuple[str, str], str]

    def until(self, day: str) -> None:
        """Let time pass up to an instant, without doing what falls due."""
        now = datetime.fromisoformat(day).replace(tzinfo=UTC)
        assert now >= self.market.now
        self.market.time[0] = now
        self.market.tokens.clear()

    async def buy(
        self, plan: str, country: str, quantity: int, *, is_active: bool = True, **line: Json
    ) -> str:
        """The path of a subscription that was ordered, and is active unless told otherwise."""
        path = await self.order(plan, country, quantity, **line)
        if is_active:
            activated = await self.market.post(f"{path}/activate", alone=False)
            assert activated.status_code == 200, activated.text
        return path

    async def order(self, plan: str, country: str, quantity: int, **line: Json) -> str:
        """The path of a subscription that was ordered."""
        cycle = line.pop("cycle", "monthly")
        item = self.meters.get((plan, country)) or self.shop.item(plan, country)
        wanted = {"lineItemNumber": 0, "offerId": item, "quantity": quantity, **line}
        customer = f"/v1/customers/{self.market.customer(country)}"
        body = {"billingCycle": cycle, "lineItems": [wanted]}
        placed = await self.market.post(f"{customer}/orders", body, alone=False)
        assert placed.status_code == 201, placed.text
        await self.market.work()
        return f"{customer}/subscriptions/{placed.json()['lineItems'][0]['subscriptionId']}"

    async def change(self, path: str, **members: Json) -> None:
        reply = await self.market.patch(path, members, alone=False)
        assert reply.status_code == 200, reply.text

    async def use(self, path: str, plan: str, dimension: str, quantity: float, hours_ago: int) -> None:
        """Usage that the operator reports."""
        at = (self.market.now - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "resourceId": path.rpartition("/")[2],
            "quantity": quantity,
            "dimension": dimension,
            "effectiveStartTime": at,
            "planId": plan,
        }
        path = "/operator/v1/accounts/sandbox/usage"
        reply = await self.market.post(path, {"request": [event]}, account="operator", alone=False)
        assert reply.status_code == 200, reply.text
        (outcome,) = reply.json()["result"]
        assert outcome["status"] == "Accepted", outcome

    async def operate(self, path: str, body: Json = None) -> None:
        """A call of the operator about the account."""
        address = f"/operator/v1/accounts/sandbox/{path}"
        reply = await self.market.post(address, body, account="operator", alone=False)
        assert reply.status_code < 300, reply.text

    async def correct(self) -> None:
        """Begin to bill an invoice anew: the rest is due work."""
        ctx = replace(await self.market.context(), request_id="", correlation_id="")
        wanted = Rebill(reason="wrong address", purchase_order="PO-7")
        await self.market.write(partial(service_amending.rebill, ctx=ctx, invoice_id=EUROS, wanted=wanted))


async def open_catalogues(market: Market) -> Scene:
    """Publish both catalogues."""
    shop = await order_market.open_shop(market)
    await metering_desk.publish(market)
    rows = await market.read(lambda tx: tx.all(metering_desk.LIST_ITEMS))
    meters = {
        (row["plan_id"], row["country"]): f"{row['product_id']}:{row['sku_id']}:{row['id']}" for row in rows
    }
    return Scene(market, shop, meters)


async def open_scene(market: Market) -> Scene:
    """Two purchases in dollars; from then on the account is billed in euros."""
    scene = await open_catalogues(market)
    account = await market.account()
    await market.configure("sandbox", **SETTINGS)
    # This month has a document in dollars too: one purchase is given back at once, the other one is kept.
    dollars = await scene.buy("team", "US", 2)
    scene.until("2026-03-02T09:00:00")
    await scene.change(dollars, status="deleted")
    scene.until("2026-03-02T10:00:00")
    kept = await scene.buy("basic", "US", 1)
    await scene.change(kept, autoRenewEnabled=False)
    await market.write(lambda tx: tx.run(MOVE, account_id=account.id, country="FR", currency="EUR"))
    return scene


async def live(market: Market) -> None:
    """March and a week of April 2026. See the head of this file."""
    scene = await open_scene(market)
    team = await scene.buy("team", "US", 6, termDuration="P1M")
    await scene.buy("extra", "US", 3)
    year = await scene.buy("team", "FR", 4, termDuration="P1Y")
    await scene.buy("team", "JP", 7, cycle="annual", termDuration="P3Y")
    await scene.buy("team trial", "FR", 5, cycle="none")
    mailer = await scene.buy("basic", "US", 1)
    big = await scene.buy("big", "FR", 1, termDuration="P1Y")
    scene.until("2026-03-15T10:20:30")
    await scene.change(team, quantity=9)
    await scene.change(year, quantity=2)
    await scene.use(mailer, "basic", "email100", 12.5, 2)
    await scene.use(mailer, "basic", "text", 333, 3)
    await scene.use(big, "big", "email100", 1000.125, 1)
    scene.until("2026-03-31T22:00:00")
    ending = await scene.buy("team", "US", 2, termDuration="P1M")
    await scene.change(ending, autoRenewEnabled=False)
    returned = await scene.buy("scarce", "FR", 3)
    scene.until("2026-04-01T09:00:00")
    await scene.change(returned, status="deleted")
    silent = await scene.buy("big", "US", 1, termDuration="P1M")
    await scene.change(silent, status="suspended")
    await scene.buy("single", "JP", 1, is_active=False)
    scene.until("2026-04-08T12:00:00")
    await market.work()
    await scene.operate(
        f"invoices/{DOLLARS}/credits", {"reason": "late", "lines": [{"line": 3, "perUnit": 1}]}
    )
    scene.until(f"{STANDS_AT:%Y-%m-%dT%H:%M:%S}")
    await market.configure(order_fulfilment_delay_seconds=86_400)
    await scene.order("team", "FR", 1, termDuration="P1M")
    for number in range(12):
        await scene.use(big, "big", "email100", 7.5 + number, 29 * number)
        await scene.use(mailer, "basic", ("email100", "text")[number % 2], 10 + number, 31 * number)
    await scene.correct()
    await scene.operate("clock/freeze")

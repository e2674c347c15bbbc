"""What the books hold about the subscriptions of the shop, for tests of either engine."""

from datetime import datetime
from decimal import Decimal
from functools import partial

from comptoir.audit import service as audit
from comptoir.audit.model import Action, Entry
from comptoir.billing import service_lines, store_lines, store_reference
from comptoir.billing.model import ExchangeRate, Line, PrivateOffer, Subject, TaxRate
from comptoir.db import Row, Tx, sql
from tests.order_market import Shop
from tests.subscription_desk import Held

LIST_POSTINGS = sql("""
    SELECT id, source_kind, source_id, at, debit, credit, amount, currency FROM postings
    WHERE account_id = :account_id AND source_kind = 'line' ORDER BY id{c}
""")
FORGET_RATES = sql("DELETE FROM exchange_rates WHERE currency = :currency")


async def lines_of(held: Held) -> list[Line]:
    """Every line of a subscription, in the order in which they were written."""
    account = await held.shop.market.account(held.shop.account)
    return await held.shop.market.read(
        partial(service_lines.lines_of_subscription, account_id=account.id, subscription_id=held.id)
    )


async def subject_of(held: Held, line: Line) -> Subject:
    """What a line is about."""
    account = await held.shop.market.account(held.shop.account)
    return await held.shop.market.read(
        partial(store_lines.get_subject, account_id=account.id, subject_id=line.subject_id)
    )


async def postings(shop: Shop) -> list[Row]:
    """Every posting of a line of the account."""
    account = await shop.market.account(shop.account)
    return await shop.market.read(lambda tx: tx.all(LIST_POSTINGS, account_id=account.id))


async def batches(shop: Shop) -> list[Entry]:
    """What the journal says of lines that were written."""
    account = await shop.market.account(shop.account)
    recorded = await shop.market.read(lambda tx: audit.read(tx, account.id, 0, 1_000))
    return [each.entry for each in recorded if each.entry.action == Action.WRITE_LINES]


async def set_exchange_rate(shop: Shop, currency: str, month: int, usd_per_unit: str) -> None:
    rate = ExchangeRate(currency, month, Decimal(usd_per_unit))
    await shop.market.write(lambda tx: store_reference.set_exchange_rates(tx, [rate]))


async def forget_exchange_rates(shop: Shop, currency: str) -> None:
    await shop.market.write(lambda tx: tx.run(FORGET_RATES, currency=currency))


async def set_tax_rate(shop: Shop, rate: str, valid_from: datetime) -> None:
    """Tax in the country of the shop's account."""
    account = await shop.market.account(shop.account)
    tax = TaxRate(account.country, valid_from, Decimal(rate), "Tax")
    await shop.market.write(lambda tx: store_reference.set_tax_rates(tx, [tax]))


async def give_private_offer(
    shop: Shop,
    item: str,
    valid_from: datetime,
    valid_until: datetime | None = None,
    *,
    margin: str | None = None,
    price: str | None = None,
) -> None:
    """Better terms for the plan of a catalogue item, for the shop's account."""
    account = await shop.market.account(shop.account)
    product_id, sku_id, _ = item.split(":")
    offer = PrivateOffer(
        account_id=account.id,
        product_id=product_id,
        sku_id=sku_id,
        valid_from=valid_from,
        valid_until=valid_until,
        margin=None if margin is None else Decimal(margin),
        price=None if price is None else Decimal(price),
    )

    async def work(tx: Tx) -> None:
        await store_reference.set_private_offers(tx, [offer])

    await shop.market.write(work)

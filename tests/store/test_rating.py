"""Accepted usage becomes consumption lines, on both engines (``30-invoices-billing`` section 4)."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from tests import watch
from tests.market import Json
from tests.metering_desk import CATALOGUE, Desk, desk, publish

from comptoir.billing import cents, service_rating, store_reference
from comptoir.billing.model import MARGIN_APPLIED, ExchangeRate, PrivateOffer, Subject, TaxRate
from comptoir.billing.rating import ConsumptionLine
from comptoir.catalog import service as catalog
from comptoir.db import sql
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import Status

__all__ = ["desk"]
pytestmark = pytest.mark.anyio

SUBJECT = sql("SELECT document FROM line_subjects WHERE account_id = :account_id AND id = :id")
LINES = sql("""
    SELECT kind, billable_quantity, effective_unit_price, subtotal, charge_start_at, invoice_id
    FROM reconciliation_lines WHERE account_id = :account_id AND kind = 'usage' ORDER BY sequence
""")
INVOICES = sql("SELECT id, month, total FROM invoices WHERE account_id = :account_id ORDER BY month")
JOURNAL = sql("SELECT after FROM journal WHERE account_id = :account_id AND action = 'rate_usage'")
SET_CURRENCY = sql("UPDATE accounts SET currency = :currency WHERE id = :account_id")
SET_DIMENSION = sql("UPDATE usage_events SET dimension_id = 'calls' WHERE account_id = :account_id")
DELETE_CUSTOMER = sql("UPDATE customers SET deleted_at = 1 WHERE account_id = :account_id AND id = :id")


async def lines_of(desk: Desk) -> list[ConsumptionLine]:
    account = await desk.market.account(desk.account)
    return await desk.market.read(
        partial(
            service_rating.lines_of_subscription,
            account_id=account.id,
            customer_id=desk.customer_id,
            subscription_id=desk.subscription_id,
        )
    )


async def rated(desk: Desk) -> list[ConsumptionLine]:
    """The lines after all work that is due is done; doing it again changes nothing."""
    await desk.market.work()
    before = await watch.content(desk.market.services.database)
    await desk.market.work()
    assert await watch.content(desk.market.services.database) == before
    return await lines_of(desk)


async def of_account(desk: Desk, statement: Any, **parameters: Any) -> list[Any]:
    account = await desk.market.account(desk.account)
    return await desk.rows(statement, account_id=account.id, **parameters)


async def subject_of(desk: Desk, line: ConsumptionLine) -> Json:
    (row,) = await of_account(desk, SUBJECT, id=line.subject_id)
    return json.loads(row["document"])


async def add(desk: Desk, *events: Json) -> list[str]:
    """The statuses of events that the operator adds."""
    path = f"/operator/v1/accounts/{desk.account}/usage"
    reply = await desk.market.post(path, {"request": list(events)}, account="operator")
    return [item["status"] for item in reply.json()["result"]]


async def on(desk: Desk, text: str) -> None:
    """Let time pass until an instant, doing what falls due on the way."""
    desk.market.time[0] = datetime.fromisoformat(text).replace(tzinfo=UTC)
    desk.market.tokens.clear()
    await desk.market.work()


# A day


async def test_the_events_of_a_day_are_one_line_that_grows(desk: Desk) -> None:
    await desk.accept(quantity=2.5, dimension="text")
    (line,) = await rated(desk)
    assert (line.usage_on, line.bill_month) == (datetime(2026, 3, 2, tzinfo=UTC), 202603)
    assert (line.event_count, line.quantity, line.is_late) == (1, Decimal("2.5"), False)
    assert (line.price.listed, line.price.effective, line.price.currency) == (
        Decimal("0.05"),
        Decimal("0.05"),
        "USD",
    )
    assert line.totals == (Decimal("0.125"), Decimal("0.125"))
    assert line.rates.exchange_month == 0

    await desk.accept(quantity=7, dimension="text", effectiveStartTime="2026-03-02T08:20:00Z")
    (grown,) = await rated(desk)
    assert (grown.id, grown.sequence, grown.subject_id) == (line.id, line.sequence, line.subject_id)
    assert (grown.event_count, grown.quantity) == (2, Decimal("9.5"))
    assert {row["line_id"] for row in await desk.events()} == {line.id}


async def test_each_dimension_and_day_has_a_line(desk: Desk) -> None:
    await desk.accept()
    await desk.accept(dimension="text")
    desk.pass_time(days=1)
    await desk.accept()
    lines = await rated(desk)
    assert sorted((line.dimension_id, line.usage_on.day) for line in lines) == [
        ("email100", 2),
        ("email100", 3),
        ("text", 2),
    ]
    sequences = sorted(line.sequence for line in lines)
    assert sequences == list(range(sequences[0], sequences[0] + 3))


async def test_a_line_tells_what_it_is_about(desk: Desk) -> None:
    await desk.accept()
    (line,) = await rated(desk)
    subject = await subject_of(desk, line)
    bought = await desk.stored()
    expected = {
        "product_id": bought.product_id,
        "sku_id": bought.sku_id,
        "availability_id": bought.availability_id,
        "product_name": "Mailer",
        "sku_name": "Basic",
        "plan_id": "basic",
        "dimension_id": "email100",
        "meter_name": "Mailer - Basic - E-mails",
        "unit_of_measure": "per 100 e-mails",
        "term_and_billing_cycle": "per 100 e-mails",
        "billing_frequency": "",
        "publisher_name": "Meterworks",
    }
    assert {name: subject[name] for name in expected} == expected
    assert set(subject) == set(Subject.__dataclass_fields__)


async def test_rating_in_pieces_comes_to_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_rating, "EVENTS_AT_ONCE", 2)
    desk.pass_time(hours=5)
    for hour in range(5):
        await desk.accept(quantity=hour + 1, effectiveStartTime=desk.at(hours=hour))
    await desk.accept(dimension="text")
    lines = await rated(desk)
    assert sorted((line.dimension_id, line.event_count, line.quantity) for line in lines) == [
        ("email100", 5, Decimal(15)),
        ("text", 1, Decimal("5.5")),
    ]
    entries = [json.loads(row["after"]) for row in await of_account(desk, JOURNAL)]
    assert len(entries) == 3
    assert len({entry["digest"] for entry in entries}) == 3


async def test_usage_of_several_subscriptions_is_rated_together(desk: Desk) -> None:
    big = await desk.buy("big")
    await desk.batch(desk.event(), big.event(), big.event(dimension="calls"))
    await desk.market.work()
    assert [line.price.listed for line in await lines_of(desk)] == [Decimal(1)]
    prices = {line.dimension_id: line.price.listed for line in await lines_of(big)}
    assert prices == {"email100": Decimal("0.8"), "calls": Decimal("0.1")}
    assert len(await of_account(desk, JOURNAL)) == 1


# Prices


async def test_the_price_of_the_instant_of_usage_counts(desk: Desk) -> None:
    await desk.accept(dimension="text", effectiveStartTime="2026-03-02T08:20:00Z")
    desk.pass_time(hours=1)
    await publish(desk.market, CATALOGUE.replace("USD: 0.05", "USD: 0.06"))
    await desk.accept(dimension="text", effectiveStartTime="2026-03-02T09:59:00Z")
    await desk.accept(dimension="text", effectiveStartTime=desk.at())
    old, new = sorted(await rated(desk), key=lambda line: line.price.listed)
    assert (old.price.listed, old.event_count) == (Decimal("0.05"), 2)
    assert (new.price.listed, new.event_count) == (Decimal("0.06"), 1)
    assert old.usage_on == new.usage_on


async def test_usage_of_a_plan_that_was_left_is_billed_by_that_plan(desk: Desk) -> None:
    before = await desk.stored()
    await change_plan(desk, "big")
    desk.pass_time(hours=1)
    assert (await desk.report(desk.event(dimension="calls"))).status_code == 400
    await desk.accept(dimension="text", effectiveStartTime="2026-03-02T09:14:59Z")
    assert (await desk.report(desk.event(planId="basic"))).json()["details"][0]["target"] == "planId"
    await desk.accept(planId="big")
    await desk.accept(planId="big", dimension="calls", effectiveStartTime="2026-03-02T09:14:00Z")
    lines = {line.dimension_id: line for line in await rated(desk)}
    prices = {name: line.price.listed for name, line in lines.items()}
    assert prices == {"text": Decimal("0.05"), "email100": Decimal("0.8"), "calls": Decimal("0.1")}
    assert (lines["text"].sku_id, lines["email100"].sku_id) == (before.sku_id, (await desk.stored()).sku_id)
    left = await subject_of(desk, lines["text"])
    assert (left["sku_id"], left["sku_name"], left["plan_id"]) == (before.sku_id, "Basic", "basic")
    assert left["availability_id"] == before.availability_id
    assert left["meter_name"] == "Mailer - Basic - Text messages"
    assert (await subject_of(desk, lines["calls"]))["meter_name"] == "Mailer - Big - Calls"


async def test_a_plan_that_was_had_for_no_time_is_no_plan_of_then(desk: Desk) -> None:
    await change_plan(desk, "big")
    await change_plan(desk, "basic")
    desk.pass_time(hours=1)
    reply = await desk.report(desk.event(planId="big", effectiveStartTime="2026-03-02T09:14:59Z"))
    assert reply.json()["details"][0]["target"] == "planId"
    await desk.accept(effectiveStartTime="2026-03-02T09:14:59Z")
    (line,) = await rated(desk)
    assert line.price.listed == Decimal(1)


async def change_plan(desk: Desk, plan_id: str) -> None:
    """Move the subscription to another plan, as an operator does."""
    ctx = await desk.market.context(desk.account)
    bought = await desk.stored()

    async def work(tx: Any) -> None:
        offer = await subscriptions.offer_of(tx, bought)
        assert offer is not None
        (plan,) = [each for each in await catalog.plans(tx, bought.product_id) if each.sku.plan_id == plan_id]
        beside = await catalog.on_sale_beside(tx, offer)
        (wanted,) = [each for each in beside if each.sku_id == plan.sku.id and each.currency == "USD"]
        offers = await catalog.offers(tx, [wanted.catalog_item_id])
        term = next(term for term in wanted.terms if term.duration == bought.term)
        await subscriptions.change_plan(tx, ctx, bought, offers[wanted.catalog_item_id], term)

    await desk.market.write(work)


async def test_a_margin_on_usage_stops_at_the_end_of_its_offer(desk: Desk) -> None:
    bought, account = await desk.stored(), await desk.market.account(desk.account)
    end = datetime(2026, 3, 2, 9, tzinfo=UTC)
    offer = PrivateOffer(
        account.id,
        bought.product_id,
        bought.sku_id,
        datetime(2026, 1, 1, tzinfo=UTC),
        end,
        Decimal("0.2"),
        None,
    )
    await desk.market.write(lambda tx: store_reference.set_private_offers(tx, [offer]))
    await desk.accept(effectiveStartTime="2026-03-02T08:59:59Z")
    await desk.accept(effectiveStartTime="2026-03-02T09:00:00Z")
    with_margin, without = await rated(desk)
    assert (with_margin.price.listed, with_margin.price.effective) == (Decimal(1), Decimal("0.8"))
    assert with_margin.price.adjustment == MARGIN_APPLIED
    assert (without.price.effective, without.price.adjustment) == (Decimal(1), "")
    assert with_margin.usage_on == without.usage_on


async def test_usage_is_converted_and_taxed_as_test_vector_16_says(desk: Desk) -> None:
    """12,345.678 units at 0.0125 USD, billed in EUR."""
    await publish(desk.market, CATALOGUE.replace("USD: 0.05", "USD: 0.0125"))
    account = await desk.market.account(desk.account)
    await desk.market.write(lambda tx: tx.run(SET_CURRENCY, account_id=account.id, currency="EUR"))
    euro = ExchangeRate("EUR", 202603, Decimal("1.18175"))
    await desk.market.write(lambda tx: store_reference.set_exchange_rates(tx, [euro]))
    tax = TaxRate("US", datetime(2026, 3, 31, tzinfo=UTC), Decimal("0.20"), "VAT")
    await desk.market.write(lambda tx: store_reference.set_tax_rates(tx, [tax]))
    await desk.accept(dimension="text", quantity=12345.678)
    (line,) = await rated(desk)
    assert (line.currency, line.price.currency) == ("EUR", "USD")
    assert (line.rates.exchange_rate, line.rates.exchange_month) == (Decimal("0.846202666"), 202603)
    assert line.rates.exchange_rate_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert line.rates.tax_rate == Decimal("0.2")
    assert line.totals == (Decimal("154.320975"), Decimal("130.5868204647"))
    subtotal = cents.usage_subtotal(
        line.price.effective, line.quantity, line.rates.exchange_rate, "USD", "EUR"
    )
    assert (subtotal, cents.tax(subtotal, line.rates.tax_rate)) == (130_58, 26_11)


async def test_usage_without_a_price_is_rejected(desk: Desk) -> None:
    """No publication leads there: meters of a plan that was sold are frozen."""
    await desk.accept()
    account = await desk.market.account(desk.account)
    await desk.market.write(lambda tx: tx.run(SET_DIMENSION, account_id=account.id))
    assert await rated(desk) == []
    (usage,) = await desk.read_back()
    assert (usage["reconStatus"], usage["processedQuantity"], usage["planName"]) == ("Rejected", 0.0, "Basic")


async def test_usage_of_a_customer_that_was_deleted_is_rated(desk: Desk) -> None:
    await desk.accept()
    account = await desk.market.account(desk.account)
    delete = partial(lambda tx: tx.run(DELETE_CUSTOMER, account_id=account.id, id=desk.customer_id))
    await desk.market.write(delete)
    assert len(await rated(desk)) == 1


async def test_usage_of_an_ended_subscription_is_rated(desk: Desk) -> None:
    await desk.accept()
    await desk.rewrite(status=Status.DELETED, ended_at=desk.now)
    assert len(await rated(desk)) == 1


# Months


async def test_usage_is_invoiced_as_test_vector_15_says(desk: Desk) -> None:
    """The base fee, 23.5 units at 1.00 and 137 at 0.05: 35.35 in all."""
    await desk.accept(quantity=23.5)
    await desk.accept(dimension="text", quantity=137)
    await on(desk, "2026-04-07T23:59:59")
    assert await of_account(desk, INVOICES) == []
    await on(desk, "2026-04-08")
    (invoice,) = await of_account(desk, INVOICES)
    assert (invoice["month"], invoice["total"]) == (202603, 35_35)
    billed = await of_account(desk, LINES)
    assert [(row["billable_quantity"], row["subtotal"]) for row in billed] == [("23.5", 23_50), ("137", 6_85)]
    assert {line.invoice_id for line in await lines_of(desk)} == {invoice["id"]}


async def test_late_usage_is_billed_as_test_vector_19_says(desk: Desk) -> None:
    """41 units of March are added after the cut-off, 1,000 are used in April, at 0.05 each."""
    await on(desk, "2026-04-05T00:00:00")
    await desk.accept(dimension="text", quantity=1000)
    late = desk.event(dimension="text", quantity=41, effectiveStartTime="2026-03-29T10:00:00Z")
    await on(desk, "2026-04-10T00:00:00")
    assert await add(desk, late) == ["Accepted"]
    await on(desk, "2026-05-08T00:00:00")
    april, march = sorted(await lines_of(desk), key=lambda line: -line.quantity)
    assert (march.usage_on, march.bill_month, march.is_late) == (
        datetime(2026, 3, 29, tzinfo=UTC),
        202604,
        True,
    )
    assert (april.bill_month, april.is_late) == (202604, False)
    billed = {row["billable_quantity"]: row for row in await of_account(desk, LINES)}
    assert {quantity: row["subtotal"] for quantity, row in billed.items()} == {"1000": 50_00, "41": 2_05}
    totals = {row["month"]: row["total"] for row in await of_account(desk, INVOICES)}
    assert totals == {202603: 5_00, 202604: 57_05}


@pytest.mark.parametrize(
    ("received", "month"), [("2026-04-02T23:59:59.999999", 202603), ("2026-04-03T00:00:00", 202604)]
)
async def test_the_cut_off_is_the_third_day(desk: Desk, received: str, month: int) -> None:
    await on(desk, received)
    assert await add(desk, desk.event(effectiveStartTime="2026-03-31T23:30:00Z")) == ["Accepted"]
    (line,) = await rated(desk)
    assert (line.bill_month, line.usage_on.day) == (month, 31)


async def test_a_day_on_both_sides_of_the_cut_off_has_two_lines(desk: Desk) -> None:
    await on(desk, "2026-04-02T12:00:00")
    assert await add(desk, desk.event(effectiveStartTime="2026-03-31T22:30:00Z", quantity=1)) == ["Accepted"]
    await desk.market.work()
    await on(desk, "2026-04-03T12:00:00")
    assert await add(desk, desk.event(effectiveStartTime="2026-03-31T23:30:00Z", quantity=2)) == ["Accepted"]
    in_time, late = await rated(desk)
    assert (in_time.bill_month, in_time.quantity, in_time.is_late) == (202603, Decimal(1), False)
    assert (late.bill_month, late.quantity, late.is_late) == (202604, Decimal(2), True)


async def test_what_is_rated_after_its_invoice_is_billed_with_the_next_one(desk: Desk) -> None:
    await on(desk, "2026-03-31T12:00:00")
    await desk.market.configure("production", usage_rating_delay_seconds=10 * 86_400)
    await desk.accept()
    await on(desk, "2026-04-08T00:00:00")
    assert [row["month"] for row in await of_account(desk, INVOICES)] == [202603]
    assert await lines_of(desk) == []
    await on(desk, "2026-04-10T12:00:00")
    (line,) = await lines_of(desk)
    assert (line.bill_month, line.is_late, line.invoice_id) == (202604, True, None)
    await on(desk, "2026-05-08T00:00:00")
    assert [row["subtotal"] for row in await of_account(desk, LINES)] == [5_50]

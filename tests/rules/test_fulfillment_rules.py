"""Purchases and operations without a database (``40-publisher-fulfillment-metering`` sections 3 to 9)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.subscription_factory import context, in_status, pending

from comptoir.catalog.model import (
    BillingCycle,
    Fulfillment,
    Plan,
    PricingModel,
    Product,
    ProductDetails,
    Sku,
    SkuDetails,
    Term,
)
from comptoir.core.accounts import Account, AccountKind, AccountSettings, PublisherOperations
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.fulfillment import payload, rules
from comptoir.fulfillment.model import (
    NOTIFY_ONLY,
    OPEN,
    SAAS_STATUS,
    Acknowledged,
    Acknowledgement,
    ChangeRequest,
    Operation,
    OperationAction,
    OperationEvent,
    OperationStatus,
    Parties,
    Person,
    PlanOnSale,
    SaasStatus,
    Source,
)
from comptoir.fulfillment.service_purchases import token_as_made
from comptoir.subscriptions.dates import term_end
from comptoir.subscriptions.model import Status, Subscription

NOW = datetime(2026, 3, 4, 10, 15, 27, 531044, tzinfo=UTC)
MONTH = Duration(months=1)
PARTIES = Parties(
    Person(
        "it@velmora.example", "e2b7c1d4-93aa-4f0e-b6f8-0d1c5a7e9b42", "7d3e5f10-4b2a-4d6c-9e8f-a1b2c3d4e5f6"
    ),
    Person(
        "orders@quay.example", "3f9a6b2c-1d4e-4a7b-8c5d-9e0f1a2b3c4d", "b4c5d6e7-f801-4234-a567-89abcdef0123"
    ),
)


def product(model: PricingModel = PricingModel.PER_USER, **changes: Any) -> Product:
    details = ProductDetails(
        title={"en-US": "Harbor"},
        summary={"en-US": "Harbor"},
        description={"en-US": "Harbor"},
        pricing_model=model,
        landing_page_url="https://app.northbeam.example/start",
        webhook_url="https://app.northbeam.example/hooks",
    )
    return Product("DZH318Z0TFD8", "northbeam", "Northbeam", "harbor", replace(details, **changes))


def plan(plan_id: str = "team", sku_id: str = "0002", *, is_trial: bool = False, **changes: Any) -> Plan:
    details = SkuDetails(
        title={"en-US": plan_id},
        description={"en-US": plan_id},
        minimum_quantity=2,
        maximum_quantity=50,
        unit_type="License(s)",
        supported_billing_cycles=(BillingCycle.MONTHLY,),
    )
    sku = Sku("DZH318Z0TFD8", sku_id, plan_id, is_trial, None, replace(details, **changes))
    return Plan(product(), sku)


FLAT = replace(plan(), product=product(PricingModel.FLAT_RATE))


def term(months: int = 1, cycle: BillingCycle = BillingCycle.MONTHLY) -> Term:
    return Term("t", Duration(months=months), cycle, Rate(Decimal(10), "USD"), "A term")


def listed(offered: Plan, *terms: Term) -> PlanOnSale:
    return PlanOnSale(offered, f"DZH318Z0TFD8:{offered.sku.id}:A", "US", False, terms or (term(),), ())


def account(kind: AccountKind = AccountKind.PRODUCTION, **settings: Any) -> Account:
    return replace(context().account, kind=kind, settings=AccountSettings(**settings))


def active(**changes: Any) -> Subscription:
    """Active since 14 January, for a month."""
    start = datetime(2026, 1, 14, 9, 30, tzinfo=UTC)
    dates = {
        "status": Status.ACTIVE,
        "started_at": start,
        "anchored_at": start,
        "term_start_at": start,
        "term_end_at": term_end(start, MONTH),
    }
    return replace(pending(term=MONTH), **{**dates, **changes})


def operation(
    action: OperationAction = OperationAction.CHANGE_QUANTITY,
    status: OperationStatus = OperationStatus.IN_PROGRESS,
    **changes: Any,
) -> Operation:
    made = Operation(
        id="5b0f4a52-6c0e-4a55-9a0d-4f7f1c2e8d31",
        account_id="a",
        customer_id="c",
        subscription_id="0c7d9a3e-2f41-4c1b-8d55-61b1f0a7c9e2",
        publisher_id="northbeam",
        product_id="DZH318Z0TFD8",
        offer_id="harbor",
        plan_id="team",
        quantity=40,
        action=action,
        source=Source.AZURE,
        status=status,
        requested_at=NOW,
        closed_at=None if status in OPEN else NOW,
    )
    return replace(made, **changes)


def refused(code: Code) -> Any:
    return pytest.raises(Refusal, match=code.name)


# What the publisher sees


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_word(status: Status) -> None:
    purchase = rules.purchase_of(in_status(status), plan(), PARTIES, account())
    assert purchase.status is SAAS_STATUS[status]
    assert (purchase.status is SaasStatus.UNSUBSCRIBED) == in_status(status).is_ended


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-14", 1, "2026-02-13"),
        ("2026-09-24", 1, "2026-10-23"),
        ("2026-01-31", 1, "2026-02-27"),
        ("2026-02-17", 12, "2027-02-16"),
        ("2024-02-29", 36, "2027-02-27"),
    ],
)
def test_a_term_ends_on_its_last_day(start: str, months: int, end: str) -> None:
    """The examples of section 3.1, and clamped months."""
    started = datetime.fromisoformat(f"{start}T23:59:59+00:00")
    length = Duration(months=months)
    shown = rules.term_of(active(term=length, term_start_at=started, term_end_at=term_end(started, length)))
    assert (str(shown.start_on)[:10], str(shown.end_on)[:10]) == (start, end)


@given(
    at=st.timedeltas(timedelta(0), timedelta(days=30_000)).map(NOW.__add__),
    months=st.sampled_from([1, 12, 24, 36]),
)
def test_shown_terms_are_whole_days(at: datetime, months: int) -> None:
    length = Duration(months=months)
    shown = rules.term_of(active(term=length, term_start_at=at, term_end_at=term_end(at, length)))
    assert shown.start_on is not None
    assert shown.end_on is not None
    assert {shown.start_on.time(), shown.end_on.time()} == {datetime.min.time()}
    assert shown.start_on.date() == at.date()
    assert shown.end_on + timedelta(days=1) == length.after(shown.start_on)


@pytest.mark.parametrize(
    ("months", "cycle", "unit"),
    [
        (1, BillingCycle.MONTHLY, None),
        (12, BillingCycle.ANNUAL, None),
        (12, BillingCycle.MONTHLY, "P1M"),
        (36, BillingCycle.ANNUAL, "P1Y"),
        (36, BillingCycle.TRIENNIAL, None),
        (1, BillingCycle.NONE, None),
        (12, BillingCycle.ONE_TIME, None),
    ],
)
def test_how_often_a_term_is_paid(months: int, cycle: BillingCycle, unit: str | None) -> None:
    shown = rules.charge_unit(active(term=Duration(months=months), billing_cycle=cycle))
    assert (None if shown is None else str(shown)) == unit


def test_a_puid_is_sixteen_digits() -> None:
    for person in (PARTIES.beneficiary, PARTIES.purchaser):
        assert len(rules.puid(person)) == 16
        assert set(rules.puid(person)) <= set("0123456789ABCDEF")
    assert rules.puid(PARTIES.beneficiary) != rules.puid(PARTIES.purchaser)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (PublisherOperations.READ, ("Read",)),
        (PublisherOperations.UPDATE, ("Read", "Update")),
        (PublisherOperations.DELETE, ("Read", "Delete")),
        (PublisherOperations.ALL, ("Read", "Update", "Delete")),
    ],
)
def test_what_a_publisher_may_do(setting: PublisherOperations, words: tuple[str, ...]) -> None:
    shown = rules.purchase_of(active(), plan(), PARTIES, account(csp_allowed_operations=setting))
    assert shown.allowed_operations == words


@pytest.mark.parametrize(
    ("kind", "is_on", "is_seen"),
    [
        (AccountKind.PRODUCTION, False, True),
        (AccountKind.PRODUCTION, True, True),
        (AccountKind.SANDBOX, False, False),
        (AccountKind.SANDBOX, True, True),
    ],
)
def test_whose_changes_are_put_before_a_publisher(kind: AccountKind, is_on: bool, is_seen: bool) -> None:
    own = account(kind, sandbox_publisher_delivery=is_on)
    assert rules.has_loop(own, plan()) is is_seen
    for change in ({"fulfillment": Fulfillment.AUTO}, {"webhook_url": ""}):
        assert not rules.has_loop(own, replace(plan(), product=product(**change)))


@given(st.text())
def test_any_token_is_read_as_a_token(text: str) -> None:
    assert not set(token_as_made(text)) & set("+/ ")


# Plans


def test_the_plans_that_a_purchase_can_have() -> None:
    team, trial = plan(), plan("team", "0003", is_trial=True)
    large = plan("large", "0004")
    stopped = plan("stopped", "0005", is_stop_sold=True)
    ours = plan("ours", "0006", exclusive_to=frozenset({"t1"}))
    theirs = plan("theirs", "0007", exclusive_to=frozenset({"t2"}))
    extra = plan("extra", "0008", parent_skus=("DZH318Z0TFD8:0002",))
    plans = [team, trial, large, stopped, ours, theirs, extra]
    on_sale = [listed(each) for each in plans]

    def ids(current: Plan) -> list[str]:
        found = rules.plans_on_sale(plans, on_sale, current, frozenset({"t1"}))
        return [each.plan.sku.plan_id for each in found]

    assert ids(team) == ids(trial) == ["team", "large", "ours"]
    assert ids(stopped) == ["team", "large", "stopped", "ours"]
    assert ids(theirs) == ["team", "large", "ours", "theirs"]
    assert ids(extra) == ["team", "large", "ours", "extra"]
    first = rules.plans_on_sale(plans, on_sale, team, frozenset())
    assert [each.has_free_trial for each in first] == [True, False]


def test_what_is_sold_now_stands_for_what_was_bought() -> None:
    now, before = listed(plan(), term(1)), listed(plan(), term(12))
    assert rules.plans_on_sale([plan()], [now, before], plan(), frozenset()) == [now]


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ([(1, "monthly"), (12, "monthly")], 0),
        ([(12, "annual"), (12, "monthly")], None),
        ([(1, "one_time")], 0),
        ([(1, "one_time"), (1, "monthly")], 1),
    ],
)
def test_the_term_of_another_plan(terms: list[tuple[int, str]], found: int | None) -> None:
    offered = [term(months, BillingCycle(cycle)) for months, cycle in terms]
    expected = None if found is None else offered[found]
    assert rules.like_term(active(billing_cycle=BillingCycle.MONTHLY), offered) == expected


# What a publisher asks for


def test_one_change_at_a_time() -> None:
    for good in (ChangeRequest(plan_id="team"), ChangeRequest(quantity=3, has_quantity=True)):
        rules.require_one_change(good)
    rules.require_one_change(ChangeRequest(has_quantity=True))
    for bad in (ChangeRequest(), ChangeRequest("team", 3, has_quantity=True)):
        with refused(Code.CHANGE_NOT_SINGLE):
            rules.require_one_change(bad)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("allowed", PublisherOperations)
@pytest.mark.parametrize("has_open", [True, False])
def test_when_a_change_is_possible(status: Status, allowed: PublisherOperations, has_open: bool) -> None:
    """Every combination: the first reason that holds is the one that is given (section 3.7)."""
    own = account(csp_allowed_operations=allowed)
    reasons = [
        (status is not Status.ACTIVE, Code.CHANGE_NOT_SUBSCRIBED),
        ("Update" not in rules.ALLOWED_OPERATIONS[allowed], Code.PUBLISHER_OPERATION_NOT_ALLOWED),
        (has_open, Code.OPERATION_OPEN),
    ]
    expected = next((code for holds, code in reasons if holds), None)
    if expected is None:
        rules.require_change(in_status(status), own, has_open=has_open)
    else:
        with refused(expected):
            rules.require_change(in_status(status), own, has_open=has_open)


@pytest.mark.parametrize("status", Status)
def test_when_a_publisher_can_cancel(status: Status) -> None:
    own = account(csp_allowed_operations=PublisherOperations.ALL)
    if in_status(status).is_ended:
        with refused(Code.PURCHASE_ENDED_ALREADY):
            rules.require_cancellation(in_status(status), own)
    else:
        rules.require_cancellation(in_status(status), own)
        with refused(Code.PUBLISHER_OPERATION_NOT_ALLOWED):
            rules.require_cancellation(in_status(status), account())


@pytest.mark.parametrize("status", Status)
def test_when_a_purchase_can_be_activated(status: Status) -> None:
    subscription = in_status(status)
    if status is Status.PENDING:
        rules.require_activation(subscription, plan(), ChangeRequest())
    else:
        code = Code.PURCHASE_ENDED if subscription.is_ended else Code.PURCHASE_ACTIVE_ALREADY
        with refused(code):
            rules.require_activation(subscription, plan(), ChangeRequest())


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (2, None),
        (50, None),
        (12, Code.QUANTITY_IS_CURRENT),
        (1, Code.SEATS_OUT_OF_RANGE),
        (51, Code.SEATS_OUT_OF_RANGE),
        (0, Code.SEATS_OUT_OF_RANGE),
        (-3, Code.SEATS_OUT_OF_RANGE),
        (None, Code.SEATS_OUT_OF_RANGE),
    ],
)
def test_quantities(quantity: int | None, code: Code | None) -> None:
    if code is None:
        assert rules.require_quantity(active(quantity=12), plan(), quantity) == quantity
    else:
        with refused(code):
            rules.require_quantity(active(quantity=12), plan(), quantity)
    with refused(Code.PLAN_HAS_NO_SEATS):
        rules.require_quantity(active(quantity=1), FLAT, quantity)


# Operations


def test_every_step_of_an_operation() -> None:
    """What the table lacks does not happen: what is closed stays closed."""
    for status in OperationStatus:
        for event in OperationEvent:
            assert ((status, event) in rules.TRANSITIONS) == (status in OPEN)
    reached = set(rules.TRANSITIONS.values())
    assert reached == set(OperationStatus) - {OperationStatus.NOT_STARTED}


@pytest.mark.parametrize("action", OperationAction)
@pytest.mark.parametrize("status", OperationStatus)
@pytest.mark.parametrize("answer", Acknowledgement)
def test_every_answer_to_every_operation(
    action: OperationAction, status: OperationStatus, answer: Acknowledgement
) -> None:
    said = operation(action, status)
    if action in NOTIFY_ONLY:
        with refused(Code.OPERATION_NOT_ACKNOWLEDGED):
            rules.is_news(said, answer)
    elif status in OPEN:
        assert rules.is_news(said, answer)
    elif status is rules.ANSWERS[answer]:
        assert not rules.is_news(said, answer)
        with refused(Code.OPERATION_CLOSED):
            rules.is_news(replace(said, is_superseded=True), answer)
    else:
        with refused(Code.OPERATION_CLOSED):
            rules.is_news(said, answer)


def test_an_answer_repeats_the_operation_s_values() -> None:
    for good in (
        Acknowledged("o", Acknowledgement.SUCCESS),
        Acknowledged("o", Acknowledgement.SUCCESS, "TEAM", 40),
    ):
        rules.require_same_values(operation(), good)
    rules.require_same_values(
        operation(quantity=None), Acknowledged("o", Acknowledgement.SUCCESS, quantity=1)
    )
    for bad in (
        Acknowledged("o", Acknowledgement.SUCCESS, plan_id="pro"),
        Acknowledged("o", Acknowledgement.SUCCESS, quantity=41),
    ):
        with refused(Code.PURCHASE_MISMATCH):
            rules.require_same_values(operation(), bad)
    with refused(Code.ACKNOWLEDGEMENT_INVALID):
        rules.answer_of(Acknowledged("o", None))


@pytest.mark.parametrize("action", OperationAction)
def test_an_operation_begins_open_unless_it_only_tells(action: OperationAction) -> None:
    draft = rules.draft_of(action, active(), plan(), Source.AZURE)
    started = rules.started(draft, active(), plan(), context())
    assert started.is_open is (action not in NOTIFY_ONLY)
    if not started.is_open:
        assert (started.status, started.closed_at) == (OperationStatus.SUCCEEDED, context().now)


def test_what_is_so_already() -> None:
    assert rules.coincides(operation(quantity=12), active(quantity=12), plan())
    assert not rules.coincides(operation(quantity=13), active(quantity=12), plan())
    fewer = active(quantity=12, next_quantity=5)
    assert rules.coincides(operation(quantity=5), fewer, plan())
    assert not rules.coincides(operation(quantity=12), fewer, plan())
    change = OperationAction.CHANGE_PLAN
    assert rules.coincides(operation(change), active(), plan())
    assert not rules.coincides(operation(change, plan_id="pro"), active(), plan())
    assert not rules.coincides(operation(OperationAction.REINSTATE), active(), plan())


def test_what_the_publisher_is_told() -> None:
    """Every pair of statuses that a subscription can move between, with and without a renewal."""
    for before in Status:
        for after in Status:
            pair = in_status(before), in_status(after)
            told = rules.notice_of(*pair, is_renewal=False)
            if pair[1].is_ended and not pair[0].is_ended:
                assert told is OperationAction.UNSUBSCRIBE
            elif after is Status.SUSPENDED and before is not Status.SUSPENDED:
                assert told is OperationAction.SUSPEND
            else:
                assert told is None
    assert rules.notice_of(active(), active(), is_renewal=True) is OperationAction.RENEW


@pytest.mark.parametrize(
    ("action", "status", "was_resolved", "is_told"),
    [
        (OperationAction.UNSUBSCRIBE, Status.PENDING, False, False),
        (OperationAction.UNSUBSCRIBE, Status.PENDING, True, True),
        (OperationAction.UNSUBSCRIBE, Status.ACTIVE, False, True),
        (OperationAction.UNSUBSCRIBE, Status.SUSPENDED, False, True),
        (OperationAction.RENEW, Status.ACTIVE, False, True),
    ],
)
def test_who_is_told(action: OperationAction, status: Status, was_resolved: bool, is_told: bool) -> None:
    assert rules.is_told(action, in_status(status), was_resolved=was_resolved) is is_told


def test_what_needs_consent() -> None:
    for before in Status:
        for after in Status:
            asked = rules.consent_to(in_status(before), in_status(after))
            is_reinstated = (before, after) == (Status.SUSPENDED, Status.ACTIVE)
            assert asked is (OperationAction.REINSTATE if is_reinstated else None)
            assert rules.wins(in_status(after)) == (after not in {Status.PENDING, Status.ACTIVE})
    more = replace(active(), quantity=99)
    assert rules.consent_to(active(), more) is OperationAction.CHANGE_QUANTITY
    assert rules.consent_to(active(), replace(more, status=Status.SUSPENDED)) is None
    fewer = replace(active(), next_quantity=1)
    assert rules.consent_to(active(), fewer) is OperationAction.CHANGE_QUANTITY
    assert rules.consent_to(fewer, active()) is OperationAction.CHANGE_QUANTITY
    assert (rules.quantity_agreed(fewer), rules.quantity_agreed(active())) == (1, active().quantity)


# The webhook


def test_the_documented_webhook() -> None:
    """Section 5.2, byte for byte."""
    purchase = replace(
        rules.purchase_of(active(quantity=25), plan(), PARTIES, account()),
        id="0c7d9a3e-2f41-4c1b-8d55-61b1f0a7c9e2",
        publisher_id="northbeam",
        name="Harbor Insights für Velmora",
        created_at=datetime(2026, 1, 14, 8, 2, 11, 447100, tzinfo=UTC),
        modified_at=datetime(2026, 3, 4, 10, 15, 27, tzinfo=UTC),
    )
    puids = rules.puid(PARTIES.beneficiary), rules.puid(PARTIES.purchaser)
    assert payload.body(operation(), purchase).decode() == (
        '{"id":"5b0f4a52-6c0e-4a55-9a0d-4f7f1c2e8d31","activityId":"5b0f4a52-6c0e-4a55-9a0d-4f7f1c2e8d31",'
        '"publisherId":"northbeam","offerId":"harbor","planId":"team","quantity":40,'
        '"subscriptionId":"0c7d9a3e-2f41-4c1b-8d55-61b1f0a7c9e2","timeStamp":"2026-03-04T10:15:27.531044Z",'
        '"action":"ChangeQuantity","status":"InProgress","operationRequestSource":"Azure",'
        '"subscription":{"id":"0c7d9a3e-2f41-4c1b-8d55-61b1f0a7c9e2","name":"Harbor Insights für Velmora",'
        '"publisherId":"northbeam","offerId":"harbor","planId":"team","quantity":25,'
        '"beneficiary":{"emailId":"it@velmora.example","objectId":"e2b7c1d4-93aa-4f0e-b6f8-0d1c5a7e9b42",'
        f'"tenantId":"7d3e5f10-4b2a-4d6c-9e8f-a1b2c3d4e5f6","puid":"{puids[0]}"}},'
        '"purchaser":{"emailId":"orders@quay.example","objectId":"3f9a6b2c-1d4e-4a7b-8c5d-9e0f1a2b3c4d",'
        f'"tenantId":"b4c5d6e7-f801-4234-a567-89abcdef0123","puid":"{puids[1]}"}},'
        '"allowedCustomerOperations":["Read"],"sessionMode":"None","isFreeTrial":false,"isTest":false,'
        '"sandboxType":"None","saasSubscriptionStatus":"Subscribed","term":{"startDate":"2026-01-14T00:00:00Z",'
        '"endDate":"2026-02-13T00:00:00Z","termUnit":"P1M","chargeDuration":null},"autoRenew":true,'
        '"created":"2026-01-14T08:02:11.4471Z","lastModified":"2026-03-04T10:15:27Z"},"purchaseToken":null}'
    )


def test_a_webhook_s_quantity_is_always_a_number() -> None:
    purchase = rules.purchase_of(active(quantity=1), FLAT, PARTIES, account())
    text = payload.body(operation(quantity=None), purchase).decode()
    assert '"planId":"team","quantity":1,"subscriptionId"' in text
    assert '"planId":"team","quantity":null,"beneficiary"' in text


@pytest.mark.parametrize("status", OperationStatus)
def test_the_status_in_a_webhook(status: OperationStatus) -> None:
    """What is asked about is in progress; what has happened has succeeded (section 5.1)."""
    purchase = rules.purchase_of(active(), plan(), PARTIES, account())
    text = payload.body(operation(status=status), purchase).decode()
    shown = "InProgress" if status in OPEN else status.value
    assert f'"status":"{shown}"' in text


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "27Z"), (531044, "27.531044Z"), (500000, "27.5Z"), (1, "27.000001Z")]
)
def test_instants_have_no_digits_to_spare(micros: int, text: str) -> None:
    assert payload.instant(NOW.replace(microsecond=micros)) == f"2026-03-04T10:15:{text}"

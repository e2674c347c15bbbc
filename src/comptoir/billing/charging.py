"""What each event of a subscription costs (``30-invoices-billing`` sections 3.4 to 3.7).

Each function takes what is known and gives the lines that are due, and how far the subscription is charged
then. Nothing here asks whether a line has been written before: its id says so to whoever writes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from comptoir.billing import cents, cycles, keys
from comptoir.billing.calendar import month_of
from comptoir.billing.cycles import Span
from comptoir.billing.model import (
    MARGIN_APPLIED,
    ChargeType,
    Cycle,
    Line,
    LineDraft,
    LineKind,
    Price,
    PrivateOffer,
    Rates,
    midnight,
)
from comptoir.core.instants import to_micros
from comptoir.core.money import Rate
from comptoir.subscriptions.model import Subscription


@dataclass(frozen=True, slots=True)
class Terms:
    """What a cycle is opened with: prices and rates that hold until the next one, and what lines are about.

    ``next_subject_id`` is for the lines of the cycles that follow.
    """

    price: Price
    rates: Rates
    currency: str
    quantity: int
    subject_id: str
    next_subject_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """What lines are written for: ``key`` makes it unique within the subscription."""

    key: str
    at: datetime
    charge_type: ChargeType


def price_of(listed: Rate, private_offer: PrivateOffer | None) -> Price:
    """The price of one unit and one cycle, with the better terms that the account may have (section 3.4)."""
    price = cents.plain(listed.amount)
    if private_offer is None:
        return Price(price, price, listed.currency)
    if private_offer.price is not None:
        net = cents.plain(private_offer.price)
    else:
        assert private_offer.margin is not None, "a private offer has a margin or a price"
        net = cents.net_price(price, private_offer.margin)
    return Price(price, net, listed.currency, MARGIN_APPLIED if net != price else "")


def opened(
    account_id: str, subscription: Subscription, terms: Terms, event: Event, position: int = 0
) -> tuple[Cycle, LineDraft]:
    """The first cycle of the subscription's term, charged whole."""
    term_start_at, term_end_at = subscription.term_start_at, subscription.term_end_at
    assert term_start_at is not None, subscription.id
    assert term_end_at is not None, subscription.id
    assert subscription.anchored_at is not None, subscription.id
    anchor, first_day = midnight(subscription.anchored_at), midnight(term_start_at)
    months = cycles.cycle_months(subscription.billing_cycle, subscription.term)
    span = cycles.span_from(anchor, first_day, term_end_at, months, first_day)
    cycle = Cycle(
        account_id=account_id,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        publisher_id=subscription.publisher_id,
        currency=terms.currency,
        anchor=anchor,
        term_start_at=term_start_at,
        term_end_at=term_end_at,
        start_at=span.start_at,
        end_at=span.end_at,
        cycle_days=span.cycle_days,
        months=months,
        quantity=terms.quantity,
        price=terms.price,
        rates=terms.rates,
        subject_id=terms.subject_id,
        next_months=months,
        next_price=terms.price,
        next_subject_id=terms.next_subject_id,
    )
    return cycle, _charge(cycle, event, position, span, cycle.quantity)


def advanced(cycle: Cycle, rates: Rates) -> tuple[Cycle, LineDraft]:
    """The next cycle of the term, charged as of its beginning. ``rates`` are those of that day."""
    start_at = cycle.next_charge_at
    assert start_at is not None, cycle.subscription_id
    span = _cycle_of(cycle, cycle.next_months, start_at)
    has_other_plan = cycle.next_months != cycle.months
    charge_type = ChargeType.CHANGE_BILLING_PLAN if has_other_plan else ChargeType.CYCLE_CHARGE
    following = replace(
        cycle,
        start_at=span.start_at,
        end_at=span.end_at,
        cycle_days=span.cycle_days,
        months=cycle.next_months,
        price=cycle.next_price,
        rates=rates,
        subject_id=cycle.next_subject_id,
    )
    event = Event(keys.event_of_cycle(to_micros(start_at)), start_at, charge_type)
    return following, _charge(following, event, 0, span, following.quantity)


def resized(cycle: Cycle, quantity: int, event: Event) -> tuple[Cycle, list[LineDraft]]:
    """Seats up or down: what is left of the cycle is given back for the old seats and charged for the new."""
    span = _rest(cycle, event.at)
    after = replace(cycle, quantity=quantity)
    return after, [
        _charge(cycle, event, 0, span, cycle.quantity, sign=-1),
        _charge(after, event, 1, span, quantity),
    ]


def converted(cycle: Cycle, terms: Terms, months: int, event: Event) -> tuple[Cycle, list[LineDraft]]:
    """Another plan within the term: what is left of the cycle is given back at the old price and charged at
    the new. The rates are the cycle's (C-41), unless the new plan is priced in another currency.

    A plan that is paid by cycles of another length, because the billing plan was changed before and that
    still waits for the next cycle, is charged for what is left of such a cycle, with the rates of its day.
    """
    rest = span = _rest(cycle, event.at)
    is_same_length = months == cycle.months
    keeps_rates = is_same_length and terms.price.currency == cycle.price.currency
    after = replace(
        cycle,
        quantity=terms.quantity,
        price=terms.price,
        rates=cycle.rates if keeps_rates else terms.rates,
        subject_id=terms.subject_id,
        next_months=months,
        next_price=terms.price,
        next_subject_id=terms.next_subject_id,
    )
    if not is_same_length:
        span = _cycle_of(cycle, months, rest.start_at)
        after = replace(
            after, start_at=span.start_at, end_at=span.end_at, cycle_days=span.cycle_days, months=months
        )
    return after, [
        _charge(cycle, event, 0, rest, cycle.quantity, sign=-1),
        _charge(after, event, 1, span, after.quantity),
    ]


def reopened(
    cycle: Cycle, subscription: Subscription, terms: Terms, event: Event, opening: ChargeType
) -> tuple[Cycle, list[LineDraft]]:
    """Another term before the running one is over: what is left of the old cycle is given back, and a whole
    first one is charged from now on (C-34), as ``opening``.
    """
    wipe = _charge(cycle, event, 0, _rest(cycle, event.at), cycle.quantity, sign=-1)
    opening_event = replace(event, charge_type=opening)
    after, line = opened(cycle.account_id, subscription, terms, opening_event, position=1)
    return after, [wipe, line]


def mirrored(cycle: Cycle, lines: Iterable[Line], event: Event) -> tuple[Cycle, list[LineDraft]]:
    """A term refunded in full: every licence line of it taken back as it stands (section 3.6).

    Nothing is charged for the subscription any more.
    """
    taken_back = [line for line in lines if line.charge_type is not ChargeType.CANCEL_IMMEDIATE]
    mirrors = [_mirror(cycle, line, event, position) for position, line in enumerate(taken_back)]
    return replace(cycle, is_stopped=True), mirrors


def _cycle_of(cycle: Cycle, months: int, start_at: datetime) -> Span:
    """What is left, from a day on, of the cycle of so many months that the day is in, in the same term."""
    term_first_day = midnight(cycle.term_start_at)
    return cycles.span_from(cycle.anchor, term_first_day, cycle.term_end_at, months, start_at)


def _rest(cycle: Cycle, at: datetime) -> Span:
    """What is left of a cycle from the day of an event on, which counts as a day of the new state."""
    start_at = midnight(at)
    assert cycle.start_at <= start_at < cycle.end_at, (cycle.subscription_id, cycle.start_at, at)
    return Span(start_at, cycle.end_at, cycle.cycle_days)


def _charge(
    cycle: Cycle, event: Event, position: int, span: Span, quantity: int, *, sign: int = 1
) -> LineDraft:
    """One licence line by the formula of section 3.4, at the cycle's price and rates."""
    unit_price = cents.effective_unit_price(cycle.price.net, span.days, span.cycle_days)
    return LineDraft(
        id=keys.line_id(cycle.account_id, cycle.subscription_id, event.key, position),
        customer_id=cycle.customer_id,
        subscription_id=cycle.subscription_id,
        publisher_id=cycle.publisher_id,
        subject_id=cycle.subject_id,
        kind=LineKind.LICENCE,
        charge_type=event.charge_type,
        reference_id=keys.reference_id(cycle.account_id, cycle.subscription_id, event.key),
        position=position,
        order_date=event.at,
        bill_month=month_of(event.at),
        term_start_at=cycle.term_start_at,
        term_end_at=cycle.term_end_at,
        charge_start_at=span.start_at,
        charge_end_at=span.end_at,
        billing_days=span.days,
        cycle_days=span.cycle_days,
        quantity=quantity,
        billable_quantity=Decimal(quantity),
        unit_price=cycle.price.listed,
        net_price=cycle.price.net,
        effective_unit_price=unit_price if sign > 0 else cents.negated(unit_price),
        pricing_currency=cycle.price.currency,
        currency=cycle.currency,
        rates=cycle.rates,
        subtotal=cents.licence_subtotal(
            unit_price, cycle.rates.exchange_rate, quantity, cycle.currency, sign
        ),
        price_adjustment=cycle.price.adjustment,
    )


def _mirror(cycle: Cycle, line: Line, event: Event, position: int) -> LineDraft:
    return replace(
        line.redrafted(),
        id=keys.line_id(cycle.account_id, cycle.subscription_id, event.key, position),
        charge_type=event.charge_type,
        reference_id=keys.reference_id(cycle.account_id, cycle.subscription_id, event.key),
        position=position,
        order_date=event.at,
        bill_month=month_of(event.at),
        effective_unit_price=cents.negated(line.effective_unit_price),
        subtotal=-line.subtotal,
        credit_reason="",
        mirrors_id=line.id,
    )

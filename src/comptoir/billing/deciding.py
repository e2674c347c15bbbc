"""What a change of a subscription costs, by what happened (``30-invoices-billing`` section 3.6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from comptoir.billing import charging, cycles, following, keys
from comptoir.billing.charging import Event, Terms
from comptoir.billing.following import Happening
from comptoir.billing.model import ChargeType, Cycle, Line, LineDraft
from comptoir.subscriptions.model import Subscription

OPENING = frozenset({Happening.ACTIVATED, Happening.RENEWED, Happening.REPLANNED})
"""What begins a term."""

FIRST = frozenset({Happening.ACTIVATED, Happening.RENEWED})
"""What can be charged without knowing of a cycle before."""

Decided = tuple[Cycle, list[LineDraft]]
"""How far the subscription is charged then, and the lines for what happened."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a change, made at ``now``, is judged by.

    ``cycle`` is the running one, charged up to ``now``. ``terms`` are there if ``needs_terms`` asks for them,
    ``term_lines`` if ``needs_lines`` does.
    """

    account_id: str
    now: datetime
    before: Subscription
    after: Subscription
    cycle: Cycle | None
    terms: Terms | None = None
    term_lines: Sequence[Line] = ()

    def running(self) -> Cycle:
        """The running cycle, of a subscription that was charged before."""
        assert self.cycle is not None, self.after.id
        return self.cycle

    def wanted(self) -> Terms:
        """The terms, for what needs them."""
        assert self.terms is not None, self.after.id
        return self.terms

    def event(self, charge_type: ChargeType, at: datetime | None = None) -> Event:
        """What the lines are written for, at ``now`` if not told otherwise."""
        return Event(keys.event_of_change(self.after.version), at or self.now, charge_type)


def needs_terms(happening: Happening, before: Subscription, after: Subscription) -> bool:
    """Whether the change is about prices or texts."""
    if happening in OPENING or happening is Happening.CONVERTED:
        return True
    return happening is not Happening.CANCELLED and following.is_described_otherwise(before, after)


def needs_lines(happening: Happening, before: Subscription, now: datetime) -> bool:
    """Whether the change takes the lines of the running term back."""
    return happening is Happening.CANCELLED and following.is_refunded(before, now)


def priced_at(happening: Happening, after: Subscription, now: datetime) -> datetime:
    """As of when private offers count: for a first term as of the order (C-48), later as of the term's
    beginning, within a term as of the change.
    """
    if happening is Happening.ACTIVATED:
        return after.created_at
    return charged_at(happening, after, now)


def charged_at(happening: Happening, after: Subscription, now: datetime) -> datetime:
    """The date of the lines: a term is charged as of its beginning, whatever the time."""
    if happening not in OPENING:
        return now
    assert after.term_start_at is not None, after.id
    return after.term_start_at


def decide(happening: Happening, facts: Facts) -> Decided:
    """The lines for what happened, and how far the subscription is charged then."""
    return _DECISIONS[happening](facts)


def _activated(facts: Facts) -> Decided:
    return _first_cycle(facts, Happening.ACTIVATED, ChargeType.NEW)


def _renewed(facts: Facts) -> Decided:
    return _first_cycle(facts, Happening.RENEWED, ChargeType.RENEW)


def _first_cycle(facts: Facts, happening: Happening, charge_type: ChargeType) -> Decided:
    event = facts.event(charge_type, charged_at(happening, facts.after, facts.now))
    cycle, line = charging.opened(facts.account_id, facts.after, facts.wanted(), event)
    return cycle, [line]


def _replanned(facts: Facts) -> Decided:
    has_other_plan = following.has_other_plan(facts.before, facts.after)
    opening = ChargeType.CONVERT if has_other_plan else ChargeType.RENEW
    event = facts.event(ChargeType.CONVERT)
    return charging.reopened(facts.running(), facts.after, facts.wanted(), event, opening)


def _converted(facts: Facts) -> Decided:
    months = cycles.cycle_months(facts.after.billing_cycle, facts.after.term)
    event = facts.event(ChargeType.CONVERT)
    return charging.converted(facts.running(), facts.wanted(), months, event)


def _resized(facts: Facts) -> Decided:
    charge_type = following.seats_charge_type(facts.before.quantity, facts.after.quantity)
    cycle, _ = _described(facts)
    return charging.resized(cycle, facts.after.quantity, facts.event(charge_type))


def _described(facts: Facts) -> Decided:
    """Later lines have other names, or later cycles are paid otherwise (``changeBillingPlan``)."""
    before, after, cycle = facts.before, facts.after, facts.running()
    if not following.is_described_otherwise(before, after):
        return cycle, []
    terms = facts.wanted()
    if not following.is_rebilled(before, after):
        return replace(cycle, subject_id=terms.subject_id, next_subject_id=terms.next_subject_id), []
    return replace(
        cycle,
        next_months=cycles.cycle_months(after.billing_cycle, after.term),
        next_price=terms.price,
        next_subject_id=terms.next_subject_id,
    ), []


def _cancelled(facts: Facts) -> Decided:
    """All or nothing: what is not taken back in full is owed to the term's end (C-35)."""
    if not following.is_refunded(facts.before, facts.now):
        return facts.running(), []
    event = facts.event(ChargeType.CANCEL_IMMEDIATE)
    return charging.mirrored(facts.running(), facts.term_lines, event)


_DECISIONS: Mapping[Happening, Callable[[Facts], Decided]] = {
    Happening.ACTIVATED: _activated,
    Happening.RENEWED: _renewed,
    Happening.REPLANNED: _replanned,
    Happening.CONVERTED: _converted,
    Happening.RESIZED: _resized,
    Happening.DESCRIBED: _described,
    Happening.CANCELLED: _cancelled,
}

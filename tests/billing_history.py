"""Histories of one subscription, run through the pure rules: what the service does, without a database.

``History`` moves a subscription with the rules of ``subscriptions`` and lets those of ``billing`` follow;
``lines`` are what the books would hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from comptoir.billing import cents, charging, deciding, following
from comptoir.billing.charging import Terms
from comptoir.billing.deciding import Facts
from comptoir.billing.following import Happening
from comptoir.billing.model import Cycle, Line, LineDraft, PrivateOffer, Rates
from comptoir.catalog.model import BillingCycle, Offer, Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.money import Money, Rate
from comptoir.core.terms import Duration
from comptoir.subscriptions import rules, turning
from comptoir.subscriptions.model import StatusReason, Subscription
from tests.subscription_factory import offer, pending

ACCOUNT = "7c1f0a52-3b1e-4c7a-9d55-0f6b2d1a9e41"
NOTHING = Decimal(0)


def instant(text: str) -> datetime:
    """``2025-04-02`` or ``2025-04-02T15:20`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(
    price: str,
    term: str = "P1M",
    cycle: BillingCycle = BillingCycle.MONTHLY,
    currency: str = "USD",
) -> Term:
    """What a plan is sold as."""
    return Term("t", Duration.parse(term), cycle, Rate(Decimal(price), currency), "")


def trial(currency: str = "USD") -> Term:
    return plan("0", cycle=BillingCycle.NONE, currency=currency)


def flat_rates(exchange: str = "1", tax: str = "0") -> Callable[[str, datetime], Rates]:
    """The same rates for every month."""

    def rates(_pricing_currency: str, at: datetime) -> Rates:
        return Rates(
            Decimal(exchange),
            datetime(at.year, at.month, 1, tzinfo=UTC),
            at.year * 100 + at.month,
            Decimal(tax),
        )

    return rates


@dataclass
class History:
    """One subscription from its order on. ``sold`` is what a renewal on a day would cost."""

    currency: str = "USD"
    rates: Callable[[str, datetime], Rates] = field(default_factory=flat_rates)
    sold: Callable[[datetime], Term | None] | None = None
    private_offer: PrivateOffer | None = None
    settings: AccountSettings = field(default_factory=AccountSettings)
    lines: list[Line] = field(default_factory=list)
    subscription: Subscription = field(init=False)
    cycle: Cycle | None = None
    term: Term = field(init=False)

    def order(self, at: datetime, term: Term, quantity: int, *, is_trial: bool = False) -> None:
        self.term = term
        self.subscription = pending(
            created_at=at,
            quantity=quantity,
            is_trial=is_trial,
            term=term.duration,
            billing_cycle=term.billing_cycle,
            unit_price=term.price,
            refund_window=term.refund_window,
        )

    def activate(self, at: datetime) -> None:
        self._change(at, rules.activated(self.subscription, None, self.settings, at))

    def start(self, at: str, term: Term, quantity: int, *, is_trial: bool = False) -> None:
        """Ordered and activated at once."""
        self.order(instant(at), term, quantity, is_trial=is_trial)
        self.activate(instant(at))

    def seats(self, at: datetime, quantity: int) -> None:
        self.until(at)
        self._change(at, replace(self.subscription, quantity=quantity, version=self.subscription.version + 1))

    def change_plan(self, at: datetime, term: Term, **members: Any) -> None:
        self.until(at)
        described = {"sku_id": "0003", "sku_title": "Another plan", **members}
        target: Offer = offer(terms=(term,), currency=term.price.currency, **described)
        self._change(at, rules.plan_changed(self.subscription, target, term, self.settings, at))

    def pay_by(self, at: datetime, term: Term) -> None:
        self.until(at)
        self._change(at, rules.rebilled(self.subscription, term))

    def convert(self, at: datetime, term: Term) -> None:
        self.until(at)
        self._change(at, rules.converted(self.subscription, term, self.settings, at))

    def renew_now(self, at: datetime, term: Term) -> None:
        self.until(at)
        self._change(at, rules.renewed_early(self.subscription, term, self.settings, at))

    def cancel(self, at: datetime) -> None:
        self.until(at)
        self._change(at, rules.cancelled(self.subscription, StatusReason.CANCELLED_BY_PARTNER, at))

    def suspend(self, at: datetime) -> None:
        self.until(at)
        self._change(at, rules.suspended(self.subscription, StatusReason.SUSPENDED_BY_PARTNER, at))

    def reinstate(self, at: datetime) -> None:
        self._change(at, rules.reinstated(self.subscription))

    def auto_renew(self, at: datetime, *, wanted: bool) -> None:
        self.until(at)
        self._change(at, replace(self.subscription, auto_renew=wanted, version=self.subscription.version + 1))

    def until(self, at: datetime) -> None:
        """Let time pass: terms and cycles that begin up to ``at`` are charged, in their order."""
        while (due := self._next_due()) is not None and due <= at:
            if self.cycle is not None and self.cycle.next_charge_at == due:
                self._next_cycle(self.cycle, due)
            else:
                self._turn(due)

    def _next_due(self) -> datetime | None:
        term_end = None if self.subscription.is_ended else self.subscription.term_end_at
        cycle_end = None if self.cycle is None else self.cycle.next_charge_at
        return min((each for each in (term_end, cycle_end) if each is not None), default=None)

    def _next_cycle(self, cycle: Cycle, due: datetime) -> None:
        self.cycle, line = charging.advanced(cycle, self.rates(cycle.next_price.currency, due))
        self._write([line])

    def _turn(self, due: datetime) -> None:
        sold = self.sold or (lambda _: self.term)
        turn = turning.turn(self.subscription, turning.Facts(self.settings, sold(due)), due)
        assert turn is not None, "a term has ended"
        self._change(due, turn.after)

    def _change(self, at: datetime, after: Subscription) -> None:
        before, self.subscription = self.subscription, after
        happening = following.happening(before, after)
        if happening is Happening.NOTHING:
            return
        facts = Facts(ACCOUNT, at, before, after, self.cycle)
        if deciding.needs_terms(happening, before, after):
            facts = replace(facts, terms=self._terms(happening, at, after))
        if deciding.needs_lines(happening, before, at):
            assert self.cycle is not None
            start = self.cycle.term_start_at
            facts = replace(facts, term_lines=[each for each in self.lines if each.term_start_at == start])
        self.cycle, lines = deciding.decide(happening, facts)
        self._write(lines)

    def _terms(self, happening: Happening, at: datetime, after: Subscription) -> Terms:
        charged_at = deciding.charged_at(happening, after, at)
        private_offer = (
            self.private_offer if self._is_valid(deciding.priced_at(happening, after, at)) else None
        )
        subject_id = f"{after.sku_id}/{after.unit_price.amount}"
        return Terms(
            price=charging.price_of(after.unit_price, None if after.is_trial else private_offer),
            rates=self.rates(after.unit_price.currency, charged_at),
            currency=self.currency,
            quantity=after.quantity,
            subject_id=subject_id,
            next_subject_id=subject_id,
        )

    def _is_valid(self, at: datetime) -> bool:
        found = self.private_offer
        if found is None or at < found.valid_from:
            return False
        return found.valid_until is None or at < found.valid_until

    def _write(self, drafts: list[LineDraft]) -> None:
        for draft in drafts:
            known = {name: getattr(draft, name) for name in LineDraft.__dataclass_fields__}
            self.lines.append(Line(**known, sequence=len(self.lines) + 1, tax=0, invoice_id=None))


def private_offer(
    margin: str | None = None,
    price: str | None = None,
    valid_from: str = "2020-01-01",
    until: str | None = None,
) -> PrivateOffer:
    return PrivateOffer(
        account_id=ACCOUNT,
        product_id="p",
        sku_id="s",
        valid_from=instant(valid_from),
        valid_until=None if until is None else instant(until),
        margin=None if margin is None else Decimal(margin),
        price=None if price is None else Decimal(price),
    )


def billed(line: Line) -> tuple[Decimal, Decimal, Decimal]:
    """Subtotal, tax and total of a line once it is billed, in units of its currency."""
    tax = cents.tax(line.subtotal, line.rates.tax_rate)
    subtotal, tax_total = Money(line.subtotal, line.currency), Money(tax, line.currency)
    return subtotal.amount, tax_total.amount, (subtotal + tax_total).amount

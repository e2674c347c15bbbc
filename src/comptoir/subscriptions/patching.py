"""What a PATCH of a subscription does (``20-subscriptions-customers`` sections 3.4 and 3.5).

In the documented order: what differs from the subscription, whether its state lets anything change at all,
whether each change is allowed, and the subscription that comes out. One refusal refuses everything.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TypeVar

from comptoir.catalog.model import Offer, SeatReduction, Term
from comptoir.core.accounts import Account, AccountKind
from comptoir.core.errors import Code, Refusal
from comptoir.customers.model import Reseller
from comptoir.subscriptions import rules
from comptoir.subscriptions.model import (
    FRIENDLY_NAME_MAX,
    Status,
    StatusReason,
    StatusWord,
    Subscription,
    SubscriptionPatch,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a patch would change; a member that stays as it is is ``None``."""

    status: StatusWord | None = None
    auto_renew: bool | None = None
    quantity: int | None = None
    friendly_name: str | None = None
    partner_mpn_id: str | None = None

    @property
    def are_none(self) -> bool:
        """Whether everything stays as it is."""
        return all(getattr(self, member.name) is None for member in fields(self))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know beside the subscription.

    ``offer`` is what was bought, as the catalogue has it now; ``renewal`` the term that follows, ``None``
    where it is no longer sold; ``reseller`` the partner that the patch names.
    """

    account: Account
    now: datetime
    offer: Offer | None = None
    renewal: Term | None = None
    reseller: Reseller | None = None


def differences(subscription: Subscription, patch: SubscriptionPatch) -> Changes:
    """What the patch says otherwise than the subscription. Cycle and term may only be repeated."""
    has_other_cycle = patch.billing_cycle not in {None, subscription.billing_cycle}
    has_other_term = patch.term is not None and patch.term.upper() != str(subscription.term)
    if has_other_cycle or has_other_term:
        raise Refusal(Code.BILLING_CYCLE_NOT_SETTABLE, subscription_id=subscription.id)
    return Changes(
        status=patch.status,
        auto_renew=_other(patch.auto_renew, subscription.auto_renew),
        quantity=_other_quantity(subscription, patch.quantity),
        friendly_name=_other(patch.friendly_name, subscription.friendly_name),
        partner_mpn_id=_other(patch.partner_mpn_id, subscription.partner_mpn_id),
    )


def require_changeable(subscription: Subscription, changes: Changes, *, is_in_progress: bool) -> None:
    """The guards by state. ``is_in_progress``: the order is not fulfilled yet."""
    subject = {"subscription_id": subscription.id}
    if subscription.is_ended:
        raise Refusal(Code.SUBSCRIPTION_ENDED, **subject)
    if subscription.status is Status.PENDING and not _fits_pending(changes):
        raise Refusal(Code.NOT_ACTIVATED, **subject)
    if subscription.status is Status.SUSPENDED and changes.quantity is not None:
        raise Refusal(Code.SUSPENDED_QUANTITY, **subject)
    if subscription.status is Status.SUSPENDED and not _fits_suspended(changes):
        raise Refusal(Code.SUSPENDED, **subject)
    if is_in_progress:
        raise Refusal(Code.NOT_READY, **subject)


def changed(subscription: Subscription, changes: Changes, facts: Facts) -> Subscription:
    """The subscription after all changes, one version later."""
    _judge_status(subscription, changes.status, facts)
    _judge_auto_renew(subscription, changes.auto_renew, facts)
    _judge_quantity(subscription, changes.quantity, facts)
    _judge_friendly_name(changes.friendly_name)
    _judge_partner(subscription, changes.partner_mpn_id, facts)
    edited = replace(
        _with_quantity(subscription, changes.quantity, facts.offer),
        auto_renew=subscription.auto_renew if changes.auto_renew is None else changes.auto_renew,
        friendly_name=changes.friendly_name or subscription.friendly_name,
        partner_mpn_id=changes.partner_mpn_id or subscription.partner_mpn_id,
    )
    return replace(_with_status(edited, changes.status, facts.now), version=subscription.version + 1)


def _other(wanted: T | None, current: T | None) -> T | None:
    return None if wanted == current else wanted


def _other_quantity(subscription: Subscription, wanted: int | None) -> int | None:
    """What counts from the next term on need not be asked for twice."""
    return None if wanted == subscription.next_quantity else _other(wanted, subscription.quantity)


def _with_quantity(subscription: Subscription, wanted: int | None, offer: Offer | None) -> Subscription:
    """With another quantity, now or from the next term on. The last word counts: it replaces what waits."""
    if wanted is None:
        return subscription
    assert offer is not None, subscription.id
    if wanted < subscription.quantity and offer.seat_reduction is SeatReduction.NEXT_TERM:
        return replace(subscription, next_quantity=wanted)
    return replace(subscription, quantity=wanted, next_quantity=None)


def _fits_pending(changes: Changes) -> bool:
    """Before the set-up a subscription can be cancelled and named."""
    return replace(changes, status=None, friendly_name=None).are_none and changes.status in {
        None,
        StatusWord.DELETED,
    }


def _fits_suspended(changes: Changes) -> bool:
    """On hold it can be cancelled or taken off hold."""
    return replace(changes, status=None).are_none and changes.status in {
        StatusWord.ACTIVE,
        StatusWord.DELETED,
    }


def _judge_status(subscription: Subscription, wanted: StatusWord | None, facts: Facts) -> None:
    subject = {"subscription_id": subscription.id}
    match wanted:
        case None:
            return
        case StatusWord.DELETED:
            if not rules.is_cancellable(subscription, facts.now):
                raise Refusal(Code.CANCELLATION_WINDOW_PASSED, days=rules.window_days(subscription))
        case StatusWord.ACTIVE | StatusWord.SUSPENDED:
            if not facts.account.settings.allow_partner_suspend:
                raise Refusal(Code.STATUS_NOT_SETTABLE, status=wanted.value, **subject)
        case _:
            status = subscription.status.value
            raise Refusal(
                Code.TRANSITION_NOT_ALLOWED, status=status, action=f"become {wanted.value}", **subject
            )


def _with_status(subscription: Subscription, wanted: StatusWord | None, now: datetime) -> Subscription:
    match wanted:
        case StatusWord.DELETED:
            return rules.cancelled(subscription, StatusReason.CANCELLED_BY_PARTNER, now)
        case StatusWord.SUSPENDED:
            return rules.suspended(subscription, StatusReason.SUSPENDED_BY_PARTNER, now)
        case StatusWord.ACTIVE:
            return rules.reinstated(subscription)
        case _:
            return subscription


def _judge_auto_renew(subscription: Subscription, wanted: bool | None, facts: Facts) -> None:
    if wanted and facts.renewal is None:
        raise Refusal(Code.AUTO_RENEW_IMPOSSIBLE, subscription_id=subscription.id)


def _judge_quantity(subscription: Subscription, wanted: int | None, facts: Facts) -> None:
    """Within the SKU's limits; only what grows is measured against the account's.

    Some SKUs let a paid term shrink in its refund window only (``30-invoices-billing`` section 3.7).
    """
    if wanted is None:
        return
    offer = facts.offer
    if offer is None:
        raise Refusal(Code.QUANTITY_NOT_CHANGEABLE, offer_id=subscription.catalog_item_id)
    if not offer.is_per_seat:
        raise Refusal(Code.QUANTITY_FIXED, subscription_id=subscription.id)
    if not offer.minimum_quantity <= wanted <= offer.maximum_quantity:
        raise Refusal(
            Code.QUANTITY_OUT_OF_RANGE,
            quantity=wanted,
            minimum=offer.minimum_quantity,
            maximum=offer.maximum_quantity,
        )
    is_kept = offer.seat_reduction is SeatReduction.WINDOW_ONLY and not subscription.is_trial
    if wanted < subscription.quantity and is_kept and not rules.is_refundable(subscription, facts.now):
        raise Refusal(Code.QUANTITY_NOT_REDUCIBLE, offer_id=subscription.catalog_item_id)
    limit = facts.account.settings.limit_seats_per_subscription
    if limit is not None and wanted > limit and wanted > subscription.quantity:
        raise _over_limit(limit, facts.account.kind)


def _over_limit(limit: int, kind: AccountKind) -> Refusal:
    """The same limit has another code in each kind of account (section 3.5)."""
    if kind is AccountKind.PRODUCTION:
        return Refusal(Code.SEAT_LIMIT, limit=limit)
    return Refusal(Code.SANDBOX_LIMIT, reason=f"A subscription can have {limit} seats.")


def _judge_friendly_name(wanted: str | None) -> None:
    if wanted is not None and len(wanted) > FRIENDLY_NAME_MAX:
        raise Refusal(
            Code.INVALID_PROPERTY,
            member="friendlyName",
            reason=f"it has more than {FRIENDLY_NAME_MAX} characters.",
        )


def _judge_partner(subscription: Subscription, wanted: str | None, facts: Facts) -> None:
    """Only an indirect provider has resellers of record, and they must work with it."""
    if wanted is None:
        return
    if not facts.account.is_indirect_provider:
        raise Refusal(Code.PARTNER_NOT_SETTABLE, subscription_id=subscription.id)
    if wanted == facts.account.mpn_id:
        raise Refusal(Code.MPN_ID_OWN)
    if facts.reseller is None:
        raise Refusal(Code.MPN_ID_UNKNOWN, mpn_id=wanted)
    if not facts.reseller.is_active:
        raise Refusal(Code.MPN_ID_NOT_RESELLER, mpn_id=wanted)

"""What a change of a subscription means for its books (``30-invoices-billing`` sections 3.2 and 3.6).

Read off the subscription before and after, so that it does not matter who made the change.
"""

from datetime import datetime
from enum import Enum, auto

from comptoir.billing.model import ChargeType
from comptoir.subscriptions.model import Status, Subscription


class Happening(Enum):
    """What happened, as far as money is concerned."""

    NOTHING = auto()
    ACTIVATED = auto()
    RENEWED = auto()  # a later term; the paid term after a trial too
    REPLANNED = auto()  # a term of its own before the running one is over: another plan, or a renewal
    CONVERTED = auto()  # another plan within the running term
    RESIZED = auto()
    DESCRIBED = auto()  # names, or how the next cycles are paid
    CANCELLED = auto()


def happening(before: Subscription, after: Subscription) -> Happening:
    """What happened. Of several changes at once the first in this order counts and takes the others along."""
    if after.is_ended:
        was_charged = before.started_at is not None and after.status is Status.DELETED
        return Happening.CANCELLED if was_charged else Happening.NOTHING
    if after.started_at is None:
        return Happening.NOTHING
    if before.started_at is None:
        return Happening.ACTIVATED
    if _begins_term(before, after):
        return Happening.RENEWED if _is_next_term(before, after) else Happening.REPLANNED
    if has_other_plan(before, after):
        return Happening.CONVERTED
    if after.quantity != before.quantity:
        return Happening.RESIZED
    return Happening.DESCRIBED if is_described_otherwise(before, after) else Happening.NOTHING


def is_described_otherwise(before: Subscription, after: Subscription) -> bool:
    """Whether later lines are about something else, or follow another billing plan."""
    return is_rebilled(before, after) or (
        (before.friendly_name, before.partner_mpn_id) != (after.friendly_name, after.partner_mpn_id)
    )


def is_rebilled(before: Subscription, after: Subscription) -> bool:
    """Whether the next cycles are paid otherwise than the running one."""
    return before.billing_cycle is not after.billing_cycle


def has_other_plan(before: Subscription, after: Subscription) -> bool:
    """Whether another plan is sold now than before."""
    return (before.product_id, before.sku_id) != (after.product_id, after.sku_id)


def is_first_after_trial(before: Subscription, after: Subscription) -> bool:
    """Whether a trial has become a paid subscription."""
    return before.is_trial and not after.is_trial


def is_refunded(before: Subscription, now: datetime) -> bool:
    """Whether a cancellation takes the whole term back: during a trial, and inside the refund window.

    The window's end is exclusive (section 3.7, README decision 15).
    """
    return before.is_trial or (before.refund_until is not None and now < before.refund_until)


def seats_charge_type(before: int, after: int) -> ChargeType:
    """How lines for more or fewer seats are called."""
    return ChargeType.ADD_QUANTITY if after > before else ChargeType.REMOVE_QUANTITY


def _begins_term(before: Subscription, after: Subscription) -> bool:
    """Whether another term runs. While an account's clock stands still it may begin when the last one did."""
    if after.term_start_at != before.term_start_at or is_first_after_trial(before, after):
        return True
    has_other_length = (before.term, before.billing_cycle) != (after.term, after.billing_cycle)
    return has_other_plan(before, after) and has_other_length


def _is_next_term(before: Subscription, after: Subscription) -> bool:
    """A term that follows the one before, or the early end of a trial; else a plan was changed mid-term."""
    if after.term_start_at == before.term_end_at:
        return True
    return is_first_after_trial(before, after) and not has_other_plan(before, after)

"""Resellers named on a line (``10-catalog-cart-orders`` section 3.10)."""

from collections.abc import Mapping, Sequence

from comptoir.core.accounts import Account
from comptoir.customers.model import Reseller
from comptoir.orders.facts import Finding
from comptoir.orders.model import Participant, ParticipantKind, Problem

TRANSACTION_RESELLERS_MAX = 1
FURTHER_RESELLERS_MAX = 5


def judge_participants(
    participants: Sequence[Participant], account: Account, resellers: Mapping[str, Reseller]
) -> Finding | None:
    """Only an indirect provider may name resellers: one of record, five more, and never itself."""
    if not participants:
        return None
    if not account.is_indirect_provider:
        return Finding(
            Problem.PARTICIPANTS_NOT_SUPPORTED,
            "Only an indirect provider can name participants.",
            {"mpn_id": participants[0].mpn_id},
        )
    if _are_too_many(participants):
        return Finding(
            Problem.PARTICIPANTS_TOO_MANY,
            f"A line has at most {TRANSACTION_RESELLERS_MAX} transaction reseller and "
            f"{FURTHER_RESELLERS_MAX} others.",
        )
    findings = (_judge_mpn_id(participant.mpn_id, account, resellers) for participant in participants)
    return next((finding for finding in findings if finding is not None), None)


def reseller_of_record(participants: Sequence[Participant]) -> str | None:
    """The transaction reseller's MPN id, which the order prints as ``partnerIdOnRecord``."""
    return next((p.mpn_id for p in participants if p.kind is ParticipantKind.TRANSACTION_RESELLER), None)


def further_resellers(participants: Sequence[Participant]) -> tuple[str, ...]:
    """The MPN ids of the others, in the order given."""
    return tuple(p.mpn_id for p in participants if p.kind is not ParticipantKind.TRANSACTION_RESELLER)


def _are_too_many(participants: Sequence[Participant]) -> bool:
    further = len(further_resellers(participants))
    return len(participants) - further > TRANSACTION_RESELLERS_MAX or further > FURTHER_RESELLERS_MAX


def _judge_mpn_id(mpn_id: str, account: Account, resellers: Mapping[str, Reseller]) -> Finding | None:
    facts = {"mpn_id": mpn_id}
    if mpn_id == account.mpn_id:
        return Finding(Problem.MPN_ID_OWN, "The provider's own MPN id cannot be named.", facts)
    reseller = resellers.get(mpn_id)
    if reseller is None:
        return Finding(Problem.MPN_ID_UNKNOWN, f"The MPN id {mpn_id} was not found.", facts)
    if not reseller.is_active:
        return Finding(Problem.MPN_ID_NOT_RESELLER, f"The MPN id {mpn_id} is not a reseller's.", facts)
    return None

"""Who supports a subscription (``20-subscriptions-customers`` section 3.8)."""

from comptoir.core.accounts import Account
from comptoir.core.errors import Code, Refusal
from comptoir.customers.model import Reseller
from comptoir.subscriptions.model import SupportContact

NAME_MAX = 255


def default_contact(account: Account) -> SupportContact:
    """The partner itself."""
    return SupportContact(tenant_id=account.id, mpn_id=account.mpn_id, name=account.company_name)


def chosen_contact(
    account: Account, reseller: Reseller | None, *, tenant_id: str, mpn_id: str, name: str
) -> SupportContact:
    """The partner itself again, or the reseller that a client names by tenant, by MPN id or by both.

    A blank id is not given. A reseller must work with the partner, and both ids must be its own; a blank
    name is the reseller's.
    """
    if not tenant_id and not mpn_id:
        raise Refusal(Code.INVALID_PROPERTY, member="supportTenantId", reason="it or supportMpnId is needed.")
    if len(name) > NAME_MAX:
        reason = f"it has more than {NAME_MAX} characters."
        raise Refusal(Code.INVALID_PROPERTY, member="name", reason=reason)
    own = default_contact(account)
    known = own
    if reseller is not None and reseller.is_active:
        known = SupportContact(tenant_id=reseller.id, mpn_id=reseller.mpn_id, name=reseller.name)
    if (tenant_id.lower() or known.tenant_id, mpn_id or known.mpn_id) != (known.tenant_id, known.mpn_id):
        raise Refusal(Code.MPN_ID_NOT_RESELLER, mpn_id=mpn_id or tenant_id)
    return SupportContact(known.tenant_id, known.mpn_id, name or known.name)

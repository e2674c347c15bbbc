"""Whether an order created directly is in order as a whole, before its lines are judged (section 4.4)."""

from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.orders.model import LineRequest, OrderRequest

LINES_MAX = 500
"""Lines of one order: what one transaction can do without holding up the others."""


def checked_lines(
    request: OrderRequest, customer_id: str, settings: AccountSettings
) -> tuple[LineRequest, ...]:
    """The lines by number. Refuses what is wrong with the request rather than with one of its lines."""
    if not request.lines:
        raise Refusal(Code.INVALID_INPUT, reason="the order has no line items.")
    if len(request.lines) > LINES_MAX:
        raise Refusal(Code.INVALID_INPUT, reason=f"the order has more than {LINES_MAX} line items.")
    if any(line.request.quantity < 1 for line in request.lines):
        raise Refusal(Code.INVALID_INPUT, reason="each line needs a quantity of at least 1.")
    if request.customer_id is not None and request.customer_id.lower() != customer_id:
        raise Refusal(Code.CUSTOMER_ID_INVALID, customer_id=request.customer_id)
    by_number = sorted(request.lines, key=lambda line: line.number)
    if [line.number for line in by_number] != list(range(len(by_number))):
        raise Refusal(Code.LINE_NUMBERS_INVALID, last=len(by_number) - 1)
    if any(line.request.parent_subscription_id is not None for line in by_number):
        raise Refusal(Code.PARENT_NOT_SUPPORTED)
    if settings.require_partner_attestation and request.attestation is not True:
        raise Refusal(Code.PARTNER_ATTESTATION_MISSING)
    return tuple(line.request for line in by_number)

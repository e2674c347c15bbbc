"""The program's error codes and enumerations against the contract's tables."""

from comptoir.api.carts import PARTICIPANT_ORDINALS
from comptoir.api.faults import WIRE
from comptoir.api.reading import BILLING_CYCLE_ORDINALS
from comptoir.carts.model import LineErrorCode
from comptoir.core.errors import Code
from comptoir.wire.enums import fold
from comptoir.wire.operation import Audience
from comptoir.wire.operations import OPERATIONS
from tests.contract import loader, reviewed

ENUMS = loader.document("10")["enums"]
FINAL_STATUSES = {400, 401, 403, 404, 409, 417}
"""Statuses that an official client does not repeat (``00`` section 12.1)."""


def _documented() -> set[str]:
    """All pairs of status and code that the contract prints anywhere."""
    table = {f"{status}/{code}" for code, statuses in loader.error_codes().items() for status in statuses}
    return table.union(*(endpoint.errors for endpoint in loader.endpoints().values()))


def test_every_refusal_is_a_documented_one() -> None:
    ours = {code.name: f"{status}/{number}" for code, (status, number) in WIRE.items()}
    invented = {name for name, error in ours.items() if error not in _documented()}
    assert invented == reviewed.OWN_REFUSALS.keys()


def test_a_refusal_ends_the_call() -> None:
    """Any other status makes the official clients repeat it, Java without end."""
    repeated = {code for code, (status, _) in WIRE.items() if status not in FINAL_STATUSES}
    assert repeated == {Code.UNEXPECTED, *(Code[name] for name in reviewed.REPEATED_REFUSALS)}


def test_documented_refusals_of_operations_can_be_raised() -> None:
    """An entry of the table that no code has would be a promise that nothing keeps."""
    known = {f"{status}/{number}" for status, number in WIRE.values()}
    promised = {
        f"{operation.id} {error}"
        for operation in OPERATIONS
        if operation.audience is Audience.PARTNER
        for error in operation.errors
        if error not in known
    }
    assert promised == reviewed.PLAIN_REFUSALS.keys()


def test_cart_error_codes() -> None:
    documented = {fold(name): number for name, number in ENUMS["CartErrorCode"].items()}
    assert {fold(code.name): code.value for code in LineErrorCode}.items() <= documented.items()


def test_billing_cycle_numbers() -> None:
    assert {cycle.value: number for number, cycle in BILLING_CYCLE_ORDINALS.items()} == ENUMS[
        "BillingCycleType"
    ]["numbers"]


def test_participant_numbers() -> None:
    """The appendix lists the members in the order of their numbers."""
    wire = ENUMS["ParticipantType"]["wire"]
    assert all(wire[number] == kind.value for number, kind in PARTICIPANT_ORDINALS.items())

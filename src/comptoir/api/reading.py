"""How texts, numbers, terms and cycles in requests are read, the same in every family."""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, UnsetType

from comptoir.api.call import Call
from comptoir.catalog.model import BillingCycle
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.wire.catalog import CatalogFilesBody
from comptoir.wire.enums import parse_enum
from comptoir.wire.orders import RenewsToBody

BILLING_CYCLE_ORDINALS: Final = {
    0: BillingCycle.UNKNOWN,
    1: BillingCycle.MONTHLY,
    2: BillingCycle.ANNUAL,
    3: BillingCycle.NONE,
    4: BillingCycle.ONE_TIME,
    5: BillingCycle.TRIENNIAL,
    6: BillingCycle.BIENNIAL,
}
"""The numbers of the .NET enumeration (``10-catalog-cart-orders``, appendix)."""

COUNT_DIGITS_MAX = 9


def text_from_wire(value: str | None) -> str:
    """A text that may be missing; spaces around it do not count."""
    return "" if value is None else value.strip()


def optional_text(value: str | None) -> str | None:
    """``text_from_wire``, ``None`` for a missing or blank one."""
    return text_from_wire(value) or None


def text_to_wire(value: str) -> str | UnsetType:
    """A text that is left out where it is empty."""
    return value or UNSET


def count(text: str) -> int | None:
    """A whole number of up to nine ASCII digits, ``None`` for anything else."""
    digits = text.strip()
    is_count = digits.isascii() and digits.isdigit() and len(digits) <= COUNT_DIGITS_MAX
    return int(digits) if is_count else None


def count_asked(call: Call, name: str) -> int:
    """A query parameter that counts, absent or empty 0. Raises ``INVALID_PROPERTY``."""
    found = count(call.query.get(name) or "0")
    if found is None:
        raise Refusal(Code.INVALID_PROPERTY, member=name, reason="it must be a whole number, 0 or more.")
    return found


def cycle(value: str | int | None) -> BillingCycle | None:
    """The cycle meant; ``None`` where it is absent, blank or ``unknown``. Raises ``UnknownValue``."""
    sent = optional_text(value) if isinstance(value, str) else value
    found = parse_enum(BillingCycle, sent, BILLING_CYCLE_ORDINALS)
    return None if found is BillingCycle.UNKNOWN else found


def duration(value: str | None) -> Duration | None:
    """A term's length, ``None`` for a missing or blank one. Raises ``ValueError``."""
    text = optional_text(value)
    return None if text is None else Duration.parse(text)


def renewal_text(value: RenewsToBody | Sequence[RenewsToBody] | None) -> str | None:
    """The length of the next term, not looked at yet: of an object or, as the documents' tables have it, of
    a list of one (``10-catalog-cart-orders`` section 3.3). Raises ``ValueError`` for a longer list.
    """
    several = [value] if isinstance(value, RenewsToBody) else value or []
    if len(several) > 1:
        raise ValueError("one renewal term is expected.")
    return several[0].term_duration if several else None


def files_from_wire(body: CatalogFilesBody | None) -> list[tuple[str, str]]:
    """Name and text of each file of an upload; at least one."""
    if body is None or not body.files:
        raise Refusal(Code.INVALID_INPUT, reason="files are missing.", member="files")
    files = []
    for index, file in enumerate(body.files):
        if not file.name or file.text is None:
            member = f"files[{index}]"
            raise Refusal(Code.INVALID_PROPERTY, member=member, reason="name and text are needed.")
        files.append((file.name, file.text))
    return files

"""Numbers on the wire as every client reads them (``30-invoices-billing`` section 1.10, hazard 7).

.NET reads JSON numbers through doubles: at most 15 significant digits, no exponent, no negative zero.
"""

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import cast

from msgspec import Raw

SIGNIFICANT_DIGITS_MAX = 15
DISTINCT_MAX = 16_384
"""How many texts are remembered: the lines of a page share prices and rates."""

_SIGNIFICANT = Context(prec=SIGNIFICANT_DIGITS_MAX, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


@lru_cache(maxsize=DISTINCT_MAX)
def number(text: str) -> Decimal:
    """A stored decimal as it is answered, with neither trailing zeros nor an exponent.

    What Python would print with an exponent is a piece of ready JSON in place of a decimal.
    """
    value = _SIGNIFICANT.plus(Decimal(text))
    assert value.is_finite(), text
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if plain in {"-0", "0"}:
        return Decimal(0)
    exact = Decimal(plain)
    return exact if str(exact) == plain else cast(Decimal, Raw(plain.encode()))

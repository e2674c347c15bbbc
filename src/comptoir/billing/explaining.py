"""Why a line says what it says: the event, the rule, and every formula with its numbers.

Nothing is looked up: a line carries all that it was reckoned with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from comptoir.billing import cents
from comptoir.billing.model import ChargeType, Line, LineKind, Subject
from comptoir.core.money import Money, minor_digits

SOURCE = "30-invoices-billing"

EVENTS = {
    ChargeType.NEW: ("The subscription was activated, and its first cycle charged whole.", "3.2"),
    ChargeType.RENEW: ("A new term began, and its first cycle was charged whole.", "3.6"),
    ChargeType.CYCLE_CHARGE: ("A new cycle began within the term.", "3.6"),
    ChargeType.ADD_QUANTITY: ("Seats were added.", "3.6"),
    ChargeType.REMOVE_QUANTITY: ("Seats were removed.", "3.6"),
    ChargeType.CONVERT: ("The plan or the term was changed.", "3.6"),
    ChargeType.CANCEL_IMMEDIATE: ("The subscription was cancelled within its refund window or trial.", "3.7"),
    ChargeType.CUSTOMER_CREDIT: ("A credit was given.", "3.4"),
    ChargeType.CHANGE_BILLING_PLAN: ("The first cycle began that is paid by the new billing plan.", "3.4"),
}
"""What happened, by charge type, and the section of the contract that says what follows from it."""

DAYS_SHOWN = 31
PAIRED = frozenset({ChargeType.ADD_QUANTITY, ChargeType.REMOVE_QUANTITY, ChargeType.CONVERT})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation. ``formula`` is empty where nothing is reckoned."""

    name: str
    text: str
    formula: str
    section: str


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a line's own members lead to: its effective unit price, subtotal, and tax in mode A."""

    effective_unit_price: Decimal
    subtotal: int
    tax: int


def recomputed(line: Line) -> Recomputed:
    """The amounts from prices, days, quantity and rates. The unit price of a credit stands by itself."""
    unit_price = line.effective_unit_price
    if line.charge_type is not ChargeType.CUSTOMER_CREDIT:
        unit_price = _from_net_price(line)
    return Recomputed(unit_price, _subtotal(line, unit_price), cents.tax(line.subtotal, line.rates.tax_rate))


def explained(line: Line, subject: Subject) -> tuple[Step, ...]:
    """The steps that lead to a line's total, in the order in which they are taken."""
    event = _event(line, subject)
    if line.charge_type is ChargeType.CANCEL_IMMEDIATE and line.mirrors_id is not None:
        return event, _mirror(line), _tax(line), _total(line)
    steps = (event, _period(line), _price(line), _unit_price(line), _exchange(line))
    return (*steps, _subtotal_step(line), _tax(line), _total(line))


def usage_step(quantities: Sequence[Decimal], line: Line) -> Step:
    """Where the units of a usage line come from: the quantities of its days, in order."""
    days = "1 day" if len(quantities) == 1 else f"{len(quantities)} days"
    terms = " + ".join(f"{quantity:f}" for quantity in quantities[:DAYS_SHOWN])
    more = " + ..." if len(quantities) > DAYS_SHOWN else ""
    return Step(
        "billableQuantity",
        f"The units that were reported for {days} are summed up.",
        f"{terms}{more} = {line.billable_quantity:f}",
        "4",
    )


def rebilled_step(line: Line, original: Line, invoice_id: str) -> Step:
    """What a line of an adjustment note bills anew."""
    formula = f"{_amount(original.subtotal, original)} -> {_amount(line.subtotal, line)}"
    return Step("rebilled", f"Line {original.id} of {invoice_id} is billed anew.", formula, "3.12")


def _event(line: Line, subject: Subject) -> Step:
    text, section = EVENTS[line.charge_type]
    if line.kind is LineKind.USAGE:
        text, section = "The month's metered usage was summed up.", "4"
    what = " ".join((subject.product_name, subject.sku_name))
    return Step("event", f"{text} {line.order_date:%Y-%m-%dT%H:%M:%SZ}, {what}.", "", section)


def _period(line: Line) -> Step:
    first, last = f"{line.charge_start_at:%Y-%m-%d}", f"{line.charge_last_day:%Y-%m-%d}"
    if line.kind is LineKind.USAGE:
        return Step("period", f"Usage of {first} to {last}.", "", "4")
    text = f"{first} to {last}: {line.billing_days} of the {line.cycle_days} days of a whole cycle."
    if line.charge_type in PAIRED and line.effective_unit_price < 0:
        text += " The day of the change already counts for the new state, so this is what is given back."
    return Step("period", text, "", "3.3")


def _price(line: Line) -> Step:
    listed = f"{line.unit_price:f} {line.pricing_currency}"
    if line.net_price == line.unit_price:
        return Step("price", f"The list price of one unit is {listed}.", "", "3.4")
    text = f"The list price of one unit is {listed}, that of the private offer {line.net_price:f}."
    return Step("price", text, "", "3.4")


def _unit_price(line: Line) -> Step:
    if line.charge_type is ChargeType.CUSTOMER_CREDIT:
        text = f"The credit for one unit ({line.credit_reason})."
        return Step("effectiveUnitPrice", text, f"{line.effective_unit_price:f}", "3.4")
    decimals = f"{cents.PRICE_DECIMALS} decimals or {cents.SIGNIFICANT_DIGITS} digits, halves up"
    days = "" if line.kind is LineKind.USAGE else f" x {line.billing_days} / {line.cycle_days}"
    formula = f"{_sign(line)}RHU({line.net_price:f}{days}) = {line.effective_unit_price:f}"
    return Step("effectiveUnitPrice", f"What one unit costs: {decimals}.", formula, "3.4")


def _exchange(line: Line) -> Step:
    rates = line.rates
    if rates.exchange_month == 0:
        return Step("exchangeRate", f"Priced and billed in {line.currency}.", "1", "3.9")
    month = rates.exchange_rate_at.year * 100 + rates.exchange_rate_at.month
    text = f"The rate of {month}, from {line.pricing_currency} to {line.currency}."
    if rates.exchange_month != month:
        text = f"No rate of {month} was known: that of {rates.exchange_month} was taken."
    return Step("exchangeRate", text, f"{rates.exchange_rate:f}", "3.9")


def _subtotal_step(line: Line) -> Step:
    unit_price, rate = abs(line.effective_unit_price), line.rates.exchange_rate
    digits, units = minor_digits(line.currency), line.billable_quantity
    result = f"{_amount(line.subtotal, line)} {line.currency}"
    if line.kind is LineKind.USAGE:
        inner = f"RD({unit_price:f} x {units:f}, {minor_digits(line.pricing_currency)})"
        formula = f"{_sign(line)}RD({inner} x {rate:f}, {digits}) = {result}"
        return Step("subtotal", "Cut in the pricing currency, converted, and cut again.", formula, "3.4")
    formula = f"{_sign(line)}RD({unit_price:f} x {rate:f}, {digits}) x {units:f} = {result}"
    return Step("subtotal", "Cut for one unit, then multiplied.", formula, "3.4")


def _tax(line: Line) -> Step:
    rate = line.rates.tax_rate
    if line.invoice_id is None:
        return Step("taxTotal", f"Tax of {rate:f} is reckoned when the line is billed.", "0", "3.10")
    formula = f"RD({_amount(line.subtotal, line)} x {rate:f}, {minor_digits(line.currency)})"
    if line.tax != cents.tax(line.subtotal, rate):
        text = f"Tax of {rate:f} is reckoned once for the whole document."
        return Step("taxTotal", text, _amount(line.tax, line), "3.10")
    return Step("taxTotal", "Cut for each line.", f"{formula} = {_amount(line.tax, line)}", "3.10")


def _total(line: Line) -> Step:
    total = _amount(line.subtotal + line.tax, line)
    formula = f"{_amount(line.subtotal, line)} + {_amount(line.tax, line)} = {total}"
    return Step("totalForCustomer", "Subtotal and tax.", formula, "3.4")


def _mirror(line: Line) -> Step:
    text = f"Takes line {line.mirrors_id} back as it stands: same days, quantity and rates."
    return Step("subtotal", text, f"{_amount(line.subtotal, line)}", "3.6")


def _from_net_price(line: Line) -> Decimal:
    is_usage = line.kind is LineKind.USAGE
    days, cycle_days = (1, 1) if is_usage else (line.billing_days, line.cycle_days)
    positive = cents.effective_unit_price(line.net_price, days, cycle_days)
    return cents.negated(positive) if line.effective_unit_price < 0 else positive


def _subtotal(line: Line, unit_price: Decimal) -> int:
    rate = line.rates.exchange_rate
    if line.kind is LineKind.USAGE:
        return cents.usage_subtotal(
            unit_price, line.billable_quantity, rate, line.pricing_currency, line.currency
        )
    return cents.licence_subtotal(unit_price, rate, int(line.billable_quantity), line.currency)


def _sign(line: Line) -> str:
    return "-" if line.effective_unit_price < 0 else ""


def _amount(minor: int, line: Line) -> str:
    return str(Money(minor, line.currency).amount)

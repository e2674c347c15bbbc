"""A reconciliation file against the books: what belongs together, what differs, and why."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.billing.reconciliation_file import NotAFile, read_csv, read_json_lines
from comptoir.billing.reconciling import Cause, Comparison, Kind, Row, compare

AMOUNTS = (
    "quantity",
    "billable_quantity",
    "unit_price",
    "effective_unit_price",
    "exchange_rate",
    "subtotal",
    "tax",
    "total",
)


def row(number: int = 1, **changes: Any) -> Row:
    """Six seats at 14.95 USD, billed in EUR: 6 times 13.71, cut from 13.7155963 per unit."""
    base = Row(
        place=f"line {number + 1}",
        invoice="G000000017",
        subscription_id=f"subscription-{number}",
        reference_id=f"reference-{number}",
        charge_type="cyclecharge",
        product_id="DZH318Z0K7QX",
        sku_id="0004",
        meter="",
        order_day="2026-03-01",
        charge_start="2026-03-01",
        charge_end="2026-03-31",
        currency="EUR",
        quantity=Decimal(6),
        billable_quantity=Decimal(6),
        unit_price=Decimal("14.95"),
        effective_unit_price=Decimal("14.95"),
        exchange_rate=Decimal("0.917431193"),
        subtotal=Decimal("82.26"),
        tax=Decimal("16.45"),
        total=Decimal("98.71"),
    )
    return replace(base, **changes)


def usage(number: int = 1, **changes: Any) -> Row:
    return row(
        number,
        charge_type="new",
        meter="Beacon Tickets - E-mails",
        quantity=Decimal(1),
        billable_quantity=Decimal("1830.25"),
        unit_price=Decimal("0.037"),
        effective_unit_price=Decimal("0.037"),
        subtotal=Decimal("62.12"),
        tax=Decimal(0),
        total=Decimal("62.12"),
        **changes,
    )


def told(found: Comparison) -> list[tuple[Kind, Cause, str]]:
    return [(each.kind, each.cause, each.member) for each in found.differences]


def different(cause: Cause, *members: str) -> list[tuple[Kind, Cause, str]]:
    return [(Kind.DIFFERENT, cause, member) for member in members]


def amounts(subtotal: str, tax: str) -> dict[str, Any]:
    return {
        "subtotal": Decimal(subtotal),
        "tax": Decimal(tax),
        "total": Decimal(subtotal) + Decimal(tax),
    }


SUMS = ("subtotal", "taxTotal", "totalForCustomer")
CAUSES = {
    "equal": (row(), row(), []),
    "equal but for zeros": (row(quantity=Decimal("6.00")), row(), []),
    "columns that the file lacks": (
        row(total=None, tax=None, exchange_rate=None, reference_id="", charge_end=""),
        row(),
        [],
    ),
    "per row": (
        row(**amounts("82.29", "16.45")),
        row(),
        different(Cause.ROUNDED_PER_ROW, "subtotal", "totalForCustomer"),
    ),
    "half up per row": (
        row(**amounts("82.30", "16.45")),
        row(effective_unit_price=Decimal("14.952"), subtotal=Decimal("82.26")),
        different(Cause.OTHER_PRICE, "effectiveUnitPrice", "subtotal", "totalForCustomer"),
    ),
    "a cent": (
        row(**amounts("82.27", "16.45")),
        row(),
        different(Cause.ROUNDED_OTHERWISE, "subtotal", "totalForCustomer"),
    ),
    "a cent of tax": (
        row(tax=Decimal("16.46"), total=Decimal("98.72")),
        row(),
        different(Cause.ROUNDED_OTHERWISE, "taxTotal", "totalForCustomer"),
    ),
    "exchange rate": (
        row(exchange_rate=Decimal("0.9"), **amounts("80.70", "16.14")),
        row(),
        different(Cause.OTHER_RATE, "pcToBCExchangeRate", *SUMS),
    ),
    "list price": (
        row(unit_price=Decimal(16), effective_unit_price=Decimal(16), **amounts("88.02", "17.60")),
        row(),
        different(Cause.OTHER_PRICE, "unitPrice", "effectiveUnitPrice", *SUMS),
    ),
    "margin": (
        row(effective_unit_price=Decimal("11.96"), **amounts("65.82", "13.16")),
        row(),
        different(Cause.OTHER_PRICE, "effectiveUnitPrice", *SUMS),
    ),
    "days": (
        row(
            charge_end="2026-03-20", effective_unit_price=Decimal("9.6451612903"), **amounts("53.04", "10.60")
        ),
        row(),
        different(Cause.OTHER_DAYS, "chargeEndDate", "effectiveUnitPrice", *SUMS),
    ),
    "seats": (
        row(quantity=Decimal(5), billable_quantity=Decimal(5), **amounts("68.55", "13.71")),
        row(),
        different(Cause.OTHER_QUANTITY, "quantity", "billableQuantity", *SUMS),
    ),
    "usage that was not reported": (
        replace(usage(), billable_quantity=Decimal(2000), subtotal=Decimal("67.88"), total=Decimal("67.88")),
        usage(),
        different(Cause.MISSING_USAGE, "billableQuantity", "subtotal", "totalForCustomer"),
    ),
    "tax before it is billed": (
        row(invoice=""),
        row(invoice="", tax=Decimal(0), total=Decimal(0)),
        different(Cause.TAX_UNBILLED, "taxTotal", "totalForCustomer"),
    ),
    "tax included": (
        row(subtotal=Decimal("98.71"), tax=Decimal(0), total=Decimal("98.71")),
        row(),
        different(Cause.TAX_INCLUDED, "subtotal", "taxTotal"),
    ),
    "tax rate": (
        row(**amounts("82.26", "8.22")),
        row(),
        different(Cause.OTHER_TAX, "taxTotal", "totalForCustomer"),
    ),
    "a total that is none": (
        row(total=Decimal("98.17")),
        row(),
        different(Cause.SUM, "totalForCustomer"),
    ),
    "anything else": (
        row(**amounts("28.26", "16.45")),
        row(),
        different(Cause.OTHER_AMOUNT, "subtotal", "totalForCustomer"),
    ),
    "charge type": (row(charge_type="renew"), row(), different(Cause.OTHER_EVENT, "chargeType")),
    "another event": (row(reference_id="x"), row(), different(Cause.OTHER_EVENT, "referenceId")),
    "document": (row(invoice="G000000018"), row(), different(Cause.OTHER_DOCUMENT, "invoiceNumber")),
    "currency": (row(currency="USD"), row(), different(Cause.OTHER_CURRENCY, "currency")),
}


@pytest.mark.parametrize("case", CAUSES)
def test_the_likely_cause(case: str) -> None:
    ours, theirs, expected = CAUSES[case]
    found = compare([ours], [theirs])
    assert found.matched == 1
    assert told(found) == expected


def test_rows_of_one_side_alone() -> None:
    found = compare([row(1), row(1), row(2), usage(3)], [row(1), row(4)])
    assert told(found) == [
        (Kind.ONLY_IN_FILE, Cause.DUPLICATE, ""),
        (Kind.ONLY_IN_FILE, Cause.NOT_IN_BOOKS, ""),
        (Kind.ONLY_IN_FILE, Cause.MISSING_USAGE, ""),
        (Kind.ONLY_IN_BOOKS, Cause.NOT_IN_FILE, ""),
    ]
    assert (found.matched, found.equal) == (1, 1)


def test_both_sides_of_a_change_of_seats_find_each_their_own() -> None:
    back = row(effective_unit_price=Decimal("-9.96"), subtotal=Decimal("-54.81"), charge_type="addquantity")
    anew = row(
        effective_unit_price=Decimal("9.96"),
        subtotal=Decimal("82.21"),
        charge_type="addquantity",
        quantity=Decimal(9),
        billable_quantity=Decimal(9),
    )
    found = compare([anew, replace(back, subtotal=Decimal("-54.80"))], [back, anew])
    assert [(each.member, each.in_file, each.in_books) for each in found.differences] == [
        ("subtotal", "-54.80", "-54.81")
    ]


BOOKS = [row(number) for number in range(1, 6)] + [usage(number) for number in range(4, 9)]


@given(
    place=st.integers(0, len(BOOKS) - 1),
    member=st.sampled_from(AMOUNTS),
    change=st.decimals("-100", "100", places=2).filter(bool),
    order=st.permutations(range(len(BOOKS))),
)
def test_any_amount_that_is_changed_is_reported(
    place: int, member: str, change: Decimal, order: Sequence[int]
) -> None:
    """Nothing else is, and the row is still known to be the same one."""
    file = list(BOOKS)
    file[place] = replace(file[place], **{member: getattr(file[place], member) + change})
    found = compare([file[each] for each in order], BOOKS)
    assert (found.matched, found.equal) == (len(BOOKS), len(BOOKS) - 1)
    (difference,) = found.differences
    assert difference.row is file[place]
    assert Decimal(difference.in_file) - Decimal(difference.in_books) == change


@given(order=st.permutations(range(len(BOOKS))), left_out=st.integers(0, len(BOOKS) - 1))
def test_any_order_and_a_row_too_few(order: Sequence[int], left_out: int) -> None:
    file = [BOOKS[each] for each in order if each != left_out]
    found = compare(file, BOOKS)
    assert told(found) == [(Kind.ONLY_IN_BOOKS, Cause.NOT_IN_FILE, "")]
    assert found.differences[0].row is BOOKS[left_out]
    again = compare([BOOKS[each] for each in order], [each for each in BOOKS if each is not BOOKS[left_out]])
    assert [each.kind for each in again.differences] == [Kind.ONLY_IN_FILE]


# Files

TITLES = "SubscriptionId,ChargeType,ChargeStartDate,Subtotal"


def test_a_file_as_microsoft_writes_it() -> None:
    """American dates, other columns between, capitals, a quoted comma, an empty line at the end."""
    text = (
        "PartnerId,InvoiceNumber,SubscriptionId,ReferenceId,ChargeType,CustomerName,ChargeStartDate,"
        "ChargeEndDate,UnitPrice,BillableQuantity,Subtotal,TaxTotal,Total,Currency,PCToBCExchangeRate\r\n"
        'p,g000000017,2F9C7D0E,AA,CycleCharge,"Lumen, Atelier",9/1/2020,2020-09-30T00:00:00.0000000Z,'
        "14.95,6,89.70,,89.7,eur,1E0\r\n\r\n"
    )
    (found,) = read_csv(io.StringIO(text))
    assert found == row(
        place="line 2",
        invoice="G000000017",
        subscription_id="2f9c7d0e",
        reference_id="aa",
        product_id="",
        sku_id="",
        order_day="",
        charge_start="2020-09-01",
        charge_end="2020-09-30",
        quantity=None,
        effective_unit_price=None,
        subtotal=Decimal("89.70"),
        tax=None,
        total=Decimal("89.7"),
        exchange_rate=Decimal(1),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column"),
        ("a,b\r\n1,2\r\n", "no column chargestartdate, chargetype, subscriptionid, subtotal"),
        (
            "SubscriptionId,ChargeType,ChargeStartDate,Subtotal\r\nx,new,2026-03-01,much\r\n",
            "line 2: subtotal",
        ),
        (
            "SubscriptionId,ChargeType,ChargeStartDate,Subtotal\r\nx,new,2026-03-01,NaN\r\n",
            "line 2: subtotal",
        ),
        (f"{TITLES}\r\nx,new,soon,1\r\n", "line 2: chargestartdate"),
    ],
)
def test_what_is_no_file(text: str, reason: str) -> None:
    with pytest.raises(NotAFile, match=reason):
        list(read_csv(io.StringIO(text)))


def test_json_lines() -> None:
    good = (
        b'{"subscriptionId":"X","chargeType":"new","chargeStartDate":"2026-03-01T00:00:00Z","subtotal":-0.10,'
        b'"quantity":6,"totalForCustomer":0}\n\n'
    )
    (found,) = read_json_lines([good])
    assert (found.subscription_id, found.subtotal, found.quantity, found.total) == (
        "x",
        Decimal("-0.10"),
        Decimal(6),
        Decimal(0),
    )
    for bad in (b"{", b"[]", b'{"subtotal":1}'):
        with pytest.raises(NotAFile):
            list(read_json_lines([bad]))


@given(st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=4))
def test_any_table_is_read_or_refused(cells: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["SubscriptionId", "ChargeType", "ChargeStartDate", "Subtotal"])
    writer.writerows(cells)
    with suppress(NotAFile):
        list(read_csv(io.StringIO(text.getvalue())))

"""``comptoir export`` and ``comptoir reconcile`` beside a server, on both engines."""

import csv
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from tests.book_factory import MARCH, Books, document, line, metered, price, rates, usage_day
from tests.market import Market

from comptoir.billing import store_invoices
from comptoir.billing.model import ChargeType, LineDraft, LineKind
from comptoir.billing.postings import of_invoice
from comptoir.billing.reconciling import Comparison
from comptoir.bootstrap.exporting import Dataset, Format, Manifest, Wanted, export_books
from comptoir.bootstrap.opening import CannotOpen, CommandRefused
from comptoir.bootstrap.reconciling import reconcile
from comptoir.wire.exported import CONSUMPTION, RECONCILIATION

pytestmark = pytest.mark.anyio

ISSUED = datetime(2026, 3, 8, tzinfo=UTC)
NUMBER = "T000000017"
JANUARY = datetime(2026, 1, 5, tzinfo=UTC)
FORMATS = [*Format]
KINDS = {"lines": "onetime/billinglineitems", "consumption": "marketplace/usagelineitems"}
AMOUNTS = ["UnitPrice", "EffectiveUnitPrice", "Subtotal", "TaxTotal", "Total", "Quantity"]


def charges() -> list[LineDraft]:
    """Two seats' worth of everything: a charge, both sides of a change, usage, and numbers of any length."""
    back: dict[str, Any] = {
        "charge_type": ChargeType.ADD_QUANTITY,
        "subscription_id": "s",
        "reference_id": "e",
    }
    return [
        line(1, unit_price=Decimal("0.00000025"), price_adjustment='["a, b"]'),
        line(2, effective_unit_price=Decimal("-9.9666666667"), subtotal=-5976, **back),
        line(3, quantity=9, billable_quantity=Decimal(9), subtotal=8964, position=1, **back),
        line(4, MARCH + timedelta(hours=9), rates=rates(rate="0.917431193")),
    ]


@pytest.fixture
async def books(market: Market) -> Books:
    """A document with lines and days, and others of this month and of an earlier one that are not billed."""
    found = Books(market)
    await found.write(charges())
    monthly = line(5, kind=LineKind.USAGE, quantity=1, billable_quantity=Decimal("18.25"), subtotal=675)
    await found.write([monthly], metered())
    await found.write([line(6), line(7, JANUARY), line(8, currency="EUR")])
    days = [usage_day(1, price=price("0.037", "0.00000025")), usage_day(2)]
    await found.use([*days, usage_day(3), usage_day(4, JANUARY)])
    invoice = document(NUMBER, ISSUED)
    await found.issue(invoice, [*charges(), monthly], days)
    account_id = await found.account_id()
    await market.write(lambda tx: store_invoices.insert_postings(tx, account_id, of_invoice(invoice)))
    return found


async def exported(
    market: Market, folder: Path, dataset: str, format_: str = "csv", **which: str
) -> Manifest:
    wanted = Wanted(Dataset(dataset), "sandbox", Format(format_), folder, **which)
    return await export_books(market.services.settings, wanted)


async def compared(market: Market, file: Path, account: str = "sandbox") -> Comparison:
    return await reconcile(market.services.settings, account, file)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


async def listed(market: Market, invoice: str, kind: str) -> list[Any]:
    reply = await market.get(f"/v1/invoices/{invoice}/lineitems/{kind}?currencyCode=USD")
    assert reply.status_code == 200, reply.text
    items: list[Any] = json.loads(reply.text, parse_float=Decimal)["items"]
    return items


async def test_the_columns_of_a_reconciliation_file(market: Market, books: Books, tmp_path: Path) -> None:
    made = await exported(market, tmp_path, "lines", invoice_id=NUMBER)
    rows = rows_of(tmp_path / "lines.csv")
    items = await listed(market, NUMBER, "onetime/billinglineitems")
    assert len(rows) == len(items) == made.rows == 5
    assert list(rows[0])[:10] == [*RECONCILIATION][:10]
    assert {row["UnitPrice"] for row in rows} == {"0.00000025", "14.95"}
    for row, item in zip(rows, items, strict=True):
        for column, member in (
            ("OrderDate", "orderDate"),
            ("Subtotal", "subtotal"),
            ("Total", "totalForCustomer"),
            ("EffectiveUnitPrice", "effectiveUnitPrice"),
            ("PriceAdjustmentDescription", "priceAdjustmentDescription"),
            ("ResellerMpnId", "resellerMpnId"),
            ("ReferenceId", "referenceId"),
        ):
            assert row[column] == str(item[member]) or Decimal(row[column]) == item[member]


async def test_the_columns_of_daily_usage(market: Market, books: Books, tmp_path: Path) -> None:
    await exported(market, tmp_path, "consumption", invoice_id=NUMBER.lower())
    rows = rows_of(tmp_path / "consumption.csv")
    assert list(rows[0]) == [*CONSUMPTION]
    assert [row["UsageDate"] for row in rows] == ["2026-03-01T00:00:00Z"] * 2
    assert {row["Unit"] for row in rows} == {"per 100 e-mails"}
    assert {row["EffectiveUnitPrice"] for row in rows} == {"0.00000025", "1"}


async def test_json_lines_are_those_of_the_api(market: Market, books: Books, tmp_path: Path) -> None:
    for dataset, kind in (
        ("lines", "onetime/billinglineitems"),
        ("consumption", "marketplace/usagelineitems"),
    ):
        await exported(market, tmp_path, dataset, "jsonl", invoice_id=NUMBER)
        content = gzip.decompress((tmp_path / f"{dataset}.json.gz").read_bytes())
        found = [json.loads(text, parse_float=Decimal) for text in content.splitlines()]
        assert found == await listed(market, NUMBER, kind)


async def test_parquet_is_exact(market: Market, books: Books, tmp_path: Path) -> None:
    for dataset, kind in (
        ("lines", "onetime/billinglineitems"),
        ("consumption", "marketplace/usagelineitems"),
    ):
        await exported(market, tmp_path, dataset, "parquet", invoice_id=NUMBER)
        table = parquet.read_table(tmp_path / f"{dataset}.parquet")
        items = await listed(market, NUMBER, kind)
        assert str(table.schema.field("effectiveUnitPrice").type) == "decimal128(38, 20)"
        for row, item in zip(table.to_pylist(), items, strict=True):
            for name, value in row.items():
                shown = value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
                assert shown == item[name], name


@pytest.mark.parametrize("format_", FORMATS)
async def test_the_manifest_says_what_there_is(
    market: Market, books: Books, tmp_path: Path, format_: Format
) -> None:
    """The totals are those of the document's lines; the digest is that of the bytes."""
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        made = await exported(market, folder, "lines", format_, invoice_id=NUMBER)
        (file,) = made.files
        content = (folder / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        items = await listed(market, NUMBER, "onetime/billinglineitems")
        told = json.loads((folder / "manifest.json").read_text())
        assert told["rows"] == file.rows == len(items)
        assert {name: Decimal(total) for name, total in told["totals"]["USD"].items()} == {
            name: sum(item[name] for item in items) for name in ("subtotal", "taxTotal", "totalForCustomer")
        }
        assert sorted(path.name for path in folder.iterdir()) == sorted([file.name, "manifest.json"])


async def test_what_is_not_billed_yet(market: Market, books: Books, tmp_path: Path) -> None:
    """Of both periods, in one currency: the account's own unless another is given."""
    for dataset, currency, dates in (
        ("lines", "", ["2026-01-05", "2026-03-01"]),
        ("lines", "EUR", ["2026-03-01"]),
        ("consumption", "", ["2026-01-05", "2026-03-01"]),
    ):
        made = await exported(market, tmp_path, dataset, currency=currency)
        rows = rows_of(tmp_path / f"{dataset}.csv")
        assert [(row.get("UsageDate") or row["ChargeStartDate"])[:10] for row in rows] == dates
        assert list(made.totals) == [currency or "USD"]


async def test_postings(market: Market, books: Books, tmp_path: Path) -> None:
    made = await exported(market, tmp_path, "postings")
    rows = rows_of(tmp_path / "postings.csv")
    assert len(rows) == made.rows > 0
    assert Decimal(made.totals["USD"]["amount"]) == sum(
        Decimal(row["Amount"]) for row in rows if row["Currency"] == "USD"
    )
    for format_ in (Format.JSONL, Format.PARQUET):
        assert (await exported(market, tmp_path, "postings", format_)).totals == made.totals


async def test_nothing_is_an_empty_file(market: Market, tmp_path: Path) -> None:
    for format_ in FORMATS:
        made = await exported(market, tmp_path, "lines", format_, currency="CHF")
        assert (made.rows, made.totals) == (0, {})
    assert rows_of(tmp_path / "lines.csv") == []
    assert parquet.read_table(tmp_path / "lines.parquet").num_rows == 0


async def test_what_cannot_be_exported(market: Market, books: Books, tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="T999999999 was not found"):
        await exported(market, tmp_path, "lines", invoice_id="T999999999")
    with pytest.raises(CommandRefused, match="nobody"):
        await export_books(
            market.services.settings, Wanted(Dataset.LINES, "nobody", Format.CSV, tmp_path, currency="USD")
        )
    (tmp_path / "file").touch()
    with pytest.raises(CannotOpen, match="cannot write into"):
        await exported(market, tmp_path / "file", "lines", invoice_id=NUMBER)


# Compared with the books


@pytest.mark.parametrize("format_", [Format.CSV, Format.JSONL])
async def test_an_export_of_ours_has_no_differences(
    market: Market, books: Books, tmp_path: Path, format_: Format
) -> None:
    for which, count in (({"invoice_id": NUMBER}, 5), ({"currency": "USD"}, 2), ({"currency": "EUR"}, 1)):
        made = await exported(market, tmp_path, "lines", format_, **which)
        found = await compared(market, tmp_path / made.files[0].name)
        assert (found.matched, found.equal, found.differences) == (count, count, [])


@pytest.mark.parametrize("column", AMOUNTS)
async def test_one_changed_amount_is_found(market: Market, books: Books, tmp_path: Path, column: str) -> None:
    await exported(market, tmp_path, "lines", invoice_id=NUMBER)
    rows = rows_of(tmp_path / "lines.csv")
    for place, row in enumerate(rows):
        changed = {**row, column: str(Decimal(row[column]) + Decimal("0.01"))}
        file = tmp_path / "changed.csv"
        with file.open("w", encoding="utf-8-sig", newline="") as text:
            writer = csv.DictWriter(text, list(row))
            writer.writeheader()
            writer.writerows([*rows[:place], changed, *rows[place + 1 :]])
        (difference,) = (await compared(market, file)).differences
        assert difference.row.place == f"line {place + 2}"
        assert Decimal(difference.in_file) - Decimal(difference.in_books) == Decimal("0.01")


async def test_rows_too_few_and_too_many(market: Market, books: Books, tmp_path: Path) -> None:
    await exported(market, tmp_path, "lines", invoice_id=NUMBER)
    lines = (tmp_path / "lines.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "other.csv"
    file.write_text("".join([*lines[:2], lines[1], *lines[3:]]), encoding="utf-8")
    found = await compared(market, file)
    assert [(each.kind, each.cause) for each in found.differences] == [
        ("only in the file", "a duplicate row"),
        ("only in the books", "the file leaves it out"),
    ]


async def test_a_file_of_another_account(market: Market, books: Books, tmp_path: Path) -> None:
    await exported(market, tmp_path, "lines", invoice_id=NUMBER)
    found = await compared(market, tmp_path / "lines.csv", account="production")
    assert found.matched == 0
    assert {each.kind for each in found.differences} == {"only in the file"}


async def test_what_cannot_be_compared(market: Market, books: Books, tmp_path: Path) -> None:
    await exported(market, tmp_path, "consumption", invoice_id=NUMBER)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"PartnerId,")[:-4])
    (tmp_path / "latin.csv").write_bytes(b"Partn\xe9,")
    for name, kind in (
        ("consumption.csv", CommandRefused),
        ("none.csv", CannotOpen),
        ("cut.csv.gz", CannotOpen),
        ("latin.csv", CannotOpen),
    ):
        with pytest.raises(kind, match=name):
            await compared(market, tmp_path / name)

"""Exports over HTTP: asked for, made in the background, fetched by their address, gone after a day."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.book_factory import MARCH, Books, document, line, usage_day
from tests.market import BASE_URL, Json, Market

from comptoir.api import exporter
from comptoir.api.exporter import Exporter
from comptoir.billing import service_exports
from comptoir.billing.exporting import EXPORT_LIFE, LEASE, MEMORY, OPEN_MAX
from comptoir.bootstrap.server import make_application
from comptoir.wire.exports import BASE, BASIC_CHARGE, BASIC_USAGE

pytestmark = pytest.mark.anyio

ISSUED = datetime(2026, 3, 8, tzinfo=UTC)
NUMBER = "T000000017"
UNBILLED = {"currencyCode": "USD", "billingPeriod": "current"}
CHARGES = f"{BASE}/reconciliation/unbilled/export"
DAYS = f"{BASE}/usage/unbilled/export"


@pytest.fixture
async def desk(market: Market, tmp_path: Path) -> AsyncIterator[Market]:
    """A market that keeps its exports in a folder of this test; they are made by ``make`` alone."""
    made = replace(market.services.exporter, folder=tmp_path / "exports")
    _employ(market, made)
    yield market
    await market.client.aclose()


@pytest.fixture
def books(desk: Market) -> Books:
    return Books(desk)


def _employ(market: Market, made: Exporter) -> None:
    market.services = replace(market.services, exporter=made)
    market.application = make_application(market.services, asyncio.Event())
    transport = httpx2.ASGITransport(market.application)
    market.client = httpx2.AsyncClient(transport=transport, base_url=BASE_URL)


async def make(market: Market) -> int:
    return await exporter.run_pending(market.services.exporter)


async def ask(market: Market, path: str = CHARGES, body: Json = UNBILLED) -> str:
    """Ask for an export; the address of its operation, without the server."""
    reply = await market.post(path, body)
    assert reply.status_code == 202, reply.text
    assert not reply.content
    location: str = reply.headers["Location"]
    assert location.startswith(f"{BASE_URL}{BASE}/operations/")
    return location.removeprefix(BASE_URL)


async def ended(market: Market, path: str = CHARGES, body: Json = UNBILLED) -> Json:
    """The operation of an export that is made."""
    operation = await ask(market, path, body)
    assert await make(market) == 1
    return (await market.get(operation)).json()


async def fetched(market: Market, manifest: Json) -> list[Json]:
    """Every line of an export, without a token, as the manifest says."""
    lines: list[Json] = []
    for blob in manifest["blobs"]:
        reply = await market.client.get(address(manifest, blob["name"]))
        assert reply.status_code == 200, reply.text
        lines += map(json.loads, gzip.decompress(reply.content).splitlines())
    return lines


def address(manifest: Json, name: str) -> str:
    return f"{manifest['rootDirectory']}/{name}?{manifest['sasToken']}"


def shown(page: httpx2.Response) -> Json:
    return page.json()["items"]


async def test_from_the_question_to_the_lines(desk: Market, books: Books) -> None:
    await books.write([line(number, MARCH + timedelta(hours=number)) for number in range(1, 8)])
    operation = await ask(desk)
    waiting = await desk.get(operation)
    assert waiting.headers["Retry-After"] == "10"
    assert waiting.json()["status"] == "notStarted"
    assert waiting.json()["@odata.type"] == "#microsoft.graph.partners.billing.runningOperation"
    assert (await desk.get(operation.replace("operations", "manifests"))).status_code == 404

    assert await make(desk) == 1
    reply = await desk.get(operation)
    assert "Retry-After" not in reply.headers
    done = reply.json()
    assert (done["status"], done["@odata.type"]) == (
        "succeeded",
        "#microsoft.graph.partners.billing.exportSuccessOperation",
    )
    manifest = done["resourceLocation"]
    assert (await desk.get(f"{BASE}/manifests/{manifest['id'].upper()}")).json() == manifest
    assert (manifest["dataFormat"], manifest["partitionType"], manifest["blobCount"]) == (
        "compressedJSONLines",
        "default",
        1,
    )
    assert manifest["partnerTenantId"] == await books.account_id()
    assert [blob["name"] for blob in manifest["blobs"]] == ["reconciliation_00001.json.gz"]
    listed = await desk.get(
        "/v1/invoices/unbilled/lineitems?provider=onetime&invoiceLineItemType=billinglineitems&currencyCode=usd"
    )
    assert await fetched(desk, manifest) == shown(listed)


async def test_a_document_and_the_other_kind(desk: Market, books: Books) -> None:
    """Billed lines of both kinds; names of members and values in any case, as Microsoft's sample writes."""
    lines, days = [line(1), line(2)], [usage_day(1), usage_day(2)]
    await books.write([*lines, line(3)])
    await books.use([*days, usage_day(3)])
    await books.issue(document(NUMBER, ISSUED), lines, days)
    body = {"InvoiceId": f"onetime-{NUMBER.lower()}", "AttributeSet": "Full"}
    for kind, provider, line_type in (
        ("Reconciliation", "onetime", "billinglineitems"),
        ("USAGE", "marketplace", "usagelineitems"),
    ):
        path = f"{BASE}/{kind}/Billed/microsoft.graph.partners.billing.export"
        done = await ended(desk, path, body)
        listed = await desk.get(f"/v1/invoices/{NUMBER}/lineitems/{provider}/{line_type}")
        assert await fetched(desk, done["resourceLocation"]) == shown(listed) != []


async def test_periods(desk: Market, books: Books) -> None:
    january = datetime(2026, 1, 5, tzinfo=UTC)
    await books.write([line(1, january), line(2)])
    await books.use([usage_day(1, january), usage_day(2)])
    for path, date in ((CHARGES, "chargeStartDate"), (DAYS, "usageDate")):
        for period, day in (("current", "2026-03-01"), ("LAST", "2026-01-05")):
            done = await ended(desk, path, {"currencycode": "usd", "billingPeriod": period})
            (item,) = await fetched(desk, done["resourceLocation"])
            assert item[date] == f"{day}T00:00:00Z"


@pytest.mark.parametrize(("path", "members"), [(CHARGES, BASIC_CHARGE), (DAYS, BASIC_USAGE)])
async def test_basic_attributes(desk: Market, books: Books, path: str, members: tuple[str, ...]) -> None:
    await books.write([line(1)])
    await books.use([usage_day(1)])
    whole = await fetched(desk, (await ended(desk, path))["resourceLocation"])
    done = await ended(desk, path, {**UNBILLED, "attributeSet": "BASIC"})
    (item,) = await fetched(desk, done["resourceLocation"])
    assert len(item) == len(members) < len(whole[0])
    assert item.items() <= whole[0].items()
    assert list(item)[:3] == [name for name in whole[0] if name in item][:3]


async def test_many_lines_are_several_files(desk: Market, books: Books) -> None:
    _employ(desk, replace(desk.services.exporter, rows_per_blob=3))
    await books.write([line(number, MARCH + timedelta(hours=number)) for number in range(7)])
    manifest = (await ended(desk))["resourceLocation"]
    assert [blob["name"][15:20] for blob in manifest["blobs"]] == ["00001", "00002", "00003"]
    lines = await fetched(desk, manifest)
    assert [item["orderDate"][11:13] for item in lines] == [f"{hour:02}" for hour in range(7)]


async def test_the_same_books_give_the_same_bytes(desk: Market, books: Books) -> None:
    await books.write([line(number) for number in range(1, 9)])
    twice = []
    for _ in range(2):
        manifest = (await ended(desk))["resourceLocation"]
        reply = await desk.client.get(address(manifest, manifest["blobs"][0]["name"]))
        twice.append((reply.content, reply.headers["ETag"]))
    assert twice[0] == twice[1]


async def test_nothing_to_export_fails(desk: Market) -> None:
    done = await ended(desk)
    assert (done["status"], done["@odata.type"]) == (
        "failed",
        "#microsoft.graph.partners.billing.failedOperation",
    )
    assert done["error"]["code"] == "5000"
    assert "resourceLocation" not in done


# Files


async def test_a_file_and_its_parts(desk: Market, books: Books) -> None:
    await books.write([line(1)])
    manifest = (await ended(desk))["resourceLocation"]
    path = address(manifest, manifest["blobs"][0]["name"])
    whole = await desk.client.get(path, headers={"Accept-Encoding": "gzip"})
    content = whole.content
    assert "Content-Encoding" not in whole.headers
    assert whole.headers["Content-Type"] == "application/gzip"
    assert whole.headers["x-ms-blob-type"] == "BlockBlob"
    assert whole.headers["x-ms-request-id"]
    assert whole.headers["Last-Modified"].endswith("GMT")
    head = await desk.client.head(path)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", whole.headers["ETag"])
    assert head.headers["Content-Length"] == str(len(content))
    size = len(content)
    for wanted, part, span in (
        ("bytes=0-9", content[:10], f"0-9/{size}"),
        ("bytes=5-", content[5:], f"5-{size - 1}/{size}"),
        ("Bytes=-4", content[-4:], f"{size - 4}-{size - 1}/{size}"),
        ("bytes=3-999999", content[3:], f"3-{size - 1}/{size}"),
    ):
        for headers in ({"Range": wanted}, {"x-ms-range": wanted, "Range": "bytes=1-1"}):
            reply = await desk.client.get(path, headers=headers)
            assert (reply.status_code, reply.content) == (206, part)
            assert reply.headers["Content-Range"] == f"bytes {span}"
    for strange in ("bytes=9-3", "lines=1-2", "bytes=0-1,3-4", "bytes=", "bytes=-"):
        assert (await desk.client.get(path, headers={"Range": strange})).content == content
    outside = await desk.client.get(path, headers={"Range": f"bytes={size}-"})
    assert (outside.status_code, outside.json()["code"]) == (416, 3000)


async def test_only_the_signature_opens_a_file(desk: Market, books: Books) -> None:
    await books.write([line(1)])
    first = (await ended(desk))["resourceLocation"]
    second = (await ended(desk))["resourceLocation"]
    name = first["blobs"][0]["name"]
    directory = first["rootDirectory"]
    for path in (
        f"{directory}/{name}",
        f"{directory}/{name}?sig=",
        f"{directory}/{name}?sig=abc",
        f"{directory}/{name}?{second['sasToken']}",
        f"{directory}/{name}?{first['sasToken'][:-1]}",
    ):
        reply = await desk.client.get(path)
        assert (reply.status_code, reply.json()["code"]) == (403, 2032)
    for other in ("reconciliation_00002.json.gz", "..", "%2e%2e%2fmarket.db"):
        assert (await desk.client.get(address(first, other))).status_code == 404


# What comes to an end


async def test_all_is_gone_after_a_day(desk: Market, books: Books) -> None:
    await books.write([line(1)])
    operation = await ask(desk)
    await make(desk)
    manifest = (await desk.get(operation)).json()["resourceLocation"]
    folder = desk.services.exporter.folder / manifest["id"]
    desk.time[0] += EXPORT_LIFE - timedelta(seconds=1)
    desk.tokens.clear()
    await exporter.purge(desk.services.exporter)
    assert await fetched(desk, manifest)
    desk.wait(seconds=1)
    for _ in range(2):  # before and after its files are deleted
        for path in (operation, operation.replace("operations", "manifests")):
            reply = await desk.get(path)
            assert (reply.status_code, reply.json()["code"]) == (410, 1000)
        assert (await desk.client.get(address(manifest, manifest["blobs"][0]["name"]))).status_code == 403
        await exporter.purge(desk.services.exporter)
    assert not folder.exists()
    desk.time[0] += MEMORY
    await desk.write(partial(service_exports.expire, exports=(), wall=desk.now))
    desk.tokens.clear()
    assert (await desk.get(operation)).status_code == 404


async def test_what_was_killed_is_begun_again(desk: Market, books: Books) -> None:
    """Killed between lines, and between the files and the word that they are there."""
    await books.write([line(number) for number in range(1, 4)])
    operation = await ask(desk)
    made = desk.services.exporter
    export = await desk.write(partial(service_exports.claim, owner="killed", wall=desk.now))
    assert export is not None
    for leftover in (f"{export.id}.part", export.id):
        (made.folder / leftover).mkdir(parents=True)
        (made.folder / leftover / "reconciliation_00009.json.gz").write_bytes(b"half a fi")
    assert (await desk.get(operation)).json()["status"] == "running"
    assert await make(desk) == 0, "it is another's for the time of the lease"
    desk.time[0] += LEASE
    assert await make(desk) == 1
    manifest = (await desk.get(operation)).json()["resourceLocation"]
    assert len(await fetched(desk, manifest)) == 3
    assert [path.name for path in (made.folder / export.id).iterdir()] == ["reconciliation_00001.json.gz"]
    late = partial(service_exports.end, export=export, owner="killed", blobs=(), wall=desk.now)
    assert not await desk.write(late), "who comes late changes nothing"


async def test_a_restart_takes_leases_away(desk: Market, books: Books) -> None:
    await books.write([line(1)])
    await ask(desk)
    await desk.write(partial(service_exports.claim, owner="killed", wall=desk.now))
    await desk.write(service_exports.release)
    assert await make(desk) == 1


async def test_a_lease_is_renewed_by_its_owner_alone(desk: Market, books: Books) -> None:
    await ask(desk)
    export = await desk.write(partial(service_exports.claim, owner="first", wall=desk.now))
    assert export is not None
    desk.time[0] += LEASE
    assert not await desk.write(partial(service_exports.renew, export=export, owner="second", wall=desk.now))
    assert await desk.write(partial(service_exports.renew, export=export, owner="first", wall=desk.now))
    assert await make(desk) == 0


async def test_one_that_cannot_be_made_fails_and_the_next_is_made(
    desk: Market, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    await books.write([line(1)])
    made = desk.services.exporter
    made.folder.parent.mkdir(exist_ok=True)
    made.folder.write_text("in the way")
    operation = await ask(desk)
    assert await make(desk) == 1
    assert (await desk.get(operation)).json()["error"]["code"] == "5001"
    assert "failed" in caplog.text
    made.folder.unlink()
    assert (await ended(desk))["status"] == "succeeded"


async def test_the_daemon_makes_what_is_asked_for(desk: Market, books: Books) -> None:
    await books.write([line(1)])
    daemon = asyncio.create_task(exporter.run_daemon(desk.services.exporter))
    try:
        operation = await ask(desk)
        async with asyncio.timeout(20):
            while (await desk.get(operation)).json()["status"] != "succeeded":  # noqa: ASYNC110 - as a client does
                await asyncio.sleep(0.01)
    finally:
        daemon.cancel()


async def test_a_call_that_is_repeated_begins_one_export(desk: Market) -> None:
    headers = {"MS-RequestId": "0b6a1f0e-5a52-4b57-9d0c-2f3f2a6f1c11"}
    first = await desk.post(CHARGES, UNBILLED, headers=headers)
    again = await desk.post(CHARGES, UNBILLED, headers=headers)
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["MS-Replayed"] == "true"
    assert await make(desk) == 1


async def test_a_call_that_is_repeated_when_its_export_is_over_begins_another(desk: Market) -> None:
    headers = {"MS-RequestId": "0b6a1f0e-5a52-4b57-9d0c-2f3f2a6f1c11"}
    first = await desk.post(CHARGES, UNBILLED, headers=headers)
    await make(desk)
    desk.time[0] += EXPORT_LIFE + timedelta(seconds=1)
    desk.tokens.clear()
    second = await desk.post(CHARGES, UNBILLED, headers=headers)
    assert first.headers["Location"] != second.headers["Location"]
    assert (await desk.get(second.headers["Location"].removeprefix(BASE_URL))).status_code == 200
    assert await make(desk) == 1


async def test_only_some_exports_of_an_account_may_wait(desk: Market) -> None:
    for _ in range(OPEN_MAX):
        await ask(desk)
    refused = await desk.post(CHARGES, UNBILLED)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert await make(desk) == OPEN_MAX
    await ask(desk)


# Who may, and what is refused


async def test_an_account_sees_its_own_exports_alone(desk: Market, books: Books) -> None:
    await books.write([line(1)])
    operation = await ask(desk)
    await make(desk)
    for path in (operation, operation.replace("operations", "manifests")):
        assert (await desk.get(path)).status_code == 200
        reply = await desk.get(path, account="production")
        assert (reply.status_code, reply.json()["code"]) == (404, 1000)


REFUSED: list[tuple[str, Json, str]] = [
    ("reconciliation/billed", {}, "400/3000"),
    ("reconciliation/billed", None, "400/3000"),
    ("reconciliation/billed", {"invoiceId": "T999999999"}, "404/1000"),
    ("usage/billed", {"invoiceId": "Recurring-T000000017"}, "404/1000"),
    ("usage/billed", {"invoiceId": NUMBER, "attributeSet": "most"}, "400/3000"),
    ("usage/unbilled", {"currencyCode": "USD"}, "400/3000"),
    ("usage/unbilled", {"currencyCode": "USD", "billingPeriod": "next"}, "400/3000"),
    ("usage/unbilled", {"currencyCode": "dollars", "billingPeriod": "last"}, "400/3000"),
    ("usage/unbilled", {"billingPeriod": "last"}, "400/3000"),
    ("usage/paid", UNBILLED, "404/1000"),
    ("profit/unbilled", UNBILLED, "404/1000"),
]


async def test_what_is_refused(desk: Market, books: Books) -> None:
    await Books(desk, "production").issue(document("G000000031", ISSUED))
    foreign = ("usage/billed", {"invoiceId": "G000000031"}, "403/2032")
    for verb in ("export", "microsoft.graph.partners.billing.export"):
        for path, body, error in [*REFUSED, foreign]:
            reply = await desk.post(f"{BASE}/{path}/{verb}", body)
            assert f"{reply.status_code}/{reply.json()['code']}" == error, (path, body)
    assert await make(desk) == 0
    unknown: dict[str, Any] = {"path": "0b6a1f0e-5a52-4b57-9d0c-2f3f2a6f1c11"}
    for kind in ("operations", "manifests"):
        assert (await desk.get(f"{BASE}/{kind}/{unknown['path']}")).status_code == 404


async def test_without_a_good_token(desk: Market) -> None:
    bad = {"Authorization": "Bearer e30.e30.e30"}
    for method, path in (
        ("POST", CHARGES),
        ("POST", f"{BASE}/usage/unbilled/microsoft.graph.partners.billing.export"),
        ("GET", f"{BASE}/operations/0b6a1f0e-5a52-4b57-9d0c-2f3f2a6f1c11"),
        ("GET", f"{BASE}/manifests/0b6a1f0e-5a52-4b57-9d0c-2f3f2a6f1c11"),
    ):
        reply = await desk.call(method, path, UNBILLED if method == "POST" else None, headers=bad)
        assert (reply.status_code, reply.json()["code"]) == (401, 400)

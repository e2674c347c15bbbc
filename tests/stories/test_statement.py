"""An invoice on paper: what a month of a customer comes to, as a PDF over HTTP."""

import io

import pypdf
import pytest
from tests.market import ADMIN, Market
from tests.order_market import Shop, shop
from tests.subscription_desk import hold, later

from comptoir.core.terms import add_months

pytestmark = pytest.mark.anyio
__all__ = ["shop"]


async def invoiced(shop: Shop) -> str:
    """The number of the first invoice of a customer that has bought and activated."""
    await hold(shop)
    market: Market = shop.market
    later(shop, add_months(market.now, 2))
    await market.work()
    market.tokens.clear()
    listed = (await market.get("/v1/invoices", user=ADMIN)).json()
    number: str = listed["items"][0]["id"]
    return number


async def test_the_invoice_comes_as_pdf_with_its_totals(shop: Shop) -> None:
    number = await invoiced(shop)
    market = shop.market
    path = f"/v1/invoices/{number}/documents/statement"
    accepts: tuple[dict[str, str], ...] = ({"Accept": "application/pdf"}, {"Accept": "application/json"}, {})
    replies = [await market.get(path, user=ADMIN, headers=headers) for headers in accepts]
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    reply = replies[0]
    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.headers["Content-Disposition"] == f"attachment; filename=Invoice_{number}.pdf"
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(reply.content)).pages]
    invoice = (await market.get(f"/v1/invoices/{number}", user=ADMIN)).json()
    assert number in pages[0]
    assert f"{invoice['totalCharges']:,.2f}" in pages[0]


async def test_by_the_prefixed_number_too(shop: Shop) -> None:
    number = await invoiced(shop)
    reply = await shop.market.get(f"/v1/invoices/OneTime-{number}/documents/statement", user=ADMIN)
    assert reply.status_code == 200


async def test_unknown_and_foreign_documents_are_refused(shop: Shop) -> None:
    number = await invoiced(shop)
    market = shop.market
    unknown = await market.get("/v1/invoices/T999999999/documents/statement", user=ADMIN)
    assert (unknown.status_code, unknown.json()["code"]) == (404, 1000)
    foreign = await market.get(f"/v1/invoices/{number}/documents/statement", user=ADMIN, account="production")
    assert (foreign.status_code, foreign.json()["code"]) == (403, 2032)


async def test_an_application_alone_may_not_read_it(shop: Shop) -> None:
    number = await invoiced(shop)
    reply = await shop.market.get(f"/v1/invoices/{number}/documents/statement")
    assert (reply.status_code, reply.json()["code"]) == (403, 2032)


async def test_there_is_no_tax_receipt(shop: Shop) -> None:
    number = await invoiced(shop)
    path = f"/v1/invoices/{number}/receipts/E1/documents/statement"
    reply = await shop.market.get(path, user=ADMIN)
    assert (reply.status_code, reply.json()["code"]) == (404, 1000)
    foreign = await shop.market.get(path, user=ADMIN, account="production")
    assert (foreign.status_code, foreign.json()["code"]) == (403, 2032)

"""Where a publisher's landing page and webhook are: changed for all of its offers at once."""

from dataclasses import replace

import msgspec

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.catalog import service, store_import
from comptoir.catalog.file_format import WebAddress
from comptoir.catalog.model import Publisher
from comptoir.catalog.publishing import ImportPlan
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx


async def require_publisher(tx: Tx, publisher_id: str) -> Publisher:
    """The publisher whose id somebody has written. Raises ``NAME_UNKNOWN``."""
    for publisher in await service.publishers(tx):
        if publisher.id == publisher_id:
            return publisher
    raise Refusal(Code.NAME_UNKNOWN, kind="publisher", name=publisher_id)


async def point(
    tx: Tx, ctx: Context, publisher_id: str, landing_page_url: str, webhook_url: str
) -> Publisher:
    """Let the publisher's offers lead to other addresses, as a developer at work needs it.

    Importing the publisher's catalogue file again brings back what that says. Raises ``NAME_UNKNOWN`` and
    ``INVALID_PROPERTY``; a landing page has no fragment (``40-publisher-fulfillment-metering`` section 7.1).
    """
    for member, address in (("landingPageUrl", landing_page_url), ("webhookUrl", webhook_url)):
        _require_web_address(member, address)
    version = await store_import.lock_version(tx)
    publisher = await require_publisher(tx, publisher_id)
    shelf = await store_import.load_shelf(tx)
    products = [
        replace(
            product,
            details=replace(product.details, landing_page_url=landing_page_url, webhook_url=webhook_url),
        )
        for product in shelf.products.values()
        if product.publisher_id == publisher_id
    ]
    await store_import.apply(tx, ImportPlan(products=products), ctx.now)
    await store_import.set_version(tx, version + 1)
    audit.record(
        tx,
        ctx,
        Action.IMPORT_CATALOGUE,
        subject_kind="publisher",
        subject_id=publisher_id,
        after={"landingPageUrl": landing_page_url, "webhookUrl": webhook_url},
    )
    return publisher


def _require_web_address(member: str, address: str) -> None:
    try:
        msgspec.convert(address, WebAddress)
    except msgspec.ValidationError as error:
        reason = "it must be an http or https address without a fragment."
        raise Refusal(Code.INVALID_PROPERTY, member=member, reason=reason) from error

"""Take files of exchange rates, tax rates and private offers over. All of them, or nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import store_reference
from comptoir.billing.model import PrivateOffer
from comptoir.billing.reference_file import OfferRow, ReferenceTables, read_tables
from comptoir.catalog import service as catalog
from comptoir.catalog.model import FileError
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.identity import service as identity


@dataclass(frozen=True, slots=True)
class ReferenceSummary:
    """How many entries of each kind the files held."""

    exchange_rates: int
    tax_rates: int
    private_offers: int


async def import_files(tx: Tx, ctx: Context, files: Sequence[tuple[str, str]]) -> ReferenceSummary:
    """Store what the files (name and text) say, in place of what was known for the same key.

    Lines that are written already keep the rates that they were written with (``30-invoices-billing``
    section 3.3). Raises ``REFERENCE_FILES_INVALID`` with every fault as the fact ``errors``.
    """
    tables = read_tables(files)
    offers, unknown = await _resolved(tx, tables)
    errors = sorted([*tables.errors, *unknown], key=lambda error: (error.file, error.line))
    if errors:
        first = f"{errors[0].file}, line {errors[0].line}: {errors[0].reason}"
        raise Refusal(Code.REFERENCE_FILES_INVALID, count=len(errors), first=first, errors=tuple(errors))
    await store_reference.set_exchange_rates(tx, tables.exchange_rates)
    await store_reference.set_tax_rates(tx, tables.tax_rates)
    await store_reference.set_private_offers(tx, offers)
    summary = ReferenceSummary(len(tables.exchange_rates), len(tables.tax_rates), len(offers))
    audit.record(
        tx,
        ctx,
        Action.IMPORT_RATES,
        subject_kind="rates",
        subject_id="rates",
        after=asdict(summary),
    )
    return summary


async def _resolved(tx: Tx, tables: ReferenceTables) -> tuple[list[PrivateOffer], list[FileError]]:
    """The private offers by our own ids, and a fault for each that names something unknown."""
    offers: list[PrivateOffer] = []
    errors: list[FileError] = []
    for row in tables.private_offers:
        try:
            offers.append(await _private_offer(tx, row))
        except LookupError as error:
            errors.append(FileError(row.file, row.line, str(error)))
    return offers, errors


async def _private_offer(tx: Tx, row: OfferRow) -> PrivateOffer:
    try:
        account = (await identity.require_account(tx, row.account)).account
    except Refusal as refusal:
        raise LookupError(refusal.description) from refusal
    sku = await catalog.paid_sku(tx, row.publisher_id, row.offer_id, row.plan_id)
    if sku is None:
        raise LookupError(f"there is no plan {row.publisher_id}/{row.offer_id}/{row.plan_id}")
    return PrivateOffer(
        account_id=account.id,
        product_id=sku.product_id,
        sku_id=sku.id,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        margin=row.margin,
        price=row.price,
    )

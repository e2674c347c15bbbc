"""Check and import catalogue files. Apart from ``service``, so that a server starts without YAML's tools."""

from collections.abc import Sequence
from dataclasses import asdict

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.catalog import checking, publishing, store_import
from comptoir.catalog.model import FileError, ImportSummary
from comptoir.catalog.publishing import ImportPlan, Shelf
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx

NamedText = tuple[str, str]
"""A file by its name and text. Names only serve to say where an error is."""


def check_files(files: Sequence[NamedText]) -> list[FileError]:
    """Every fault of the files by themselves, by file and line; none if a new catalogue could take them."""
    usable, errors = checking.read_files(files)
    return checking.in_order([*errors, *checking.check_together(usable, {})])


async def check_against(tx: Tx, files: Sequence[NamedText]) -> list[FileError]:
    """Every fault of the files beside the stored catalogue: also what published offers do not let change."""
    _, errors = _judge(files, await store_import.load_shelf(tx))
    return errors


async def import_files(tx: Tx, ctx: Context, files: Sequence[NamedText]) -> ImportSummary:
    """Make the stored catalogue say what the files say: all of it, or nothing. A repeat changes nothing.

    Offers that the files do not name stay as they are. Raises ``CATALOGUE_FILE_INVALID`` with every fault as
    the fact ``errors``.
    """
    version = await store_import.lock_version(tx)
    shelf = await store_import.load_shelf(tx)
    usable, errors = _judge(files, shelf)
    if errors:
        first = f"{errors[0].file}, line {errors[0].line}: {errors[0].reason}"
        raise Refusal(Code.CATALOGUE_FILE_INVALID, count=len(errors), first=first, errors=tuple(errors))
    plan = publishing.plan_import([file.part.content for file in usable], shelf, ctx.ids)
    if plan.is_empty():
        return ImportSummary(version)
    await store_import.apply(tx, plan, ctx.now)
    await store_import.set_version(tx, version + 1)
    summary = _summary(plan, shelf, version + 1)
    _record(tx, ctx, summary)
    return summary


def _record(tx: Tx, ctx: Context, summary: ImportSummary) -> None:
    audit.record(
        tx,
        ctx,
        Action.IMPORT_CATALOGUE,
        subject_kind="catalogue",
        subject_id=str(summary.catalogue_version),
        after=asdict(summary),
    )


def _judge(files: Sequence[NamedText], shelf: Shelf) -> tuple[list[checking.CheckedFile], list[FileError]]:
    usable, errors = checking.read_files(files)
    known_plans = {key: bool(sku.details.parent_skus) for key, sku in shelf.plans().items()}
    together = checking.check_together(usable, known_plans)
    frozen = [
        usable[finding.file].error(finding.path, finding.reason)
        for finding in publishing.frozen_findings([file.part for file in usable], shelf)
    ]
    return usable, checking.in_order([*errors, *together, *frozen])


def _summary(plan: ImportPlan, shelf: Shelf, version: int) -> ImportSummary:
    added_publishers = sum(publisher.id not in shelf.publishers for publisher in plan.publishers)
    added_products = sum(
        (product.publisher_id, product.offer_id) not in shelf.products for product in plan.products
    )
    added_skus = sum(shelf.sku(sku) is None for sku in plan.skus)
    replaced = sum(new.replaces is not None for new in plan.issued)
    return ImportSummary(
        catalogue_version=version,
        publishers_added=added_publishers,
        publishers_changed=len(plan.publishers) - added_publishers,
        products_added=added_products,
        products_changed=len(plan.products) - added_products,
        skus_added=added_skus,
        skus_changed=len(plan.skus) - added_skus,
        availabilities_issued=len(plan.issued) - replaced,
        availabilities_replaced=replaced,
        availabilities_withdrawn=len(plan.withdrawn),
    )

"""Catalogue files over HTTP, for the operator. Best imported late: it draws in the tools that read YAML."""

from collections.abc import Mapping
from dataclasses import asdict

from comptoir.api.call import Call, Handler
from comptoir.api.reading import files_from_wire
from comptoir.catalog import service_import
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.wire import catalog as wire


async def check(tx: Tx, _ctx: Context, call: Call) -> wire.CatalogCheck:
    """Every fault of the files, beside the stored catalogue; nothing is changed."""
    errors = await service_import.check_against(tx, files_from_wire(call.body))
    return wire.CatalogCheck(
        errors=[
            wire.CatalogFileError(file=error.file, line=error.line, reason=error.reason) for error in errors
        ]
    )


async def import_(tx: Tx, ctx: Context, call: Call) -> wire.CatalogImport:
    """All of the files, or nothing."""
    summary = await service_import.import_files(tx, ctx, files_from_wire(call.body))
    return wire.CatalogImport(**asdict(summary))


HANDLERS: Mapping[str, Handler] = {
    "catalog.check": check,
    "catalog.import": import_,
}

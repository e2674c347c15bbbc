"""Catalogue files over HTTP, for the operator. Best imported late: it draws in the tools that read YAML."""

from collections.abc import Mapping
from dataclasses import asdict

from comptoir.api.call import Call, Handler
from comptoir.catalog import service_import
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.wire import catalog as wire


async def check(tx: Tx, _ctx: Context, call: Call) -> wire.CatalogCheck:
    """Every fault of the files, beside the stored catalogue; nothing is changed."""
    errors = await service_import.check_against(tx, _files_from_wire(call.body))
    return wire.CatalogCheck(
        errors=[
            wire.CatalogFileError(file=error.file, line=error.line, reason=error.reason) for error in errors
        ]
    )


async def import_(tx: Tx, ctx: Context, call: Call) -> wire.CatalogImport:
    """All of the files, or nothing."""
    summary = await service_import.import_files(tx, ctx, _files_from_wire(call.body))
    return wire.CatalogImport(**asdict(summary))


HANDLERS: Mapping[str, Handler] = {
    "catalog.check": check,
    "catalog.import": import_,
}


def _files_from_wire(body: wire.CatalogFilesBody | None) -> list[tuple[str, str]]:
    if body is None or not body.files:
        raise Refusal(Code.INVALID_INPUT, reason="files are missing.", member="files")
    files = []
    for index, file in enumerate(body.files):
        if not file.name or file.text is None:
            member = f"files[{index}]"
            raise Refusal(Code.INVALID_PROPERTY, member=member, reason="name and text are needed.")
        files.append((file.name, file.text))
    return files

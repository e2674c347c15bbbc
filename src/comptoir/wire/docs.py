"""The documents that describe this API: for programs and for people."""

from typing import Any

from comptoir.wire.operation import Audience, Mode, Operation

OPERATIONS = (
    Operation(
        id="docs.openapi",
        method="GET",
        path="/openapi.json",
        summary="Read this document: everything that is served here, as OpenAPI 3.1.",
        reply=dict[str, Any],
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
    ),
    Operation(
        id="docs.page",
        method="GET",
        path="/docs",
        summary="Browse everything that is served here.",
        reply=None,
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
        media_type="text/html",
    ),
)

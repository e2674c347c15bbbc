"""The documents that describe this API: made on the first request, then kept."""

from collections.abc import Mapping
from functools import cache

import msgspec

from comptoir.api import docs_page, openapi
from comptoir.api.call import Answer, Call, Handler
from comptoir.api.pages import HTML, page_headers
from comptoir.api.services import Services


async def openapi_json(_services: Services, _call: Call) -> Answer:
    """``GET /openapi.json``. Any page may read it: it is public and the same for everyone."""
    return Answer(_document(), headers={"Access-Control-Allow-Origin": "*"})


async def page(_services: Services, _call: Call) -> Answer:
    """``GET /docs``"""
    headers = page_headers(docs_page.STYLE, docs_page.SCRIPT)
    return Answer(_page(), content_type=HTML, headers=headers)


HANDLERS: Mapping[str, Handler] = {"docs.openapi": openapi_json, "docs.page": page}


@cache
def _document() -> bytes:
    return msgspec.json.encode(openapi.document())


@cache
def _page() -> bytes:
    return docs_page.render(openapi.document()).encode()

"""Writes are replayable: the answer of a write is stored in the transaction of its effect.

Key and life time: contract README, decision 1. Only successful answers are stored, so that a refused call is
judged afresh when it is repeated.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from comptoir.api import store_replies
from comptoir.api.call import Answer
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.wire import codec

KEPT_FOR = timedelta(hours=24)
REPLAYED = "MS-Replayed"


def key_of(
    application_id: str, method: str, path: str, *, query: Mapping[str, str], request_id: str, raw: bytes
) -> str:
    """The key of a call within its account. ``path`` and ``query`` are as the router reads them."""
    canonical_path = "/".join(segment for segment in path.split("/") if segment).lower()
    canonical_query = urlencode(sorted((name.lower(), value) for name, value in query.items()))
    body = hashlib.sha256(codec.canonical(raw)).hexdigest()
    parts = (application_id, method, canonical_path, canonical_query, request_id.lower(), body)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def once(tx: Tx, ctx: Context, key: str, run: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run a write, or give the answer stored for the same call, marked as replayed.

    The key is claimed first, so that equal calls at the same time wait for the one that runs. A refusal
    that keeps something gives the key back: only successful answers are stored.
    """
    if not await store_replies.claim(tx, ctx.account.id, key, ctx.wall + KEPT_FOR, ctx.wall):
        answer = await store_replies.get(tx, ctx.account.id, key)
        return Answer(answer.body, answer.status, answer.content_type, {**answer.headers, REPLAYED: "true"})
    answer = await run()
    if 200 <= answer.status < 300:
        await store_replies.fill(tx, ctx.account.id, key, answer)
    else:
        await store_replies.release(tx, ctx.account.id, key)
    return answer

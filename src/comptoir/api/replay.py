"""Writes are replayable: the answer of a write is stored in the transaction of its effect.

Key and life time: contract README, decision 1. Only successful answers are stored, so that a refused call is
judged afresh when it is repeated. The answer of a call in several transactions is stored when it ends.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from comptoir.api import store_replies
from comptoir.api.call import Answer
from comptoir.core.context import Context
from comptoir.db import Database, Tx
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
        return _replayed(await store_replies.get(tx, ctx.account.id, key))
    answer = await run()
    if _is_kept(answer):
        await store_replies.fill(tx, ctx.account.id, key, answer)
    else:
        await store_replies.release(tx, ctx.account.id, key)
    return answer


class OpenCalls:
    """Calls in steps that are under way here. Equal calls join them and get their answer, marked as replayed.

    A call goes on to its end even if whoever asked for it goes away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def once(self, ctx: Context, key: str, run: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of the equal call under way, else the stored one, else that of ``run``, stored then."""
        account_key = (ctx.account.id, key)
        joined = self._open.get(account_key)
        if joined is not None:
            return _replayed(await asyncio.shield(joined))
        task = asyncio.create_task(self._run(ctx, key, run))
        self._open[account_key] = task
        task.add_done_callback(lambda ended: self._forget(account_key, ended))
        return await asyncio.shield(task)

    async def _run(self, ctx: Context, key: str, run: Callable[[], Awaitable[Answer]]) -> Answer:
        async def find(tx: Tx) -> Answer | None:
            return await store_replies.find(tx, ctx.account.id, key, ctx.wall)

        stored = await self._database.read(find)
        if stored is not None:
            return _replayed(stored)
        answer = await run()

        async def keep(tx: Tx) -> Answer:
            async def ended() -> Answer:
                return answer

            return await once(tx, ctx, key, ended)

        return await self._database.write(keep) if _is_kept(answer) else answer

    def _forget(self, account_key: tuple[str, str], ended: asyncio.Task[Answer]) -> None:
        del self._open[account_key]
        if not ended.cancelled():
            ended.exception()  # seen by those who still wait for it, if there are any


def _is_kept(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _replayed(answer: Answer) -> Answer:
    return Answer(answer.body, answer.status, answer.content_type, {**answer.headers, REPLAYED: "true"})

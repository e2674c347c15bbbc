"""Stored replies of writes."""

import json
from datetime import datetime

from comptoir.api.call import Answer
from comptoir.core.instants import to_micros
from comptoir.db import RetryTransaction, Row, Tx, sql

_CLAIM = sql("""
    INSERT INTO replies (account_id, key, status, body, headers, expires_at)
    VALUES (:account_id, :key, 0, :body, '{}', :expires_at)
    ON CONFLICT (account_id, key) DO UPDATE SET status = 0, expires_at = excluded.expires_at
    WHERE replies.expires_at <= :wall
""")
_FIND = sql("SELECT status, body, headers FROM replies WHERE account_id = :account_id AND key = :key")
_FIND_ANSWER = sql("""
    SELECT status, body, headers FROM replies
    WHERE account_id = :account_id AND key = :key AND expires_at > :wall
""")
_FILL = sql("""
    UPDATE replies SET status = :status, body = :body, headers = :headers
    WHERE account_id = :account_id AND key = :key
""")
_RELEASE = sql("DELETE FROM replies WHERE account_id = :account_id AND key = :key")
# Of every account: what has expired is nobody's any more, and the bound keeps the transaction short.
_PURGE = sql("""
    DELETE FROM replies WHERE (account_id, key) IN (
        SELECT account_id, key FROM replies WHERE expires_at <= :wall ORDER BY expires_at LIMIT :most
    )
""")


async def claim(tx: Tx, account_id: str, key: str, expires_at: datetime, wall: datetime) -> bool:
    """Take the key for this transaction; false if an answer is stored under it.

    While another transaction holds the key, PostgreSQL waits here until that one has ended.
    """
    claimed = await tx.run(
        _CLAIM,
        account_id=account_id,
        key=key,
        body=b"",
        expires_at=to_micros(expires_at),
        wall=to_micros(wall),
    )
    return claimed == 1


async def get(tx: Tx, account_id: str, key: str) -> Answer:
    """The answer stored under a key that could not be claimed."""
    row = await tx.one(_FIND, account_id=account_id, key=key)
    if row is None:
        raise RetryTransaction  # purged since
    return _answer(row)


async def find(tx: Tx, account_id: str, key: str, wall: datetime) -> Answer | None:
    """The answer stored under a key, if there is one that has not expired."""
    row = await tx.one(_FIND_ANSWER, account_id=account_id, key=key, wall=to_micros(wall))
    return None if row is None else _answer(row)


async def fill(tx: Tx, account_id: str, key: str, answer: Answer) -> None:
    """Store the answer under the claimed key."""
    await tx.run(
        _FILL,
        account_id=account_id,
        key=key,
        status=answer.status,
        body=answer.body,
        headers=json.dumps({"Content-Type": answer.content_type, **answer.headers}),
    )


async def release(tx: Tx, account_id: str, key: str) -> None:
    """Give a claimed key back without an answer."""
    await tx.run(_RELEASE, account_id=account_id, key=key)


async def purge(tx: Tx, wall: datetime, most: int) -> int:
    """Delete up to ``most`` expired replies and say how many there were."""
    return await tx.run(_PURGE, wall=to_micros(wall), most=most)


def _answer(row: Row) -> Answer:
    headers = json.loads(row["headers"])
    return Answer(row["body"], row["status"], headers.pop("Content-Type"), headers)

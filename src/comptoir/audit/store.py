"""The journal in the database."""

from collections.abc import AsyncIterator

from comptoir.audit.model import Entry, Recorded
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, sql

# Advances the account's head and writes the entry behind it. The head's row is locked from here to the
# commit: this is what makes the sequence free of gaps, and why it is the transaction's last act.
APPEND = sql(
    sqlite="""
    INSERT INTO journal_heads (account_id, sequence, hash) VALUES (:account_id, 1, sha256_hex(:digest))
    ON CONFLICT (account_id) DO UPDATE
    SET sequence = journal_heads.sequence + 1, hash = sha256_hex(journal_heads.hash || :digest);
    INSERT INTO journal (
        account_id, sequence, action, subject_kind, subject_id, customer_id, application_id, actor_id,
        user_name, at, request_id, correlation_id, before, after, digest, hash
    )
    SELECT
        head.account_id, head.sequence, :action, :subject_kind, :subject_id, :customer_id, :application_id,
        :actor_id, :user_name, :at, :request_id, :correlation_id, :before, :after, :digest, head.hash
    FROM journal_heads AS head WHERE head.account_id = :account_id
    """,
    postgresql="""
    WITH head AS (
        INSERT INTO journal_heads (account_id, sequence, hash)
        VALUES (:account_id, 1, encode(sha256(convert_to(:digest, 'UTF8')), 'hex'))
        ON CONFLICT (account_id) DO UPDATE SET
            sequence = journal_heads.sequence + 1,
            hash = encode(sha256(convert_to(journal_heads.hash || :digest, 'UTF8')), 'hex')
        RETURNING account_id, sequence, hash
    )
    INSERT INTO journal (
        account_id, sequence, action, subject_kind, subject_id, customer_id, application_id, actor_id,
        user_name, at, request_id, correlation_id, before, after, digest, hash
    )
    SELECT
        head.account_id, head.sequence, :action, :subject_kind, :subject_id, :customer_id, :application_id,
        :actor_id, :user_name, :at, :request_id, :correlation_id, :before, :after, :digest, head.hash
    FROM head
    """,
)

READ = sql("""
    SELECT
        account_id, sequence, action, subject_kind, subject_id, customer_id, application_id, actor_id,
        user_name, at, request_id, correlation_id, before, after, digest, hash
    FROM journal WHERE account_id = :account_id AND sequence > :after_sequence
    ORDER BY sequence LIMIT :count
""")

READ_ALL = sql("""
    SELECT
        account_id, sequence, action, subject_kind, subject_id, customer_id, application_id, actor_id,
        user_name, at, request_id, correlation_id, before, after, digest, hash
    FROM journal WHERE account_id = :account_id ORDER BY sequence
""")

READ_HEAD = sql("SELECT sequence, hash FROM journal_heads WHERE account_id = :account_id")


async def append(tx: Tx, entry: Entry, digest: str) -> None:
    """Write ``entry`` behind the last one of its account."""
    await tx.run(
        APPEND,
        account_id=entry.account_id,
        action=entry.action,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        customer_id=entry.customer_id,
        application_id=entry.application_id,
        actor_id=entry.actor_id,
        user_name=entry.user_name,
        at=to_micros(entry.at),
        request_id=entry.request_id,
        correlation_id=entry.correlation_id,
        before=entry.before,
        after=entry.after,
        digest=digest,
    )


async def read(tx: Tx, account_id: str, after_sequence: int, count: int) -> list[Recorded]:
    """At most ``count`` entries that follow ``after_sequence``, in order."""
    rows = await tx.all(READ, account_id=account_id, after_sequence=after_sequence, count=count)
    return [_recorded(row) for row in rows]


async def read_all(tx: Tx, account_id: str) -> AsyncIterator[Recorded]:
    """Every entry of the account, in order, in bounded memory."""
    async for row in tx.stream(READ_ALL, account_id=account_id):
        yield _recorded(row)


async def read_head(tx: Tx, account_id: str) -> tuple[int, str] | None:
    """Sequence and hash of the account's last entry, if it has one."""
    row = await tx.one(READ_HEAD, account_id=account_id)
    return None if row is None else (row["sequence"], row["hash"])


def _recorded(row: Row) -> Recorded:
    entry = Entry(
        account_id=row["account_id"],
        action=row["action"],
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        customer_id=row["customer_id"],
        application_id=row["application_id"],
        actor_id=row["actor_id"],
        user_name=row["user_name"],
        at=from_micros(row["at"]),
        request_id=row["request_id"],
        correlation_id=row["correlation_id"],
        before=row["before"],
        after=row["after"],
    )
    return Recorded(row["sequence"], entry, row["digest"], row["hash"])

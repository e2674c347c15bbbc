"""Record what a use case did, read the journal by cursor, prove that nobody has touched it."""

from collections.abc import Sequence

from comptoir.audit import rules, store
from comptoir.audit.model import Action, Entry, Keys, Offender, Recorded
from comptoir.core.context import Context
from comptoir.db import Tx

READ_MAX = 1_000


def record(
    tx: Tx,
    ctx: Context,
    action: Action,
    *,
    subject_kind: str,
    subject_id: str,
    customer_id: str | None = None,
    before: Keys | None = None,
    after: Keys | None = None,
) -> None:
    """Put one entry into the journal of the context's account.

    It is written as the transaction's last act, and not at all if its savepoint is rolled back.
    """
    tx.defer(
        Entry(
            account_id=ctx.account.id,
            action=action.value,
            subject_kind=subject_kind,
            subject_id=subject_id,
            customer_id=customer_id,
            application_id=ctx.actor.application_id,
            actor_id=ctx.actor.id,
            user_name=ctx.actor.user_name,
            at=ctx.now,
            request_id=ctx.request_id,
            correlation_id=ctx.correlation_id,
            before=rules.optional_canonical(before),
            after=rules.optional_canonical(after),
        )
    )


async def append(tx: Tx, deferred: Sequence[object]) -> None:
    """Write the entries among what a transaction has deferred; leave everything else alone.

    This is the database's ``before_commit`` hook. Accounts go in the order of their ids, so that two
    transactions with entries for the same accounts lock them in the same order.
    """
    entries = [entry for entry in deferred if isinstance(entry, Entry)]
    for entry in sorted(entries, key=lambda entry: entry.account_id):
        await store.append(tx, entry, rules.digest(entry))


async def read(tx: Tx, account_id: str, after_sequence: int, limit: int) -> list[Recorded]:
    """The entries of an account that follow ``after_sequence`` (0: from the first), at most ``limit``."""
    assert 0 < limit <= READ_MAX, "a reader takes the journal in bounded pieces"
    return await store.read(tx, account_id, after_sequence, limit)


async def verify_chain(tx: Tx, account_id: str) -> Offender | None:
    """Check an account's whole journal, entry by entry. The first that does not hold, or ``None``."""
    sequence, last_hash = 0, rules.BEFORE_THE_FIRST
    async for recorded in store.read_all(tx, account_id):
        offender = rules.fault(recorded, sequence, last_hash)
        if offender is not None:
            return offender
        sequence, last_hash = recorded.sequence, recorded.hash
    head = await store.read_head(tx, account_id)
    return rules.head_fault(sequence, last_hash, head or (0, rules.BEFORE_THE_FIRST))

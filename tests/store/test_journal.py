"""The journal: one chain for each account, without gaps whatever runs at once, that shows every change."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.store.ledger import put

from comptoir.audit import rules
from comptoir.audit import service as audit
from comptoir.audit.model import Action, Offender
from comptoir.core.accounts import Account, AccountKind, Profile
from comptoir.core.context import Actor, Context
from comptoir.core.ids import Ids
from comptoir.db import Database, RetryTransaction, Tx, sql

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TAMPER = sql("UPDATE journal SET after = :after WHERE account_id = :account_id AND sequence = :sequence")
REMOVE = sql("DELETE FROM journal WHERE account_id = :account_id AND sequence = :sequence")
REPLACE_DIGEST = sql("""
    UPDATE journal SET subject_id = 'forged', digest = :digest
    WHERE account_id = :account_id AND sequence = :sequence
""")
REWIND_HEAD = sql("UPDATE journal_heads SET sequence = sequence - 1 WHERE account_id = :account_id")


class DeliberateError(Exception):
    """What a test raises to see it undone."""


def context(account_id: str = "contoso") -> Context:
    return Context(
        account=Account(
            id=account_id,
            name=account_id,
            kind=AccountKind.SANDBOX,
            profile=Profile.RELAXED,
            domain="contoso.example",
            company_name="Contoso",
            country="US",
            currency="USD",
            mpn_id="1",
        ),
        actor=Actor("application", "user", "Ada"),
        now=NOW,
        wall=NOW + timedelta(days=1),
        ids=Ids(1),
        correlation_id="correlation",
        request_id="request",
        sign=lambda _purpose, _payload: "",
        unsign=lambda _purpose, _text: None,
    )


def recording(subject_id: str, account_id: str = "contoso") -> Callable[[Tx], Awaitable[None]]:
    async def work(tx: Tx) -> None:
        audit.record(
            tx,
            context(account_id),
            Action.CREATE_ORDER,
            subject_kind="order",
            subject_id=subject_id,
            customer_id="customer",
            after={"quantity": 3, "name": "Größe", "is_trial": False, "parent": None},
        )

    return work


async def read(database: Database, account_id: str = "contoso") -> list[str]:
    entries = await database.read(lambda tx: audit.read(tx, account_id, 0, 1_000))
    assert [recorded.sequence for recorded in entries] == list(range(1, len(entries) + 1))
    return [recorded.entry.subject_id for recorded in entries]


async def verify(database: Database, account_id: str = "contoso") -> Offender | None:
    return await database.report(lambda tx: audit.verify_chain(tx, account_id))


async def test_an_entry_says_who_did_what_and_when(database: Database) -> None:
    await database.write(recording("order 1"))
    (recorded,) = await database.read(lambda tx: audit.read(tx, "contoso", 0, 10))
    entry = recorded.entry
    assert (entry.action, entry.subject_kind, entry.subject_id) == ("create_order", "order", "order 1")
    assert (entry.customer_id, entry.application_id, entry.actor_id) == ("customer", "application", "user")
    assert (entry.user_name, entry.at, entry.before) == ("Ada", NOW, None)
    assert (entry.request_id, entry.correlation_id) == ("request", "correlation")
    assert entry.after == '{"is_trial":false,"name":"Größe","parent":null,"quantity":3}'


async def test_a_reader_follows_by_cursor(database: Database) -> None:
    for number in range(5):
        await database.write(recording(f"{number}"))
    first = await database.read(lambda tx: audit.read(tx, "contoso", 0, 2))
    second = await database.read(lambda tx: audit.read(tx, "contoso", first[-1].sequence, 2))
    assert [recorded.entry.subject_id for recorded in first + second] == ["0", "1", "2", "3"]
    assert await database.read(lambda tx: audit.read(tx, "contoso", 5, 2)) == []


async def test_several_entries_of_one_transaction_keep_their_order(database: Database) -> None:
    async def work(tx: Tx) -> None:
        for subject_id in ("c", "a", "b"):
            await recording(subject_id)(tx)
            await recording(subject_id, "fabrikam")(tx)

    await database.write(work)
    assert await read(database) == ["c", "a", "b"]
    assert await read(database, "fabrikam") == ["c", "a", "b"]


async def test_a_savepoint_that_is_undone_takes_its_entries_back(database: Database) -> None:
    async def part(tx: Tx) -> None:
        async with tx.savepoint():
            await recording("undone")(tx)
            raise DeliberateError

    async def work(tx: Tx) -> None:
        await recording("before")(tx)
        with pytest.raises(DeliberateError):
            await part(tx)
        await recording("after")(tx)

    await database.write(work)
    assert await read(database) == ["before", "after"]


async def test_no_gaps_when_transactions_run_at_once_and_some_are_undone(database: Database) -> None:
    attempts = itertools.count()

    def work(number: int) -> Callable[[Tx], Awaitable[None]]:
        async def act(tx: Tx) -> None:
            await put(tx, f"{number % 5}")
            await recording(f"{number}")(tx)
            await recording(f"{number}", "fabrikam")(tx)
            if number % 3 == 0:
                raise DeliberateError
            if next(attempts) % 7 == 0:
                raise RetryTransaction

        return act

    results = await asyncio.gather(
        *(database.write(work(number)) for number in range(60)), return_exceptions=True
    )
    assert [number for number, result in enumerate(results) if result] == list(range(0, 60, 3))
    expected = sorted(str(number) for number in range(60) if number % 3)
    assert sorted(await read(database)) == expected
    assert sorted(await read(database, "fabrikam")) == expected
    assert await verify(database) is None
    assert await verify(database, "fabrikam") is None


async def test_deferred_things_that_are_no_entries_are_left_alone(database: Database) -> None:
    async def work(tx: Tx) -> None:
        tx.defer("something else")
        await recording("order")(tx)

    await database.write(work)
    assert await read(database) == ["order"]


async def _five_entries(database: Database) -> None:
    for number in range(1, 6):
        await database.write(recording(f"{number}"))
    assert await verify(database) is None


async def test_an_account_without_entries_has_a_sound_chain(database: Database) -> None:
    assert await verify(database) is None


async def test_changed_content_is_found(database: Database) -> None:
    await _five_entries(database)
    await database.write(
        lambda tx: tx.run(TAMPER, after='{"quantity":300}', account_id="contoso", sequence=3)
    )
    assert await verify(database) == Offender(3, "the content is not what was recorded")


@pytest.mark.parametrize("sequence", [1, 3, 5])
async def test_a_removed_entry_is_found(database: Database, sequence: int) -> None:
    await _five_entries(database)
    await database.write(lambda tx: tx.run(REMOVE, account_id="contoso", sequence=sequence))
    assert await verify(database) == Offender(sequence, "the entry is missing")


async def test_an_entry_with_a_new_digest_does_not_fit_its_neighbours(database: Database) -> None:
    await _five_entries(database)
    entries = await database.read(lambda tx: audit.read(tx, "contoso", 2, 1))
    forged = rules.digest(replace(entries[0].entry, subject_id="forged"))
    await database.write(lambda tx: tx.run(REPLACE_DIGEST, digest=forged, account_id="contoso", sequence=3))
    assert await verify(database) == Offender(3, "the entry does not follow the one before it")


async def test_a_head_that_was_set_back_is_found(database: Database) -> None:
    await _five_entries(database)
    await database.write(lambda tx: tx.run(REWIND_HEAD, account_id="contoso"))
    assert await verify(database) == Offender(5, "the entry is not the last that was recorded")

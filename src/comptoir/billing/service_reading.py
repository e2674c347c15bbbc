"""Use cases of reading lines: a page of a document's, or of those that are not billed yet."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from msgspec import structs

from comptoir.billing import reading, service_documents, store_invoices, store_reading
from comptoir.billing.calendar import month_of, month_start
from comptoir.billing.reading import (
    About,
    ConsumptionRow,
    Feed,
    Found,
    LineQuery,
    Period,
    Place,
    R,
    ReconciliationRow,
    Run,
    Snapshot,
    Walk,
)
from comptoir.billing.store_reading import Slice
from comptoir.core.context import Context
from comptoir.core.instants import to_micros
from comptoir.db import Tx

CONTINUATION = "continuation"
"""The purpose under which continuation tokens are signed."""

SUBJECTS_REMEMBERED_MAX = 16_384

_subjects: dict[tuple[str, str], About] = {}
"""By account and id. An id is a digest of the content, so that what is remembered never grows old."""


@dataclass(frozen=True, slots=True)
class LinePage:
    """A page of one of the two feeds; the list of the other one is empty.

    ``token`` leads on where there is more. ``subjects`` has what each line is about.
    """

    query: LineQuery
    reconciliation: Sequence[ReconciliationRow]
    consumption: Sequence[ConsumptionRow]
    subjects: Mapping[str, About]
    token: str | None


def resume(ctx: Context, invoice_id: str, query: LineQuery | None, token: str) -> Walk:
    """The walk that a continuation token goes on with. Raises ``INVALID_PROPERTY`` for a bad one."""
    return reading.resumed(invoice_id, query, ctx.unsign(CONTINUATION, token), ctx.account.id, ctx.wall)


async def begin(tx: Tx, ctx: Context, walk: Walk) -> Walk:
    """The walk, now that its document is known or its snapshot is taken.

    Raises ``INVOICE_NOT_FOUND`` and ``INVOICE_FOREIGN``. Without a currency, that of the document is taken.
    """
    if walk.query.invoice_id:
        document = await service_documents.require(tx, ctx, walk.query.invoice_id)
        is_of_days = walk.query.feed is Feed.CONSUMPTION
        count = document.consumption_count if is_of_days else document.line_count
        return structs.replace(
            walk, currency=document.currency, is_past_end=walk.offset > 0 and walk.offset >= count
        )
    if walk.snapshot is None and walk.query.feed is not Feed.NOTHING:
        walk = structs.replace(walk, snapshot=await _snapshot(tx, ctx, walk.query))
    return structs.replace(walk, currency=walk.query.currency)


async def read_all(tx: Tx, ctx: Context, query: LineQuery) -> AsyncIterator[LinePage]:
    """Every line that a query means, as this transaction sees them, in pieces of the query's size.

    Raises ``INVOICE_NOT_FOUND`` and ``INVOICE_FOREIGN`` for a document.
    """
    walk = await begin(tx, ctx, Walk(query))
    account_id = ctx.account.id
    if query.feed is Feed.RECONCILIATION:
        async for rows in _pieces(tx, await _charges(tx, account_id, walk)):
            yield LinePage(query, rows, (), await _subjects_of(tx, account_id, rows), None)
    elif query.feed is Feed.CONSUMPTION:
        async for lines in _pieces(tx, await _usage(tx, account_id, walk)):
            yield LinePage(query, (), lines, await _subjects_of(tx, account_id, lines), None)


async def read_page(tx: Tx, ctx: Context, walk: Walk) -> LinePage:
    """The page of a walk that has begun."""
    query = walk.query
    if query.feed is Feed.NOTHING or walk.is_past_end or query.currency not in {"", walk.currency}:
        return LinePage(query, (), (), {}, None)
    if query.feed is Feed.RECONCILIATION:
        rows, token = await _page(tx, ctx, await _charges(tx, ctx.account.id, walk))
        return LinePage(query, rows, (), await _subjects_of(tx, ctx.account.id, rows), token)
    lines, token = await _page(tx, ctx, await _usage(tx, ctx.account.id, walk))
    return LinePage(query, (), lines, await _subjects_of(tx, ctx.account.id, lines), token)


@dataclass(frozen=True, slots=True)
class _View(Generic[R]):
    """What a walk goes through: the runs, and the time from ``since`` up to ``before`` in microseconds.

    ``read`` reads the part of a run that a page takes.
    """

    account_id: str
    walk: Walk
    runs: Sequence[Run]
    read: Callable[[Tx, Run, Slice], Awaitable[list[R]]]
    since: int = 0
    before: int = store_reading.HIGHEST


async def _charges(tx: Tx, account_id: str, walk: Walk) -> _View[ReconciliationRow]:
    """Reconciliation lines. The period of unbilled ones, all of them licences, is that of their date."""
    runs = [Run(each) for each in await _documents(tx, account_id, walk)]
    view = _View(account_id, walk, runs, store_reading.reconciliation_lines)
    if walk.snapshot is None:
        return view
    month_began = to_micros(month_start(walk.snapshot.month))
    if walk.query.period is Period.CURRENT:
        return replace(view, since=month_began)
    return replace(view, before=month_began)


async def _usage(tx: Tx, account_id: str, walk: Walk) -> _View[ConsumptionRow]:
    """Consumption lines. Late ones are billed in another month than that of their date."""
    runs = [
        run
        for each in await _documents(tx, account_id, walk)
        for run in await _months(tx, account_id, walk, each)
    ]
    return _View(account_id, walk, runs, store_reading.consumption_lines)


async def _page(tx: Tx, ctx: Context, view: _View[R]) -> tuple[Sequence[R], str | None]:
    """The lines of a page, and the token that leads on where there is more."""
    walk = view.walk
    after = walk.after or reading.beginning(walk.query.feed, view.since)
    skipped = 0
    while skipped < walk.offset:
        passed = await _found(tx, view, after, min(walk.offset - skipped, reading.PAGE_SIZE_MAX))
        if not passed.has_next:
            return (), None
        after = passed.rows[-1].place
        skipped += len(passed.rows)
    page = await _found(tx, view, after, walk.query.size)
    if not page.has_next:
        return page.rows, None
    token = reading.continuation(walk, page.rows[-1].place, ctx.account.id, ctx.wall)
    return page.rows, ctx.sign(CONTINUATION, token)


async def _pieces(tx: Tx, view: _View[R]) -> AsyncIterator[Sequence[R]]:
    """All lines of a view in order; none of the pieces is empty."""
    after = view.walk.after or reading.beginning(view.walk.query.feed, view.since)
    has_next = True
    while has_next:
        found = await _found(tx, view, after, view.walk.query.size)
        if found.rows:
            yield found.rows
            after = found.rows[-1].place
        has_next = found.has_next


async def _found(tx: Tx, view: _View[R], after: Place, size: int) -> Found[R]:
    snapshot = view.walk.snapshot
    part = Slice(
        account_id=view.account_id,
        currency=view.walk.currency,
        line_sequence=store_reading.HIGHEST if snapshot is None else snapshot.line_sequence,
        after=after,
        before=view.before,
        limit=size + 1,
        with_usage=snapshot is None,
    )
    return reading.arranged([await view.read(tx, run, part) for run in view.runs], size)


async def _documents(tx: Tx, account_id: str, walk: Walk) -> Sequence[str | None]:
    """The documents whose lines a walk goes through; ``None`` stands for lines that are on none."""
    if walk.snapshot is None:
        return (walk.query.invoice_id,)
    recent = await store_reading.list_recent(tx, account_id, walk.currency, walk.snapshot.line_sequence)
    is_open = walk.snapshot.is_open
    return (None, *(each.id for each in recent if not each.is_issued or is_open(each.id, each.line_sequence)))


async def _months(tx: Tx, account_id: str, walk: Walk, invoice_id: str | None) -> Sequence[Run]:
    """The runs that consumption lines lie in: as a rule one, since a document is that of a month."""
    snapshot = walk.snapshot
    if snapshot is not None and walk.query.period is Period.CURRENT:
        return (Run(invoice_id, snapshot.month),)
    months = await store_reading.consumption_months(tx, account_id, invoice_id, walk.currency)
    return [Run(invoice_id, month) for month in months if snapshot is None or month < snapshot.month]


async def _snapshot(tx: Tx, ctx: Context, query: LineQuery) -> Snapshot:
    """The books as they stand now. What is billed later is told by a later document."""
    line_sequence = await store_invoices.line_sequence(tx, ctx.account.id)
    recent = await store_reading.list_recent(tx, ctx.account.id, query.currency, line_sequence)
    closed = tuple(document.id for document in recent if document.is_issued)
    return Snapshot(line_sequence, month_of(ctx.now), closed)


async def _subjects_of(
    tx: Tx, account_id: str, rows: Sequence[ReconciliationRow] | Sequence[ConsumptionRow]
) -> Mapping[str, About]:
    """What the lines are about: each subject is loaded and decoded once."""
    found: dict[str, About] = {}
    missing: set[str] = set()
    for row in rows:
        known = _subjects.get((account_id, row.subject_id))
        if known is None:
            missing.add(row.subject_id)
        else:
            found[row.subject_id] = known
    if missing:
        new = await store_reading.subjects(tx, account_id, missing)
        assert new.keys() == missing, "no line is without its subject"
        _remember(account_id, new)
        found.update(new)
    return found


def _remember(account_id: str, subjects: Mapping[str, About]) -> None:
    if len(_subjects) + len(subjects) > SUBJECTS_REMEMBERED_MAX:
        _subjects.clear()
    _subjects.update(((account_id, subject_id), subject) for subject_id, subject in subjects.items())

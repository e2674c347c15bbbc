"""Correcting issued documents: billing one anew, or crediting something of it."""

from collections.abc import Sequence
from dataclasses import replace

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import (
    amending,
    invoices,
    postings,
    service_documents,
    service_lines,
    store_copying,
    store_gathering,
    store_invoices,
    store_lines,
)
from comptoir.billing.amending import LineCredit, Rebill
from comptoir.billing.invoice_model import Conversion, Invoice, Key, Phase, Progress, Tally
from comptoir.billing.model import Line, LineDraft
from comptoir.billing.service_schedule import run_by
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import GUID
from comptoir.db import Tx

COPIES_MAX = 1_000
EFFORT_OF_COPY = 9


async def find_line(tx: Tx, invoice: Invoice, line: str) -> Line:
    """The line that a text names by its number in the order of reading, from 1, or by its id.

    Raises ``LINE_NOT_FOUND``.
    """
    found = None
    if line.isascii() and line.isdecimal() and len(line) <= invoices.NUMBER_DIGITS:
        if 0 < int(line) <= invoice.line_count:
            found = await store_gathering.line_at(tx, invoice, int(line) - 1)
    elif GUID.fullmatch(line):
        found = await store_gathering.line_by_id(tx, invoice, line.lower())
    if found is None:
        raise Refusal(Code.LINE_NOT_FOUND, invoice_id=invoice.id, line=line)
    return found


async def rebill(tx: Tx, ctx: Context, invoice_id: str, wanted: Rebill) -> Invoice:
    """Begin to bill a document anew; ``run_invoices`` is scheduled to copy its lines and to issue the note.

    Until then the document stays as it is. Raises ``INVOICE_NOT_FOUND``, ``INVOICE_FOREIGN``, what
    ``amending.require_amendable`` raises, and ``INVALID_PROPERTY``.
    """
    original = await _lock_amendable(tx, ctx, invoice_id, is_rebill=True)
    amending.check_rebill(wanted)
    count = await store_invoices.next_number(tx, invoices.SERIES[ctx.account.kind])
    note = amending.rebilled(ctx.account, count, original, wanted, issued_at=ctx.now)
    await store_invoices.insert(tx, note)
    await run_by(tx, ctx, ctx.now)
    audit.record(
        tx,
        ctx,
        Action.REBILL_INVOICE,
        subject_kind="invoice",
        subject_id=original.id,
        after={"note": note.id, "reason": note.content.reason, "corrections": len(wanted.lines)},
    )
    return note


async def credit(tx: Tx, ctx: Context, invoice_id: str, wanted: Sequence[LineCredit], reason: str) -> Invoice:
    """Issue a credit note that gives something back on some lines of a document.

    Raises what ``rebill`` raises, but for ``INVOICE_HAS_CREDITS``.
    """
    original = await _lock_amendable(tx, ctx, invoice_id, is_rebill=False)
    known = tuple([await _weighed(tx, ctx, each) for each in wanted])
    amending.check_credits(known, reason)
    count = await store_invoices.next_number(tx, invoices.SERIES[ctx.account.kind])
    note = amending.credited(ctx.account, count, original, reason, issued_at=ctx.now)
    await store_invoices.insert(tx, note)
    lines = [amending.credit_line(each, note, reason, position) for position, each in enumerate(known)]
    progress = await _bill(tx, ctx, note, Progress(Phase.ISSUE), lines)
    return await service_documents.issue(tx, ctx, replace(note, progress=progress))


async def _weighed(tx: Tx, ctx: Context, wanted: LineCredit) -> LineCredit:
    """A credit with what bounds it."""
    line = wanted.line
    term = await store_lines.list_of_term(tx, ctx.account.id, line.subscription_id, line.term_start_at)
    returned = await store_copying.returned(tx, ctx.account.id, line)
    return replace(wanted, returned=returned, term_sum=sum(each.subtotal for each in term))


async def _lock_amendable(tx: Tx, ctx: Context, invoice_id: str, *, is_rebill: bool) -> Invoice:
    await store_lines.lock_books(tx, ctx.account.id)
    invoice = await service_documents.lock(tx, ctx, invoice_id)
    amended_id = invoice.amends_id or invoice.id
    amendments = await store_invoices.list_amendments(tx, ctx.account.id, amended_id)
    amending.require_amendable(invoice, amendments, is_rebill=is_rebill)
    return invoice


async def copy_step(
    tx: Tx, ctx: Context, note: Invoice, progress: Progress, effort_max: int
) -> tuple[Progress, int]:
    """Take the next step of a note that bills a document anew; how far it is then, and how much effort."""
    original = await store_invoices.get(tx, note.account_id, progress.replaces_id)
    assert original is not None, progress.replaces_id
    count = max(1, min(COPIES_MAX, effort_max // EFFORT_OF_COPY))
    if progress.phase is Phase.COPIES:
        following, copied = await _copy_lines(tx, ctx, (original, note), progress, count)
    else:
        following, copied = await _copy_usage(tx, (original, note), progress, count)
    return following, copied * EFFORT_OF_COPY


async def _copy_lines(
    tx: Tx, ctx: Context, documents: tuple[Invoice, Invoice], progress: Progress, count: int
) -> tuple[Progress, int]:
    """Write the next lines of the document once more, as the note bills them."""
    original, note = documents
    lines = await store_gathering.list_billed(tx, original, progress.key, count)
    copies = [amending.corrected(line, progress, note.id) for line in lines]
    earned = dict(progress.earned)
    for line in lines:
        earned[line.publisher_id] = earned.get(line.publisher_id, 0) + line.subtotal
    following = await _bill(tx, ctx, note, progress, [copy for copy in copies if copy is not None])
    is_last = len(lines) < count
    return (
        replace(
            following,
            phase=Phase.COPIED_USAGE if is_last else Phase.COPIES,
            key=Key() if is_last else store_gathering.key_after(lines[-1]),
            earned=earned,
        ),
        len(lines),
    )


async def _bill(
    tx: Tx, ctx: Context, note: Invoice, progress: Progress, lines: Sequence[LineDraft]
) -> Progress:
    """Write lines straight onto a note."""
    await service_lines.enter_lines(tx, ctx, lines)
    taxed = [(line, invoices.line_tax(note.tax_mode, line.subtotal, line.rates.tax_rate)) for line in lines]
    await store_gathering.stamp_lines(tx, note.account_id, note.id, taxed)
    tallies: dict[str, Tally] = {}
    for line, tax in taxed:
        rate = format(line.rates.tax_rate, "f")
        tallies[rate] = tallies.get(rate, Tally()) + Tally(1, line.subtotal, tax)
    return replace(
        progress,
        tallies=invoices.added(progress.tallies, tallies),
        conversions=invoices.merged(progress.conversions, (_conversion(line) for line in lines)),
    )


async def _copy_usage(
    tx: Tx, documents: tuple[Invoice, Invoice], progress: Progress, count: int
) -> tuple[Progress, int]:
    """Copy the next days of usage whose line the note bills."""
    original, note = documents
    days = await store_copying.list_days(tx, original, progress.day_key, count)
    left_out = {line_id for line_id, each in progress.corrections.items() if each.leave_out}
    kept = [day for day in days if day.line_id not in left_out]
    last_sequence = await store_lines.lock_books(tx, note.account_id)
    await store_copying.copy_days(tx, note, last_sequence, kept)
    await store_lines.advance(tx, note.account_id, last_sequence + len(kept))
    following = replace(
        progress,
        phase=Phase.ISSUE if len(days) < count else Phase.COPIED_USAGE,
        day_key=days[-1].key if days else progress.day_key,
        consumption_count=progress.consumption_count + len(kept),
    )
    return following, len(days)


async def remaining(tx: Tx, note: Invoice) -> tuple[int, int]:
    """How many lines, and how many days of usage, of a document a note may still take over."""
    progress = note.progress
    assert progress is not None, note.id
    original = await store_invoices.get(tx, note.account_id, progress.replaces_id)
    assert original is not None, progress.replaces_id
    taken = sum(tally.line_count for tally in progress.tallies.values())
    has_all_lines = progress.phase is not Phase.COPIES
    return (
        0 if has_all_lines else original.line_count - taken,
        0 if progress.phase is Phase.ISSUE else original.consumption_count - progress.consumption_count,
    )


async def make_void(tx: Tx, ctx: Context, note: Invoice, progress: Progress) -> None:
    """Have an issued note take the place of the document that it bills anew: what was paid for that one
    counts for the note, and everything it moved in the books is moved back.
    """
    original = await store_invoices.lock(tx, note.account_id, progress.replaces_id)
    assert original is not None, progress.replaces_id
    await store_invoices.update(tx, amending.made_void(original))
    reversals = postings.of_void(original, note.issued_at, progress.earned)
    await store_invoices.insert_postings(tx, note.account_id, reversals)
    await store_invoices.move_payments(tx, note.account_id, original.id, note.id)


def _conversion(line: LineDraft) -> Conversion:
    return Conversion(
        pricing_currency=line.pricing_currency,
        rate_at=line.rates.exchange_rate_at,
        rate=line.rates.exchange_rate,
        month=line.rates.exchange_month,
    )

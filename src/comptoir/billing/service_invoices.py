"""The invoice run: each month's lines become documents, one for each currency, step by step.

A draft gets its number, then its lines in bounded steps, and is issued by the last one. Each step stands in a
transaction with the note of how far the draft has come. So a run that is interrupted anywhere goes on from
there, and one that has ended finds nothing to do. Source: ``30-invoices-billing`` sections 3.8 to 3.11.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import (
    calendar,
    invoices,
    monthly_usage,
    service_amending,
    service_documents,
    service_lines,
    store_gathering,
    store_invoices,
    store_lines,
)
from comptoir.billing.invoice_model import Invoice, Key, MonthPreview, Phase, Progress, Tally
from comptoir.billing.model import LineDraft
from comptoir.billing.monthly_usage import RatedDay, Term, Usage
from comptoir.billing.service import CHARGE_CYCLES
from comptoir.billing.service_schedule import RUN_INVOICES, run_by
from comptoir.billing.store_gathering import Books, Step
from comptoir.clock import service as clock
from comptoir.clock.model import NotYet, Outstanding
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.subscriptions import service as subscriptions
from comptoir.usage import service_rating as usage

EFFORT_MAX = 3_000
"""What one transaction takes upon itself, in lines stamped: less than a tenth of a second."""

EFFORT_OF_DAY = 6
EFFORT_OF_DOCUMENT = 100
DAYS_PREVIEWED = 2_000
SWEEPS = (CHARGE_CYCLES, subscriptions.TURN)
"""What puts licence lines into the books when their time has come."""


class Obstructed(Exception):
    """Work that belongs into the month was given up: the run must wait until somebody sees to it."""


async def run_invoices(tx: Tx, ctx: Context, _subject_id: str) -> None:
    """Due work: take the next steps of the account's invoices, and come back for the others.

    Raises ``NotYet`` while work of the month is under way, and ``Obstructed``.
    """
    await store_lines.lock_books(tx, ctx.account.id)
    effort = 0
    while effort < EFFORT_MAX:
        draft = await store_invoices.lock_draft(tx, ctx.account.id)
        if draft is None:
            try:
                if not await _open_due(tx, ctx):
                    break
            except (NotYet, Obstructed):
                if not effort:
                    raise
                break  # What was done is kept, and the run comes back at once to find the same.
            effort += EFFORT_OF_DOCUMENT
        else:
            effort += await _advance(tx, ctx, draft, EFFORT_MAX - effort)
    await _schedule_next(tx, ctx)


async def resume(tx: Tx, ctx: Context) -> None:
    """Have a run that was given up tried again, now that nothing obstructs it: after each sweep."""
    account_id = ctx.account.id
    if not await clock.count_parked(tx, account_id, (RUN_INVOICES,)):
        return
    if not await clock.count_parked(tx, account_id, (*SWEEPS, usage.RATE_USAGE)):
        await clock.revive(tx, account_id, RUN_INVOICES)


async def open_month(tx: Tx, ctx: Context, up_to: int) -> list[Invoice]:
    """Begin the invoices of the account's earliest month that is not invoiced, if it is not after ``up_to``.

    For an operator who does not wait for the invoice day; ``run_invoices`` is scheduled to go on. Raises
    ``MONTH_NOT_CLOSABLE``, and ``BUSY`` while work that belongs into the month is outstanding.
    """
    await store_lines.lock_books(tx, ctx.account.id)
    first = await _first_month(tx, ctx.account.id)
    if first is None or first[0] > up_to:
        return []
    month, currencies = first
    invoices.require_closable(month, ctx.now, ctx.account.settings)
    outstanding = await _outstanding(tx, ctx, month)
    if outstanding != Outstanding() or await _has_unrated(tx, ctx, month):
        raise Refusal(Code.BUSY)
    await run_by(tx, ctx, ctx.now)
    drafts = await _open(tx, ctx, month, currencies)
    audit.record(
        tx,
        ctx,
        Action.OPEN_INVOICES,
        subject_kind="account",
        subject_id=ctx.account.id,
        after={"month": month, "invoices": " ".join(draft.id for draft in drafts)},
    )
    return drafts


async def preview(tx: Tx, ctx: Context, month: int) -> list[MonthPreview]:
    """What would be issued now for everything up to the end of a month, by currency, saving nothing."""
    first_orders = await store_gathering.first_orders(tx, ctx.account.id)
    usage_months = await store_gathering.first_usage_months(tx, ctx.account.id)
    currencies = sorted({*first_orders, *usage_months})
    previewed = [
        await _preview(tx, ctx, _books(ctx.account.id, each, month), usage_months.get(each, month + 1))
        for each in currencies
    ]
    return [preview for preview in previewed if preview.line_count]


async def remaining(tx: Tx, draft: Invoice) -> tuple[int, int]:
    """How many lines, and how many days of usage, a draft still has to take up."""
    if draft.amends_id is None:
        return await store_gathering.count_unbilled(tx, _books_of(draft))
    return await service_amending.remaining(tx, draft)


async def next_run(tx: Tx, ctx: Context) -> datetime | None:
    """When the next month of the account is invoiced; ``None`` while it has nothing to bill."""
    first = await _first_month(tx, ctx.account.id)
    return None if first is None else calendar.invoice_at(first[0], ctx.account.settings)


async def _preview(tx: Tx, ctx: Context, books: Books, usage_month: int) -> MonthPreview:
    """Count what is unbilled as a run would. ``usage_month`` is the earliest that has unbilled usage."""
    counting = invoices.Counting(ctx.account.settings.tax_mode)
    async for rate, subtotal in store_gathering.stream_unbilled(tx, books):
        counting.add(rate, subtotal)
    consumption_count = 0
    while usage_month <= books.bill_month:
        after = ""
        while days := await store_gathering.list_days(tx, books, usage_month, after, DAYS_PREVIEWED):
            consumption_count += len(days)
            after = days[-1].subscription_id
            for _, of_subscription in monthly_usage.by_subscription(days):
                for summed in monthly_usage.grouped(of_subscription):
                    counting.add(summed.group.tariff.tax_rate, monthly_usage.subtotal(summed))
        usage_month = calendar.month_after(usage_month)
    return invoices.previewed(books.bill_month, books.currency, counting, consumption_count=consumption_count)


# Opening


async def _open_due(tx: Tx, ctx: Context) -> bool:
    """Begin the invoices of the earliest month that is due; false if none is, or if it has to wait."""
    first = await _first_month(tx, ctx.account.id)
    if first is None:
        return False
    month, currencies = first
    if ctx.now < calendar.invoice_at(month, ctx.account.settings):
        return False
    outstanding = await _outstanding(tx, ctx, month)
    if outstanding.parked:
        raise Obstructed(f"{outstanding.parked} pieces of work of {invoices.month_text(month)} were given up")
    if outstanding.busy:
        raise NotYet(f"{outstanding.busy} pieces of work of {invoices.month_text(month)} are under way")
    if outstanding.ready:
        return False
    await _open(tx, ctx, month, currencies)
    return True


async def _first_month(tx: Tx, account_id: str) -> tuple[int, tuple[str, ...]] | None:
    first_orders = await store_gathering.first_orders(tx, account_id)
    usage_months = await store_gathering.first_usage_months(tx, account_id)
    last_months = {}
    for currency in {*first_orders, *usage_months}:
        last = await store_invoices.last_month(tx, account_id, currency)
        if last is not None:
            last_months[currency] = last
    return invoices.first_month(first_orders, usage_months, last_months)


async def _outstanding(tx: Tx, ctx: Context, month: int) -> Outstanding:
    """The work that may still add to a month: what falls due in it, and usage that was reported for it."""
    end = calendar.month_end(month)
    swept = await clock.outstanding(tx, ctx.account.id, SWEEPS, before=end, wall=ctx.wall)
    rated = await clock.outstanding(tx, ctx.account.id, (usage.RATE_USAGE,), before=ctx.now, wall=ctx.wall)
    return swept + rated


async def _has_unrated(tx: Tx, ctx: Context, month: int) -> bool:
    """Whether usage of a month was reported in time and is not in the books yet."""
    received_at = await usage.first_unrated_at(tx, ctx.account.id)
    return received_at is not None and received_at < calendar.usage_cutoff(month, ctx.account.settings)


async def _open(tx: Tx, ctx: Context, month: int, currencies: Sequence[str]) -> list[Invoice]:
    bill_to = await service_documents.party_of(tx, ctx.account.id)
    drafts = []
    for currency in currencies:
        count = await store_invoices.next_number(tx, invoices.SERIES[ctx.account.kind])
        draft = invoices.draft(ctx.account, count, month, currency, issued_at=ctx.now, bill_to=bill_to)
        await store_invoices.insert(tx, draft)
        drafts.append(draft)
    return drafts


async def _schedule_next(tx: Tx, ctx: Context) -> None:
    """Come back at once for what was begun, else when the next month is due."""
    account_id = ctx.account.id
    if await store_invoices.lock_draft(tx, account_id) is not None:
        await clock.schedule(
            tx, account_id=account_id, kind=RUN_INVOICES, subject_id=account_id, due_at=ctx.now
        )
        return
    first = await _first_month(tx, account_id)
    if first is not None:
        due_at = calendar.invoice_at(first[0], ctx.account.settings)
        await run_by(tx, ctx, max(due_at, ctx.now))


# One step of a draft


async def _advance(tx: Tx, ctx: Context, draft: Invoice, effort_max: int) -> int:
    """Take the next step of a draft; how much effort it was."""
    progress = draft.progress
    assert progress is not None, draft.id
    match progress.phase:
        case Phase.USAGE:
            following, effort = await _gather_usage(tx, ctx, draft, progress, effort_max)
        case Phase.LINES:
            following, effort = await _gather_lines(tx, draft, progress, effort_max)
        case Phase.ISSUE:
            return await _issue(tx, ctx, draft, progress)
        case _:
            following, effort = await service_amending.copy_step(tx, ctx, draft, progress, effort_max)
    await store_invoices.update(tx, replace(draft, progress=following))
    return max(1, effort)


async def _gather_usage(
    tx: Tx, ctx: Context, draft: Invoice, progress: Progress, effort_max: int
) -> tuple[Progress, int]:
    """Sum up the usage of some subscriptions into lines, which are unbilled until the next phase."""
    books = _books_of(draft)
    months = await store_gathering.first_usage_months(tx, draft.account_id)
    month = months.get(draft.currency, draft.month + 1)
    if month > draft.month:
        return replace(progress, phase=Phase.LINES), 1
    after = progress.subscription_id if month == progress.usage_month else ""
    days = await store_gathering.list_days(tx, books, month, after, count=max(1, effort_max // EFFORT_OF_DAY))
    if not days:
        return replace(progress, usage_month=0), 1
    billed = await _sum_up(tx, draft, days)
    await service_lines.enter_lines(tx, ctx, [line for line, _ in billed])
    stamped = [(day, line.id) for line, summed in billed for day in summed.days]
    await store_gathering.stamp_days(tx, draft.account_id, draft.id, stamped)
    following = replace(
        progress,
        usage_month=month,
        subscription_id=days[-1].subscription_id,
        consumption_count=progress.consumption_count + len(days),
    )
    return following, len(days) * EFFORT_OF_DAY


async def _sum_up(tx: Tx, draft: Invoice, days: Sequence[RatedDay]) -> list[tuple[LineDraft, Usage]]:
    """The lines that days of usage make, subscription by subscription."""
    billed: list[tuple[LineDraft, Usage]] = []
    for subscription_id, of_subscription in monthly_usage.by_subscription(days):
        term = await _term(tx, subscription_id)
        billed += [
            (monthly_usage.line(draft.account_id, draft.month, term, summed), summed)
            for summed in monthly_usage.grouped(of_subscription)
        ]
    return billed


async def _term(tx: Tx, subscription_id: str) -> Term:
    found = await subscriptions.get_by_id(tx, subscription_id)
    assert found is not None, subscription_id
    subscription = found[1]
    assert subscription.term_start_at is not None, subscription_id
    assert subscription.term_end_at is not None, subscription_id
    return Term(subscription.publisher_id, subscription.term_start_at, subscription.term_end_at)


async def _gather_lines(tx: Tx, draft: Invoice, progress: Progress, effort_max: int) -> tuple[Progress, int]:
    """Put the next lines in the order of reading onto the draft."""
    books = _books_of(draft)
    end = await store_gathering.next_key(tx, books, progress.key, effort_max)
    piece = await store_gathering.sum_up(tx, books, progress.key, end)
    taxed: dict[str, Tally] = {}
    step = Step(draft.id, progress.key, end)
    for rate, tally in piece.tallies.items():
        fraction = invoices.tax_fraction(draft.tax_mode, Decimal(rate))
        tax = await store_gathering.stamp(tx, books, step, rate, fraction)
        taxed[rate] = replace(tally, tax=tax)
    following = replace(
        progress,
        phase=Phase.ISSUE if end == books.end else Phase.LINES,
        key=end,
        tallies=invoices.added(progress.tallies, taxed),
        conversions=invoices.merged(progress.conversions, piece.conversions),
    )
    return following, sum(tally.line_count for tally in taxed.values())


async def _issue(tx: Tx, ctx: Context, draft: Invoice, progress: Progress) -> int:
    """Issue a draft that has all its lines; begin again with those that have come in behind its back."""
    if draft.amends_id is None and await _has_more(tx, draft):
        begun_again = replace(progress, phase=Phase.USAGE, usage_month=0, subscription_id="", key=Key())
        await store_invoices.update(tx, replace(draft, progress=begun_again))
        return 1
    document = await service_documents.issue(tx, ctx, draft)
    if progress.replaces_id:
        await service_amending.make_void(tx, ctx, document, progress)
    return EFFORT_OF_DOCUMENT


async def _has_more(tx: Tx, draft: Invoice) -> bool:
    first_orders = await store_gathering.first_orders(tx, draft.account_id)
    usage_months = await store_gathering.first_usage_months(tx, draft.account_id)
    ordered_at = first_orders.get(draft.currency)
    has_line = ordered_at is not None and ordered_at < draft.period_end
    return has_line or usage_months.get(draft.currency, draft.month + 1) <= draft.month


def _books_of(draft: Invoice) -> Books:
    return _books(draft.account_id, draft.currency, draft.month)


def _books(account_id: str, currency: str, month: int) -> Books:
    return Books(account_id, currency, month, calendar.month_end(month))

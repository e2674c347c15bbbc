"""When an account's invoices are made, and its other sweeps run."""

from datetime import datetime

from comptoir.billing import calendar
from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.db import Tx

CHARGE_CYCLES = "charge_cycles"
"""The due work of an account some of whose subscriptions begin a new cycle; its subject is the account."""

RUN_INVOICES = "run_invoices"
"""The kind of due work that invoices an account's months; its subject is the account."""


async def schedule_run(tx: Tx, ctx: Context, bill_month: int) -> None:
    """Have a month of the account invoiced when it is due: for whoever has put a line into that month."""
    await run_by(tx, ctx, calendar.invoice_at(bill_month, ctx.account.settings))


async def run_by(tx: Tx, ctx: Context, due_at: datetime) -> None:
    """Have the account's months that are due by then invoiced. The caller holds the books."""
    await sweep_by(tx, ctx, RUN_INVOICES, due_at)


async def sweep_by(tx: Tx, ctx: Context, kind: str, due_at: datetime) -> None:
    """Schedule work that takes the books first, and only then looks for what there is to do.

    So work that is there, even if it is being done, will see what this transaction writes, and its row can be
    left alone. Waiting for the row would be waiting for somebody who waits for the books.
    """
    account_id = ctx.account.id
    if not await clock.is_due_by(tx, account_id=account_id, kind=kind, subject_id=account_id, due_at=due_at):
        await clock.schedule_by(tx, account_id=account_id, kind=kind, subject_id=account_id, due_at=due_at)

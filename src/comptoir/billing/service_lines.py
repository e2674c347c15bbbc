"""Use cases of lines: write them, read them, say what they are about."""

from collections.abc import Sequence

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import keys, service_schedule, store_lines, subjects
from comptoir.billing.model import Line, LineDraft, Subject
from comptoir.catalog.model import Offer
from comptoir.core.context import Context
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.orders import service as orders
from comptoir.subscriptions.model import Subscription


async def write_lines(tx: Tx, ctx: Context, drafts: Sequence[LineDraft]) -> int:
    """Write those lines that are not in the books yet, each with its posting; how many they were.

    They follow each other in the order given, and their months will be invoiced. The journal gets one entry
    for the batch. Nobody else writes lines of the account until the transaction ends.
    """
    new = await enter_lines(tx, ctx, drafts)
    for month in sorted({draft.bill_month for draft in new}):
        await service_schedule.schedule_run(tx, ctx, month)
    return len(new)


async def enter_lines(tx: Tx, ctx: Context, drafts: Sequence[LineDraft]) -> list[LineDraft]:
    """``write_lines`` for lines that a document bills at once; those that were new."""
    if not drafts:
        return []
    last_sequence = await store_lines.lock_books(tx, ctx.account.id)
    known = await store_lines.written(tx, ctx.account.id, drafts)
    new = [draft for draft in drafts if draft.id not in known]
    if not new:
        return []
    await store_lines.insert(tx, ctx.account.id, last_sequence, new)
    audit.record(
        tx,
        ctx,
        Action.WRITE_LINES,
        subject_kind="books",
        subject_id=ctx.account.id,
        after={
            "count": len(new),
            "firstSequence": last_sequence + 1,
            "lastSequence": last_sequence + len(new),
            "digest": keys.digest(new),
        },
    )
    return new


async def lines_of_subscription(tx: Tx, account_id: str, subscription_id: str) -> list[Line]:
    """Every line of a subscription in the order in which they were written."""
    return await store_lines.list_of_subscription(tx, account_id, subscription_id)


async def surroundings(
    tx: Tx, ctx: Context, subscription: Subscription, offer: Offer | None
) -> subjects.Surroundings:
    """What lines say besides the subscription: customer and order as they are now, and its ``offer``."""
    customer = await customers.known(tx, ctx, subscription.customer_id)
    alternate_id = await orders.alternate_id_of(tx, ctx, customer.id, subscription.order_id)
    return subjects.Surroundings(ctx.account, customer, alternate_id, offer)


async def put_subject(tx: Tx, ctx: Context, subject: Subject) -> str:
    """Keep what lines are about; its id."""
    return await store_lines.put_subject(tx, ctx.account.id, subject)

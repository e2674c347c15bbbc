"""The operator's view of clocks."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from msgspec import UNSET

from comptoir import worker
from comptoir.api.call import Call, Handler
from comptoir.api.services import Services
from comptoir.clock import service as clock
from comptoir.clock import service_moving as clocks
from comptoir.clock.model import Advance, ClockStanding, ClockState, Parked, WorkFailure
from comptoir.clock.moving import Move
from comptoir.core.accounts import Account
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.wire.clocks import AdvanceBody, Clock, ClockAdvance, FailedWork


async def get(tx: Tx, ctx: Context, call: Call) -> Clock:
    return await _look(tx, ctx, await _account(tx, call))


async def freeze(tx: Tx, ctx: Context, call: Call) -> Clock:
    account = await _account(tx, call)
    await clocks.freeze(tx, ctx, account)
    return await _look(tx, ctx, account)


async def run(tx: Tx, ctx: Context, call: Call) -> Clock:
    account = await _account(tx, call)
    await clocks.run(tx, ctx, account)
    return await _look(tx, ctx, account)


async def retry(tx: Tx, ctx: Context, call: Call) -> Clock:
    """What the account then still shows as parked was given up meanwhile."""
    account = await _account(tx, call)
    for kind in sorted({parked.work.kind for parked in await clock.parked(tx, account.id)}):
        await clock.revive(tx, account.id, kind)
    return await _look(tx, ctx, account)


async def advance(services: Services, ctx: Context, call: Call) -> Clock:
    """Open the advance, wait until it has ended, and tell how."""
    account = await services.write(partial(_open, ctx=ctx, call=call))
    try:
        await worker.advance(services.worker, account.id)
    except worker.AdvanceInterrupted as interrupted:
        raise Refusal(Code.BUSY) from interrupted
    later = replace(ctx, wall=services.wall())
    return await services.database.read(partial(_look, ctx=later, account=account))


HANDLERS: Mapping[str, Handler] = {
    "operator.clock_get": get,
    "operator.clock_advance": advance,
    "operator.clock_freeze": freeze,
    "operator.clock_run": run,
    "operator.work_retry": retry,
}


async def _account(tx: Tx, call: Call) -> Account:
    return (await identity.require_account(tx, call.path["name"])).account


async def _open(tx: Tx, ctx: Context, call: Call) -> Account:
    account = await _account(tx, call)
    await clocks.open_advance(tx, ctx, account, from_wire(call.body or AdvanceBody()))
    return account


async def _look(tx: Tx, ctx: Context, account: Account) -> Clock:
    standing, last = await clocks.look(tx, account.id)
    next_due = await clock.next_due_of(tx, account.id)
    return Clock(
        account=account.name,
        kind=account.kind,
        state=_state(standing),
        now=standing.clock.time_at(ctx.wall),
        wall=ctx.wall,
        next_due=UNSET if next_due is None else next_due,
        parked=[_parked_to_wire(parked) for parked in await clock.parked(tx, account.id)],
        advance=UNSET if last is None else _advance_to_wire(last),
    )


def from_wire(body: AdvanceBody) -> Move:
    return Move(body.to, body.by)


def _state(standing: ClockStanding) -> ClockState:
    if standing.target_at is not None:
        return ClockState.ADVANCING
    return ClockState.RUNNING if standing.clock.frozen_at is None else ClockState.FROZEN


def _advance_to_wire(advance: Advance) -> ClockAdvance:
    return ClockAdvance(
        state=advance.state,
        started=advance.started_at,
        target=advance.target_at,
        instants=advance.stops,
        pieces=advance.done,
        failures=[_failure_to_wire(failure) for failure in advance.failures],
    )


def _failure_to_wire(failure: WorkFailure) -> FailedWork:
    return FailedWork(
        kind=failure.kind,
        subject_id=failure.subject_id,
        due=failure.due_at,
        error=failure.error,
        is_parked=failure.is_parked,
    )


def _parked_to_wire(parked: Parked) -> FailedWork:
    return FailedWork(
        kind=parked.work.kind,
        subject_id=parked.work.subject_id,
        due=parked.work.due_at,
        error=parked.last_error,
        is_parked=True,
    )

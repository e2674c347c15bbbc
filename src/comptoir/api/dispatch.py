"""From a request to its handler: match, authenticate, open the transaction, replay, run, store, encode.

Done once here, so that handlers hold nothing but their resource (``docs/architecture.md`` shows the path of a
checkout).
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest

from comptoir.api import faults, replay
from comptoir.api.call import Answer, Call, Handler, Parameters
from comptoir.api.limits import Throttle
from comptoir.api.router import Router
from comptoir.api.services import Services
from comptoir.api.trace import Trace
from comptoir.catalog import service as catalog
from comptoir.clock.rules import account_time
from comptoir.core.accounts import OPERATOR_ACCOUNT, Account
from comptoir.core.context import Actor, Context
from comptoir.core.errors import Code, Refusal, Refused
from comptoir.db import LockTimeout, Tx
from comptoir.identity import rules as identity_rules
from comptoir.identity import service as identity
from comptoir.identity import tokens
from comptoir.identity.model import Principal
from comptoir.wire import codec
from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.operations import OPERATIONS

CACHED_ANSWERS_MAX = 512
OPERATOR = Actor(application_id="operator")
"""Who the journal names for calls with the operator key."""

WRITING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came: the path percent-decoded, the body not read yet."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Parameters
    read_body: Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class _Request:
    """A request whose operation is known and whose body is read."""

    operation: Operation
    incoming: Incoming
    trace: Trace
    call: Call


class Dispatcher:
    """Holds the router, the handlers, and what is remembered between requests (all of it bounded)."""

    def __init__(self, services: Services, handlers: Mapping[str, Handler]) -> None:
        missing = {operation.id for operation in OPERATIONS} ^ handlers.keys()
        assert not missing, f"operations without a handler, or handlers without an operation: {missing}"
        self._services = services
        self._handlers = handlers
        self._router = Router(OPERATIONS)
        self._throttle = Throttle()
        self._cached: OrderedDict[tuple[object, ...], Answer] = OrderedDict()

    async def serve(self, incoming: Incoming, trace: Trace) -> Answer:
        """The answer of the operation that the request means.

        Raises ``Refusal`` for a request that names no operation or shows no good token, and ``Throttled``.
        """
        match = self._router.match(incoming.method, incoming.path)
        if match is None:
            raise Refusal(Code.NOT_FOUND)
        operation, path = match
        if operation.audience is Audience.PUBLIC:
            call = await self._read_call(operation, path, incoming)
            return _render(operation, await self._handlers[operation.id](self._services, call))
        bearer = self._bearer_of(operation, incoming.headers)
        try:
            call = await self._read_call(operation, path, incoming)
            answer = await self._transact(_Request(operation, incoming, trace, call), bearer)
        except Refusal as refusal:
            answer = faults.answer(refusal)
        except LockTimeout:
            answer = faults.answer(_still_busy(operation))
        return _with_mfa_report(answer, incoming.headers, bearer)

    async def _transact(self, request: "_Request", bearer: Principal | None) -> Answer:
        work = partial(self._work, request, bearer)
        if request.operation.mode is Mode.READ:
            return await self._services.database.read(work)
        return await self._services.database.write(work)

    def _bearer_of(self, operation: Operation, headers: Parameters) -> Principal | None:
        """Whose token the request carries; ``None`` for the operator key, which has no token."""
        token = tokens.bearer(headers.get("Authorization"))
        is_operator = operation.audience is Audience.OPERATOR
        if is_operator and compare_digest(token.encode(), self._services.operator_key.encode()):
            return None
        return tokens.verify(
            self._services.secrets,
            token,
            self._services.wall(),
            audience=operation.audience,
            base_url=self._services.settings.public_base_url,
        )

    async def _work(self, request: "_Request", bearer: Principal | None, tx: Tx) -> Answer:
        """Everything between the beginning and the commit of the request's transaction."""
        if bearer is None:
            return await self._run(tx, self._context(OPERATOR_ACCOUNT, OPERATOR, request.trace), request)
        if request.operation.audience is Audience.OPERATOR:
            actor = identity_rules.actor_of(bearer)
            return await self._run(tx, self._context(OPERATOR_ACCOUNT, actor, request.trace), request)
        account, application = await identity.load_caller(tx, bearer)
        self._admit(request, bearer, account)
        is_strict = request.trace.is_strict or application.compatibility == "strict"
        ctx = self._context(account, identity_rules.actor_of(bearer), request.trace, is_strict=is_strict)
        if request.operation.cached:
            return await self._run_cached(tx, ctx, request)
        return await self._run(tx, ctx, request)

    def _admit(self, request: "_Request", bearer: Principal, account: Account) -> None:
        """Refuse who may not, or not that often."""
        operation, settings = request.operation, account.settings
        identity_rules.permit(operation.user_only, operation.allowed_roles, bearer, settings)
        if settings.requests_per_minute is not None and operation.family:
            call = (request.trace.request_id, f"{request.incoming.method} {request.incoming.path}")
            per_minute = settings.requests_per_minute
            self._throttle.admit(account.id, operation.family, per_minute, call, time.monotonic())

    async def _run(self, tx: Tx, ctx: Context, request: "_Request") -> Answer:
        operation, incoming, call = request.operation, request.incoming, request.call

        async def run() -> Answer:
            return _render(operation, await self._handlers[operation.id](tx, ctx, call))

        if operation.mode is not Mode.WRITE or not request.trace.is_repeatable:
            return await run()
        key = replay.key_of(
            ctx.actor.application_id,
            incoming.method,
            incoming.path,
            query=incoming.query,
            request_id=request.trace.request_id,
            raw=call.raw,
        )
        return await replay.once(tx, ctx, key, run)

    async def _run_cached(self, tx: Tx, ctx: Context, request: "_Request") -> Answer:
        """The answer remembered for this catalogue, or a new one; catalogue reads depend on nothing else."""
        operation, call = request.operation, request.call
        version = await catalog.version(tx)
        query = (call.query.get(known.name) for known in operation.query)
        key = (version, operation.id, ctx.account, ctx.locale, *call.path.values(), *query)
        answer = self._cached.get(key)
        if answer is None:
            answer = _render(operation, await self._handlers[operation.id](tx, ctx, call))
            self._cached[key] = answer
            if len(self._cached) > CACHED_ANSWERS_MAX:
                self._cached.popitem(last=False)
        else:
            self._cached.move_to_end(key)
        return answer

    def _context(self, account: Account, actor: Actor, trace: Trace, *, is_strict: bool = False) -> Context:
        wall = self._services.wall()
        return Context(
            account=account,
            actor=actor,
            now=account_time(account.clock, wall),
            wall=wall,
            ids=self._services.ids,
            correlation_id=trace.correlation_id,
            request_id=trace.request_id,
            sign=partial(tokens.sign_opaque, self._services.secrets),
            unsign=partial(tokens.open_opaque, self._services.secrets),
            locale=trace.locale,
            strict=is_strict,
            public_base_url=self._services.settings.public_base_url,
        )

    async def _read_call(self, operation: Operation, path: Mapping[str, str], incoming: Incoming) -> Call:
        settings = self._services.settings
        is_upload = operation.audience is Audience.OPERATOR
        raw = b""
        if incoming.method in WRITING_METHODS:
            raw = await incoming.read_body(
                settings.upload_bytes_max if is_upload else settings.body_bytes_max
            )
        _require_json_accepted(operation, incoming.headers)
        body = None
        if operation.request is not None:
            _require_json_sent(raw, incoming.headers)
            body = _decode(raw, operation)
        return Call(path, Parameters(incoming.query), incoming.headers, body, raw)


def _decode(raw: bytes, operation: Operation) -> object:
    try:
        return codec.decode(raw, operation.request)
    except codec.Unreadable as error:
        raise Refusal(Code.INVALID_INPUT, reason=error.reason) from error
    except codec.WrongType as error:
        raise Refusal(Code.INVALID_PROPERTY, member=error.member, reason=error.reason) from error


def _require_json_sent(raw: bytes, headers: Parameters) -> None:
    """A body must be JSON; a missing content type is forgiven (``00-cross-cutting`` section 2)."""
    media_type = (headers.get("Content-Type") or "application/json").partition(";")[0].strip().lower()
    if raw and media_type not in {"application/json", "text/json"} and not media_type.endswith("+json"):
        raise Refusal(Code.MEDIA_TYPE, media_type=media_type[:80])


def _require_json_accepted(operation: Operation, headers: Parameters) -> None:
    accept = headers.get("Accept")
    if accept is None or operation.audience is Audience.PUBLIC:
        return
    if not any(kind in accept.lower() for kind in ("json", "*/*", "application/*")):
        raise Refusal(Code.NOT_ACCEPTABLE)


def _render(operation: Operation, result: object) -> Answer:
    """The handler's result as an answer: an etag that the resource carries is mirrored as a header."""
    if isinstance(result, Answer):
        return result
    if isinstance(result, Refused):
        return faults.answer(result.refusal)
    if result is None:
        return Answer(status=operation.status)
    etag = getattr(getattr(result, "attributes", None), "etag", None)
    headers = {"ETag": f'"{etag}"'} if isinstance(etag, str) else {}
    return Answer(codec.encode(result), operation.status, headers=headers)


def _still_busy(operation: Operation) -> Refusal:
    """What a call is told that waited for a lock in vain (``00-cross-cutting`` section 4)."""
    if operation.family == "orders":
        return Refusal(Code.ORDER_IN_PROGRESS, order_id="of this customer")
    return Refusal(Code.BUSY)


def _with_mfa_report(answer: Answer, headers: Parameters, bearer: Principal | None) -> Answer:
    """``isMfaCompliant`` for callers that ask with ``ValidateMfa`` (``00-cross-cutting`` section 13.9).

    An application by itself is exempt, and compliant therefore.
    """
    if bearer is None or (headers.get("ValidateMfa") or "").lower() != "true":
        return answer
    is_compliant = bearer.has_mfa or bearer.user_id is None
    report = {"isMfaCompliant": "true" if is_compliant else "false"}
    return Answer(answer.body, answer.status, answer.content_type, {**answer.headers, **report})

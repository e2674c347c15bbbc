"""From a request to its handler: match, authenticate, open the transaction, replay, run, store, encode.

Done once here, so that handlers hold nothing but their resource (``docs/architecture.md`` shows the path of a
checkout).
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hmac import compare_digest

from comptoir.api import faults, publisher, publisher_faults, replay
from comptoir.api.call import Answer, Call, Handler, Parameters
from comptoir.api.limits import Throttle
from comptoir.api.remembering import Memory, Remembered
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
        self._memory = Memory()
        self._open_calls = replay.OpenCalls(services.database)

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
        if operation.audience is Audience.PUBLISHER:
            return await self._serve_publisher(operation, path, incoming, trace)
        bearer = self._bearer_of(operation, incoming.headers)
        try:
            call = await self._read_call(operation, path, incoming)
            answer = await self._transact(_Request(operation, incoming, trace, call), bearer)
        except Refusal as refusal:
            answer = faults.answer(refusal)
        except LockTimeout:
            answer = faults.answer(_still_busy(operation))
        return _with_mfa_report(answer, incoming.headers, bearer)

    async def _serve_publisher(
        self, operation: Operation, path: Mapping[str, str], incoming: Incoming, trace: Trace
    ) -> Answer:
        """The answer to a publisher. The body is not looked at before the caller and the version are."""
        settings = self._services.settings
        try:
            has_no_token = publisher.names_itself(settings, incoming.headers, incoming.query)
            bearer = None if has_no_token else self._bearer_of(operation, incoming.headers)
            raw = await self._read_raw(operation, incoming)
            call = Call(path, Parameters(incoming.query), incoming.headers, None, raw)
            return await self._transact(_Request(operation, incoming, trace, call), bearer)
        except Refusal as refusal:
            return publisher_faults.answer(refusal, operation.family)
        except LockTimeout:
            return publisher_faults.answer(Refusal(Code.BUSY), operation.family)

    async def _transact(self, request: "_Request", bearer: Principal | None) -> Answer:
        work = partial(self._work, request, bearer)
        if request.operation.mode is Mode.STEPS:
            return await self._take_steps(request, bearer)
        if request.operation.mode is Mode.READ:
            return await self._services.database.read(work)
        if request.operation.mode is Mode.REPORT:
            return await self._services.database.report(work)
        return await self._services.write(work)

    async def _take_steps(self, request: "_Request", bearer: Principal | None) -> Answer:
        """Let a handler open transactions itself, and wait between them for whatever takes its time."""
        operation, call = request.operation, request.call
        ctx = await self._services.database.read(partial(self._enter, request, bearer))

        async def run() -> Answer:
            return _render(operation, await self._handlers[operation.id](self._services, ctx, call))

        if not operation.writes or not request.trace.is_repeatable:
            return await run()
        return await self._open_calls.once(ctx, _key_of(ctx, request), run)

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
        if request.operation.audience is Audience.PUBLISHER:
            return await self._work_for_publisher(request, bearer, tx)
        ctx = await self._enter(request, bearer, tx)
        if request.operation.cached:
            return await self._run_cached(tx, ctx, request)
        return await self._run(tx, ctx, request)

    async def _enter(self, request: "_Request", bearer: Principal | None, tx: Tx) -> Context:
        """The context of a caller who may do this, as often as that."""
        if bearer is None:
            return self._context(OPERATOR_ACCOUNT, OPERATOR, request.trace)
        if request.operation.audience is Audience.OPERATOR:
            return self._context(OPERATOR_ACCOUNT, identity_rules.actor_of(bearer), request.trace)
        account, application = await identity.load_caller(tx, bearer)
        self._admit(request, bearer, account)
        is_strict = request.trace.is_strict or application.compatibility == "strict"
        return self._context(account, identity_rules.actor_of(bearer), request.trace, is_strict=is_strict)

    async def _work_for_publisher(self, request: "_Request", bearer: Principal | None, tx: Tx) -> Answer:
        operation, call = request.operation, request.call
        actor = await publisher.identify(tx, bearer, call.query)
        publisher.require_version(call.query)
        ctx = self._context(OPERATOR_ACCOUNT, actor, request.trace)
        is_decoded = operation.request is not None and not operation.reads_body
        try:
            body = _decode(call.raw, operation) if is_decoded else None
        except Refusal:
            await publisher.require_own(tx, ctx, call)
            raise
        return _render(operation, await self._handlers[operation.id](tx, ctx, replace(call, body=body)))

    def _admit(self, request: "_Request", bearer: Principal, account: Account) -> None:
        """Refuse who may not, or not that often."""
        operation, settings = request.operation, account.settings
        identity_rules.permit(operation.user_only, operation.allowed_roles, bearer, settings)
        if settings.requests_per_minute is not None and operation.family:
            call = (request.trace.request_id, f"{request.incoming.method} {request.incoming.path}")
            per_minute = settings.requests_per_minute
            self._throttle.admit(account.id, operation.family, per_minute, call, time.monotonic())

    async def _run(self, tx: Tx, ctx: Context, request: "_Request") -> Answer:
        operation, call = request.operation, request.call

        async def run() -> Answer:
            result = await self._handlers[operation.id](tx, ctx, call)
            if isinstance(result, Remembered):
                return await self._memory.answer(result)
            return _render(operation, result)

        if operation.mode is not Mode.WRITE or not request.trace.is_repeatable:
            return await run()
        return await replay.once(tx, ctx, _key_of(ctx, request), run)

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
            publisher_page_size=self._services.settings.publisher_page_size,
        )

    async def _read_call(self, operation: Operation, path: Mapping[str, str], incoming: Incoming) -> Call:
        raw = await self._read_raw(operation, incoming)
        _require_json_accepted(operation, incoming.headers)
        body = None
        if operation.request is not None:
            _require_json_sent(raw, incoming.headers)
            body = None if operation.reads_body else _decode(raw, operation)
        return Call(path, Parameters(incoming.query), incoming.headers, body, raw)

    async def _read_raw(self, operation: Operation, incoming: Incoming) -> bytes:
        if incoming.method not in WRITING_METHODS:
            return b""
        settings = self._services.settings
        is_upload = operation.audience is Audience.OPERATOR
        return await incoming.read_body(settings.upload_bytes_max if is_upload else settings.body_bytes_max)


def _key_of(ctx: Context, request: _Request) -> str:
    """Under which key the answer of a write is stored."""
    return replay.key_of(
        ctx.actor.application_id,
        request.incoming.method,
        request.incoming.path,
        query=request.incoming.query,
        request_id=request.trace.request_id,
        raw=request.call.raw,
    )


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
    is_json = operation.media_type == "application/json"
    if accept is None or operation.audience is Audience.PUBLIC or not is_json:
        return
    if not any(kind in accept.lower() for kind in ("json", "*/*", "application/*")):
        raise Refusal(Code.NOT_ACCEPTABLE)


def _render(operation: Operation, result: object) -> Answer:
    """The handler's result as an answer: an etag that the resource carries is mirrored as a header."""
    if isinstance(result, Answer):
        return result
    if isinstance(result, Refused):
        if operation.is_for_publishers:
            return publisher_faults.answer(result.refusal, operation.family)
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

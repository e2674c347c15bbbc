"""Sending a request until there is an answer worth having."""

import logging
from collections.abc import Awaitable, Callable

import httpx2

from comptoir.client import retry
from comptoir.client.asynchronous import Sleep
from comptoir.client.errors import Unreachable
from comptoir.client.reply import read_error
from comptoir.client.retry import RetryPolicy
from comptoir.client.surroundings import Surroundings

PASSING_ERRORS = (
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    httpx2.ProxyError,
    httpx2.DecodingError,
)
"""The connection could not be made or broke, or no whole answer came. Whether the call had its effect is open."""

log = logging.getLogger("comptoir.client")


class Sender:
    """Repeats what fails for a while, within the bounds of its policy."""

    def __init__(self, policy: RetryPolicy, surroundings: Surroundings, sleep: Sleep) -> None:
        self._policy = policy
        self._surroundings = surroundings
        self._sleep = sleep

    async def send(self, attempt: Callable[[], Awaitable[httpx2.Response]], what: str) -> httpx2.Response:
        """The first answer that is not a passing failure, or the last one. Raises ``Unreachable``.

        ``what`` names the call in log lines and errors.
        """
        was_unanswered = False
        for number in range(1, self._policy.attempts_max + 1):
            outcome = await _outcome(attempt)
            if isinstance(outcome, httpx2.Response):
                failure, wait = self._judge(outcome, number, was_unanswered=was_unanswered)
            else:
                was_unanswered = True
                failure = f"{type(outcome).__name__} {outcome}".rstrip()
                wait = self._policy.wait_seconds(number, None, self._surroundings.draw())
            if wait is None:
                break
            log.info("%s: %s; again in %.2f s", what, failure, wait)
            await self._sleep(wait)
        if isinstance(outcome, httpx2.Response):
            return outcome
        raise Unreachable(f"{what}: no answer after {number} attempts: {failure}") from outcome

    def _judge(
        self, reply: httpx2.Response, number: int, *, was_unanswered: bool
    ) -> tuple[str, float | None]:
        """What the answer says, and the wait before the call is sent again; ``None`` if the answer stands."""
        if reply.status_code < 400:
            return "", None
        error = read_error(reply.status_code, reply.content)
        if not retry.is_passing(error.status, error.code, was_unanswered=was_unanswered):
            return "", None
        asked = retry.retry_after_seconds(reply.headers.get("Retry-After"), self._surroundings.now())
        return str(error), self._policy.wait_seconds(number, asked, self._surroundings.draw())


async def _outcome(attempt: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response | httpx2.RequestError:
    try:
        return await attempt()
    except PASSING_ERRORS as error:
        return error

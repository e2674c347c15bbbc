# Made from ../_async by tools/generate.py; do not edit.
"""Sending a request until there is an answer worth having."""

import logging
import ssl
from collections.abc import Callable, Mapping

import httpx2

from comptoir.client import retry
from comptoir.client.errors import Unreachable
from comptoir.client.reply import read_error
from comptoir.client.retry import RetryPolicy
from comptoir.client.surroundings import Surroundings
from comptoir.client.synchronous import Sleep

PASSING_ERRORS = (
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    httpx2.ProxyError,
    httpx2.DecodingError,
)
"""No connection could be made, or it broke before the whole answer came. The call may have had its effect."""

log = logging.getLogger("comptoir.client")

Outcome = httpx2.Response | httpx2.RequestError


class Sender:
    """Sends, and repeats what fails for a while, within the bounds of its policy."""

    def __init__(
        self,
        http: httpx2.Client,
        timeout: httpx2.Timeout,
        policy: RetryPolicy,
        surroundings: Surroundings,
        sleep: Sleep,
    ) -> None:
        self._http = http
        self._timeout = timeout
        self._policy = policy
        self._surroundings = surroundings
        self._sleep = sleep

    def once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> httpx2.Response:
        """One attempt. Redirections are not followed: they would take tokens elsewhere."""
        return self._http.request(
            method, url, headers=headers, content=content, timeout=self._timeout, follow_redirects=False
        )

    def send(self, attempt: Callable[[], httpx2.Response], what: str) -> httpx2.Response:
        """The first answer that is not a passing failure, or the last one. Raises ``Unreachable``.

        ``what`` names the call in log lines and errors.
        """
        was_unanswered = False
        number = 1
        while True:
            outcome = _outcome(attempt)
            wait = self._wait_seconds(outcome, number, was_unanswered=was_unanswered)
            if wait is None:
                break
            log.info("%s: %s; again in %.2f s", what, _named(outcome), wait)
            was_unanswered |= isinstance(outcome, httpx2.RequestError)
            number += 1
            self._sleep(wait)
        if isinstance(outcome, httpx2.RequestError):
            raise Unreachable(f"{what}: {_named(outcome)} (attempts: {number})") from outcome
        return outcome

    def _wait_seconds(self, outcome: Outcome, number: int, *, was_unanswered: bool) -> float | None:
        """The wait before the call is sent again, ``None`` if the outcome of this attempt stands."""
        asked = None
        if isinstance(outcome, httpx2.RequestError):
            is_passing = _may_pass(outcome)
        else:
            code = read_error(outcome.status_code, outcome.content).code if outcome.is_error else None
            is_passing = retry.is_passing(outcome.status_code, code, was_unanswered=was_unanswered)
            asked = retry.retry_after_seconds(outcome.headers.get("Retry-After"), self._surroundings.now())
        draw = self._surroundings.draw()
        return self._policy.wait_seconds(number, asked, draw) if is_passing else None


def _outcome(attempt: Callable[[], httpx2.Response]) -> Outcome:
    try:
        return attempt()
    except httpx2.RequestError as error:
        return error


def _may_pass(error: httpx2.RequestError) -> bool:
    """Whether another attempt may fare better. A certificate that is not trusted stays so."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return False
        cause = cause.__cause__ or cause.__context__
    return isinstance(error, PASSING_ERRORS)


def _named(outcome: Outcome) -> str:
    if isinstance(outcome, httpx2.RequestError):
        return f"{type(outcome).__name__} {outcome}".rstrip()
    return str(read_error(outcome.status_code, outcome.content))

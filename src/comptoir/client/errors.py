"""Why a call has no answer. Every error of the client is a ``ComptoirError``."""

from collections.abc import Mapping


class ComptoirError(Exception):
    """Anything that keeps a call from its answer.

    ``request_id`` and ``correlation_id`` name the call in the logs of both sides; they are empty where no
    call was made.
    """

    request_id: str = ""
    correlation_id: str = ""


class Unreachable(ComptoirError):
    """No answer after every attempt: the connection could not be made, broke, or timed out.

    A write may have had its effect. Repeat it with the same arguments and ``request_id=error.request_id``:
    the server then answers what it answered, or would have answered, the first time.
    """


class UnexpectedReply(ComptoirError):
    """An answer that the client cannot read, or a link that leads away from the service."""


class TokenRefused(ComptoirError):
    """The authority gives no token. ``error`` is OAuth's word for it, ``codes`` are the issuer's numbers."""

    def __init__(self, error: str, description: str, codes: tuple[int, ...] = ()) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description
        self.codes = codes


class ServiceError(ComptoirError):
    """The service says no.

    ``status`` is the HTTP status and ``code`` the number of the reason, ``None`` where the service gave
    none. ``data`` names members at fault. ``retry_after_seconds`` is how long the service asks to wait.
    """

    def __init__(
        self,
        *,
        status: int,
        code: int | None,
        description: str,
        data: tuple[str, ...] = (),
        error_name: str = "",
        is_retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        reason = str(status) if code is None else f"{status}/{code}"
        super().__init__(f"{reason} {description}".rstrip())
        self.status = status
        self.code = code
        self.description = description
        self.data = data
        self.error_name = error_name
        self.is_retryable = is_retryable
        self.retry_after_seconds = retry_after_seconds


class BadRequest(ServiceError):
    """400: what was asked for is wrong, or against a rule; ``code`` tells which."""


class Unauthorized(ServiceError):
    """401: no token, one that is not good, or one without the proof of a second factor."""


class Forbidden(ServiceError):
    """403: a good token, but not for this: the caller's kind or role, or another partner's customer."""


class NotFound(ServiceError):
    """404: there is nothing by this id."""


class Conflict(ServiceError):
    """409: something else stands in the way: an operation that runs, or a thing that exists already."""


class PreconditionFailed(ServiceError):
    """412: the resource was changed since it was read. Comptoir says 400/2055 instead."""


class Throttled(ServiceError):
    """429: too many calls; ``retry_after_seconds`` tells when to come back."""


class ServerError(ServiceError):
    """5xx: the service failed, and kept failing when the call was repeated."""


_BY_STATUS: Mapping[int, type[ServiceError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    429: Throttled,
}


def error_class(status: int) -> type[ServiceError]:
    """The class of the error that an HTTP status means."""
    return ServerError if status >= 500 else _BY_STATUS.get(status, ServiceError)

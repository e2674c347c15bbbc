"""What the client takes from the machine it runs on: the time, chance, new ids. Tests pass their own."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from comptoir.client.errors import ComptoirError

REQUEST_ID = "MS-RequestId"
CORRELATION_ID = "MS-CorrelationId"


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``now`` gives seconds since 1970, ``draw`` a random number from 0 up to 1, ``new_id`` a GUID."""

    now: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random
    new_id: Callable[[], str] = _new_id


MACHINE = Surroundings()

_CORRELATION: ContextVar[str | None] = ContextVar("comptoir_correlation_id", default=None)


def correlation_id() -> str | None:
    """The correlation id of the calls that are made here."""
    return _CORRELATION.get()


@contextmanager
def correlated(correlation_id: str) -> Iterator[str]:
    """Let every call made inside carry this correlation id."""
    token = _CORRELATION.set(correlation_id)
    try:
        yield correlation_id
    finally:
        _CORRELATION.reset(token)


@contextmanager
def named(ids: Mapping[str, str]) -> Iterator[None]:
    """Write the ids of a call into the error that ends it."""
    try:
        yield
    except ComptoirError as error:
        error.request_id = error.request_id or ids[REQUEST_ID]
        error.correlation_id = error.correlation_id or ids[CORRELATION_ID]
        raise

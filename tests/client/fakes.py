"""Time that tests move, and services that answer as they are told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx2

from comptoir.client import AsyncComptoir, RetryPolicy
from comptoir.client.asynchronous import Credential
from comptoir.client.surroundings import Surroundings

BASE_URL = "http://service.test"
Step = httpx2.Response | Exception


@dataclass
class FakeTime:
    """A clock that only sleeping moves, and the sleeps."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def surroundings(self, draw: float = 0.0) -> Surroundings:
        """This clock, one constant for chance, and ids that can be told apart."""
        numbers: Iterator[int] = iter(range(10_000))
        return Surroundings(lambda: self.now, lambda: draw, lambda: f"id-{next(numbers)}")


@dataclass
class Script:
    """A service that gives these answers in turn, and remembers what it was asked."""

    steps: list[Step]
    requests: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def client_of(
    service: Callable[[httpx2.Request], httpx2.Response],
    time: FakeTime,
    credential: Credential = "token",
    *,
    retry: RetryPolicy | None = None,
    base_url: str = BASE_URL,
    draw: float = 0.0,
) -> AsyncComptoir:
    """A client of a service that is a function. It holds nothing that must be closed."""
    return AsyncComptoir(
        credential,
        base_url=base_url,
        retry=retry or RetryPolicy(),
        http=httpx2.AsyncClient(transport=httpx2.MockTransport(service)),
        surroundings=time.surroundings(draw),
        sleep=time.sleep,
    )


def answer(status: int, json: object = None, **headers: str) -> httpx2.Response:
    return httpx2.Response(
        status, json=json, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def fault(status: int, code: int, **headers: str) -> httpx2.Response:
    return answer(status, {"code": code, "description": "no", "data": [], "source": "test"}, **headers)

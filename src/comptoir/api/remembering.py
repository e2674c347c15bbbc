"""Large answers that depend on nothing but their key, kept for those who ask again.

Programs poll for what is new, and repeat what timed out; most of the time the books have not changed.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from threading import Lock

from comptoir.api.call import Answer

BYTES_MAX = 32 * 1024 * 1024
ANSWERS_MAX = 512


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a handler gives for an answer that is always the same for a key: how to make it."""

    key: Hashable
    make: Callable[[], Awaitable[Answer]]


class Memory:
    """Holds the answers asked for last. Reports are made in several threads."""

    def __init__(self, bytes_max: int = BYTES_MAX, answers_max: int = ANSWERS_MAX) -> None:
        self._bytes_max = bytes_max
        self._answers_max = answers_max
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    async def answer(self, wanted: Remembered) -> Answer:
        """The answer that was kept, or a new one."""
        with self._lock:
            found = self._answers.get(wanted.key)
            if found is not None:
                self._answers.move_to_end(wanted.key)
                return found
        made = await wanted.make()
        with self._lock:
            self._keep(wanted.key, made)
        return made

    def _keep(self, key: Hashable, answer: Answer) -> None:
        if key in self._answers or len(answer.body) > self._bytes_max:
            return
        self._answers[key] = answer
        self._bytes += len(answer.body)
        while self._bytes > self._bytes_max or len(self._answers) > self._answers_max:
            _, forgotten = self._answers.popitem(last=False)
            self._bytes -= len(forgotten.body)

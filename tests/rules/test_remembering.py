"""What is kept of large answers, and what is forgotten."""

import pytest

from comptoir.api.call import Answer
from comptoir.api.remembering import Memory, Remembered

pytestmark = pytest.mark.anyio


class Maker:
    """Makes answers and counts them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def ask(self, memory: Memory, key: str, length: int = 10) -> Answer:
        async def make() -> Answer:
            self.made.append(key)
            return Answer(key[:1].encode() * length)

        return await memory.answer(Remembered(key, make))


async def test_an_answer_is_made_once() -> None:
    memory, maker = Memory(), Maker()
    first = await maker.ask(memory, "a")
    assert await maker.ask(memory, "a") is first
    assert (await maker.ask(memory, "b")).body == b"b" * 10
    assert maker.made == ["a", "b"]


async def test_the_answer_asked_for_least_recently_is_forgotten_first() -> None:
    memory, maker = Memory(bytes_max=25), Maker()
    for key in ("a", "b", "a", "c", "a", "b"):
        await maker.ask(memory, key)
    assert maker.made == ["a", "b", "c", "b"]


async def test_answers_are_counted_too() -> None:
    memory, maker = Memory(answers_max=2), Maker()
    for key in ("a", "b", "c", "c", "b", "a"):
        await maker.ask(memory, key)
    assert maker.made == ["a", "b", "c", "a"]


async def test_an_answer_that_is_too_large_is_not_kept() -> None:
    memory, maker = Memory(bytes_max=25), Maker()
    await maker.ask(memory, "small")
    await maker.ask(memory, "large", 26)
    await maker.ask(memory, "large", 26)
    await maker.ask(memory, "small")
    assert maker.made == ["small", "large", "large"]


async def test_a_failure_is_not_kept() -> None:
    memory, maker = Memory(), Maker()

    async def fail() -> Answer:
        raise LookupError

    with pytest.raises(LookupError):
        await memory.answer(Remembered("a", fail))
    assert (await maker.ask(memory, "a")).body

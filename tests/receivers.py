"""Receivers of webhooks that stand in for the network: they note what they get, and answer as told."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from comptoir.delivery.model import Message, Reply


def accept(message: Message) -> Reply:
    return Reply(200)


@dataclass
class Receivers:
    """What the engine sends with in tests. ``answer`` may be replaced at any time."""

    answer: Callable[[Message], Reply | Awaitable[Reply]] = accept
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> Reply:
        self.messages.append(message)
        reply = self.answer(message)
        return reply if isinstance(reply, Reply) else await reply

    @property
    def bodies(self) -> list[Any]:
        """What has come in so far, in order, repetitions too."""
        return [json.loads(message.body) for message in self.messages]


def answering(status: int) -> Callable[[Message], Reply]:
    """An answer for ``Receivers``: always this status."""
    return lambda message: Reply(status)


def unreachable(message: Message) -> Reply:
    """An answer for ``Receivers``: nobody is there."""
    return Reply(None, error="connection refused")

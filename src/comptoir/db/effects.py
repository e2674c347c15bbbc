"""What a transaction has promised to do later, and how much of it a rolled back savepoint takes back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Effects:
    """Things deferred to the end of the transaction, and callbacks for after its commit, in order."""

    deferred: list[object] = field(default_factory=list)
    callbacks: list[Callable[[], None]] = field(default_factory=list)

    def mark(self) -> tuple[int, int]:
        """Where things stand now."""
        return len(self.deferred), len(self.callbacks)

    def undo_to(self, mark: tuple[int, int]) -> None:
        """Forget what was promised since ``mark``."""
        del self.deferred[mark[0] :]
        del self.callbacks[mark[1] :]

    def run_callbacks(self) -> None:
        """Keep the promises after the commit. One that fails cannot undo it, and must not stop the others."""
        for callback in self.callbacks:
            try:
                callback()
            except Exception:
                logger.exception("a callback after a commit failed")

"""The lines that a run prints: what was measured, what came out, what is wanted."""

import statistics
from collections.abc import Sequence


def report(subject: str, figure: str, wanted: str) -> None:
    print(f"{subject:<58} {figure:<64} ({wanted})", flush=True)


def ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    """The median of what each pair of neighbouring runs gives."""
    return statistics.median(one / other for one, other in zip(ours, floor, strict=True))

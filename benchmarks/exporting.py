"""A process that exports the unbilled lines that ``books`` wrote, and tells what it took.

    python -m benchmarks.exporting DATABASE FORMAT FOLDER

The asynchronous export of the partner API writes the lines of ``jsonl`` in the same way.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.invoicing import peak_mebibytes
from comptoir.bootstrap import exporting
from comptoir.settings import Settings


class Outcome(msgspec.Struct):
    lines: int
    seconds: float
    mebibytes: float


async def export(database: Path, form: str, folder: Path) -> Outcome:
    wanted = exporting.Wanted(exporting.Dataset.LINES, "sandbox", exporting.Format(form), folder)
    began = time.perf_counter()
    manifest = await exporting.export_books(Settings(database=str(database)), wanted)
    return Outcome(manifest.rows, time.perf_counter() - began, peak_mebibytes())


if __name__ == "__main__":
    outcome = asyncio.run(export(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
    print(msgspec.json.encode(outcome).decode())

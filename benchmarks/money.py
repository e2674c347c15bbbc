"""Many lines: a month that is invoiced, and exported as a file."""

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks import books, exporting, floors, invoicing, servers
from benchmarks.reporting import ratio, report
from benchmarks.servers import Made

LINES = 100_000
LARGE = 1_000_000
ROUNDS = 3
LARGE_ROUNDS = 1
CLOCK = "2026-05-01T00:00:00Z"
FORMATS = ("jsonl", "csv")


def report_money(folder: Path, *, is_large: bool) -> None:
    for count, rounds in ((LINES, ROUNDS), (LARGE, LARGE_ROUNDS)) if is_large else ((LINES, ROUNDS),):
        made = servers.make(folder / "books.db", clock=CLOCK)
        books.write(made.database, made.account_id, count)
        _report_exports(made, folder, count, rounds)
        _report_invoices(made, folder, count, rounds)
        _remove(made.database)


def _report_exports(made: Made, folder: Path, count: int, rounds: int) -> None:
    for form in FORMATS:
        ours, raw, memory = [], [], 0.0
        for number in range(rounds):
            files = folder / f"export-{number}"
            outcome = msgspec.json.decode(
                _child("benchmarks.exporting", made.database, form, files), type=exporting.Outcome
            )
            assert outcome.lines == count, outcome
            ours.append(count / outcome.seconds)
            raw.append(floors.fetched_lines_per_second(made.database))
            memory = max(memory, outcome.mebibytes)
            shutil.rmtree(files)
        figure = (
            f"{statistics.median(ours):.0f} lines/s, fetch alone {statistics.median(raw):.0f}/s, "
            f"ratio {ratio(ours, raw):.2f}, {memory:.0f} MiB"
        )
        report(f"export of {count:,} lines as {form}", figure, "against the fetch alone")


def _report_invoices(made: Made, folder: Path, count: int, rounds: int) -> None:
    ours, raw, outcomes = [], [], []
    for _ in range(rounds):
        copy = folder / "copy.db"
        shutil.copyfile(made.database, copy)
        os.sync()  # or the run's first commit waits for the copy
        outcome = msgspec.json.decode(
            _child("benchmarks.invoicing", copy, made.account_id), type=invoicing.Outcome
        )
        assert outcome.lines == count, outcome
        _remove(copy)
        outcomes.append(outcome)
        ours.append(count / outcome.seconds)
        raw.append(floors.raw_lines_per_second(made.database, folder))
    figure = (
        f"{statistics.median(ours):.0f} lines/s, raw insert {statistics.median(raw):.0f}/s, "
        f"ratio {ratio(ours, raw):.2f}"
    )
    report(f"invoice run over {count:,} lines", figure, "at least 0.15, aim 0.4")
    work = max(each.longest_work for each in outcomes)
    write = max(each.longest_write for each in outcomes)
    memory = max(each.mebibytes for each in outcomes)
    held = f"{work:.2f} s at work, {write:.2f} s with the disk, {memory:.0f} MiB"
    report("    its longest hold of the writer, its memory", held, "at most 0.2 s and 256 MiB")


def _child(module: str, *arguments: object) -> bytes:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def _remove(database: Path) -> None:
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()

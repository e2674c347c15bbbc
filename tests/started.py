"""Commands as a user gives them: in processes of their own, above all a server that is started and ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS_MAX = 30
COMMAND_SECONDS_MAX = 60


@dataclass(frozen=True)
class Started:
    """A server in a process of its own. ``info`` is what it wrote into its file."""

    process: "subprocess.Popen[str]"
    file: Path
    info: dict[str, Any]

    @property
    def address(self) -> str:
        return str(self.info["address"])

    def end(self, signal_number: int) -> tuple[int, str, str]:
        """Send a signal and wait: exit status, standard output and standard error."""
        self.process.send_signal(signal_number)
        out, error = self.process.communicate(timeout=20)
        return self.process.returncode, out, error


def environment() -> dict[str, str]:
    """This process's environment without settings of Comptoir."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COMPTOIR_")}


def command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Give a command in a folder and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "comptoir", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        check=False,
        timeout=COMMAND_SECONDS_MAX,
    )


@contextmanager
def started(
    folder: Path, *flags: str, database: str = "market.db", file: Path | None = None
) -> Iterator[Started]:
    """A server on a free port, killed at the end unless it has ended by then.

    ``file`` is where it leaves its address, unless that is beside the database.
    """
    file = file or folder / f"{database}.server.json"
    file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "comptoir", "serve", "--port", "0", "--database", database, *flags],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        _wait_for(file, process)
        yield Started(process, file, json.loads(file.read_text(encoding="utf-8")))
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def publishing(folder: Path, *flags: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The sample publisher on a free port: its address and its process, killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "comptoir", "sample-publisher", "--port", "0", *flags],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith("The publisher serves "), (said, process.communicate())
        yield said.split()[-1], process
    finally:
        process.kill()
        process.communicate()


def _wait_for(file: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists():
            return
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"the server did not start: {process.communicate()}")

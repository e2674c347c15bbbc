"""The shell commands of the guides, run in their order as a reader would."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.engines import create_postgresql, drop_postgresql
from tests.started import command, environment, started

from comptoir.bootstrap.sample import folder as sample_folder

GUIDES = Path(__file__).parents[2] / "docs" / "guide"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LOCAL = re.compile(r"https?://127\.0\.0\.1:8080")
POSTGRESQL = "postgresql://comptoir@localhost/comptoir"

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="the guides' shell is not here"
)


def steps(guide: str) -> Iterator[str]:
    """The commands of a guide, those of a block together, but for the ones that start a server or end all."""
    for block in BLOCK.findall((GUIDES / guide).read_text(encoding="utf-8")):
        together: list[str] = []
        for line in block.splitlines():
            if line.startswith(("comptoir serve", "comptoir reset")):
                yield line
            else:
                together.append(line)
        if together:
            yield "\n".join(together)


def run(script: str, folder: Path) -> None:
    """Give commands to a shell that ends at the first that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment() | {"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, f"{script}\n{ended.stdout}{ended.stderr}"


def test_an_operator_can_follow_the_guide(tmp_path: Path, postgresql_server: str) -> None:
    shutil.copytree(sample_folder() / "catalog", tmp_path / "catalog")
    url = create_postgresql(postgresql_server, "guide")
    given, address = [], ""
    try:
        with ExitStack() as servers:
            for step in steps("operate.md"):
                given.append(step)
                if step.startswith(("comptoir serve", "comptoir reset")):
                    servers.close()  # as a reader does, by Ctrl-C
                if step.startswith("comptoir serve"):
                    flags = step.split()[2:]
                    server = servers.enter_context(started(tmp_path, *flags, database="comptoir.db"))
                    address = server.address
                else:
                    run(LOCAL.sub(address, step).replace(POSTGRESQL, f"'{url}'"), tmp_path)
    finally:
        drop_postgresql(postgresql_server, url)
    assert {"comptoir serve", "comptoir serve --tls", "comptoir reset --yes"} < set(given)
    assert not (tmp_path / "comptoir.db").exists()


def test_a_partner_can_follow_the_guide(tmp_path: Path) -> None:
    assert command(tmp_path, "demo", "--quiet").returncode == 0
    database = str(tmp_path / "demo-output" / "comptoir.db")
    (tmp_path / "comptoir.toml").write_text(f"database = '{database}'\n")
    given = list(steps("point-your-client.md"))
    with started(tmp_path, database=database) as server:
        for step in given:
            run(LOCAL.sub(server.address, step), tmp_path)
    assert len(given) == 3

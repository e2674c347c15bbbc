"""Commands in this process, in an empty folder, on ``market.db`` and a free port unless flags differ."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.client.served import Served, served

from comptoir.bootstrap import running
from comptoir.bootstrap.making import Made
from comptoir.cli import main
from comptoir.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    error: str


Comptoir = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, without the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("COMPTOIR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COMPTOIR_DATABASE", "market.db")
    monkeypatch.setenv("COMPTOIR_PORT", "0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def comptoir(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Comptoir:
    """Gives a command."""

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["comptoir", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        status = ended.value.code
        assert isinstance(status, int), status
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def market_made(folder: Path, sample_sqlite: tuple[Path, Made]) -> Made:
    """The sample marketplace in ``market.db`` of the working folder, and its credentials."""
    path, made = sample_sqlite
    shutil.copyfile(path, folder / "market.db")
    (folder / "market.db").chmod(0o600)
    return made


def is_one_line(outcome: Outcome) -> bool:
    """Whether a command was refused as it should be: one line on standard error, nothing else."""
    lines = outcome.error.splitlines()
    return outcome.status == 2 and outcome.out == "" and len(lines) == 1 and lines[0].startswith("comptoir: ")


@pytest.fixture(scope="module")
def shop(
    sample_sqlite: tuple[Path, Made], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Served]]:
    """A started marketplace for the tests of one module, and its database beside which commands find it."""
    shop_folder = tmp_path_factory.mktemp("shop")
    database = shop_folder / "market.db"
    with served(*sample_sqlite, shop_folder) as started:
        key = started.services.operator_key
        server = running.RunningServer(started.url, key, "", os.getpid())
        running.leave(Settings(database=str(database)), server)
        yield database, started


@pytest.fixture
def server(shop: tuple[Path, Served], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The started marketplace, which commands call with the profile local; other profiles in this folder."""
    database, started = shop
    monkeypatch.setenv("COMPTOIR_DATABASE", str(database))
    monkeypatch.setenv("COMPTOIR_CONFIG", str(folder / "config"))
    return started

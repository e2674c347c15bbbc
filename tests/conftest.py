"""Fixtures for every test, and the last word on a whole run."""

import os
import tempfile
from pathlib import Path

import pytest

from tests import watch
from tests.engines import (
    anyio_backend,
    database,
    database_url,
    own_database_url,
    postgresql_empty,
    postgresql_own_url,
    postgresql_server,
    postgresql_shared,
    postgresql_url,
    sqlite_empty,
    sqlite_template,
    sqlite_url,
)
from tests.faults import repeatable, repeatable_postgresql, repeatable_sqlite
from tests.market import (
    market,
    sample,
    sample_postgresql,
    sample_postgresql_url,
    sample_sqlite,
    sample_sqlite_url,
)

__all__ = [
    "anyio_backend",
    "database",
    "database_url",
    "market",
    "own_database_url",
    "postgresql_empty",
    "postgresql_own_url",
    "postgresql_server",
    "postgresql_shared",
    "postgresql_url",
    "repeatable",
    "repeatable_postgresql",
    "repeatable_sqlite",
    "sample",
    "sample_postgresql",
    "sample_postgresql_url",
    "sample_sqlite",
    "sample_sqlite_url",
    "sqlite_empty",
    "sqlite_template",
    "sqlite_url",
]


def pytest_configure(config: pytest.Config) -> None:
    """Processes that xdist starts find the ledger's folder in the environment."""
    os.environ.setdefault(watch.LEDGER, tempfile.mkdtemp(prefix="comptoir-ledger-"))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A whole run that left a documented refusal unprovoked has failed."""
    if exitstatus != 0 or not _is_whole_run(session.config):
        return
    missing = watch.unprovoked(Path(os.environ[watch.LEDGER]))
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nno API test has provoked:", *missing, sep="\n  ")


def _is_whole_run(config: pytest.Config) -> bool:
    is_worker = hasattr(config, "workerinput")
    is_narrowed = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or any(
        config.getoption(option) for option in ("keyword", "markexpr", "lf", "collectonly")
    )
    return not is_worker and not is_narrowed

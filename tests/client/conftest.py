"""Fixtures for tests of the client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.served import Served, served

from comptoir.bootstrap.making import Made


@pytest.fixture(scope="module")
def server(sample_sqlite: tuple[Path, Made], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A started marketplace for the tests of one module."""
    with served(*sample_sqlite, tmp_path_factory.mktemp("served")) as started:
        yield started

"""``comptoir catalog``, without a server; ``test_serve`` imports beside one."""

import shutil
from pathlib import Path

import pytest
from tests.catalog_files import HARBOR
from tests.cli.conftest import Comptoir, is_one_line

from comptoir.bootstrap.making import Made
from comptoir.bootstrap.sample import folder as sample_folder


def test_the_sample_is_valid(comptoir: Comptoir) -> None:
    checked = comptoir("catalog", "check", str(sample_folder() / "catalog"))
    assert (checked.status, checked.error) == (0, "")
    assert checked.out.endswith("files are valid.\n")


def test_every_fault_is_told_with_file_line_and_reason(comptoir: Comptoir, folder: Path) -> None:
    shutil.copy(sample_folder() / "catalog/brinewood.yaml", folder)
    (folder / "bad.yaml").write_text(HARBOR.replace("P1M", "P2M"))
    for verb in ("check", "import"):
        checked = comptoir("catalog", verb, ".")
        assert checked.status == 1
        lines = checked.out.splitlines()
        assert len(lines) > 1
        assert all(line.startswith("bad.yaml:") for line in lines)
        file, line, reason = lines[0].split(":", 2)
        assert "P2M" in (folder / file).read_text().splitlines()[int(line) - 1]
        assert "must be" in reason
    assert not (folder / "market.db").exists()


def test_import_again_changes_nothing(comptoir: Comptoir, market_made: Made, folder: Path) -> None:
    (folder / "harbor.yaml").write_text(HARBOR)
    first = comptoir("catalog", "import", "harbor.yaml")
    assert first.status == 0, first.error
    assert "publishers added: 1" in first.out
    again = comptoir("catalog", "import", "harbor.yaml", "harbor.yaml")
    assert "Nothing has changed" in again.out


def test_what_the_stored_catalogue_does_not_let_change(
    comptoir: Comptoir, market_made: Made, folder: Path
) -> None:
    (folder / "harbor.yaml").write_text(HARBOR)
    comptoir("catalog", "import", "harbor.yaml")
    before = (folder / "market.db").read_bytes()
    (folder / "harbor.yaml").write_text(HARBOR.replace("pricingModel: flatRate", "pricingModel: perUser"))
    for verb in ("check", "import"):
        checked = comptoir("catalog", verb, "harbor.yaml")
        assert checked.status == 1
        assert "harbor.yaml:9: " in checked.out
    assert (folder / "market.db").read_bytes() == before


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ((), "name at least one"),
        (("missing.yaml",), "cannot read missing.yaml: No such file"),
        (("latin.yaml",), "cannot read latin.yaml: it is no UTF-8 text"),
        (("empty",), "empty holds no YAML files"),
    ],
)
def test_what_cannot_be_read(comptoir: Comptoir, folder: Path, files: tuple[str, ...], reason: str) -> None:
    (folder / "latin.yaml").write_bytes("publisher: café".encode("latin-1"))
    (folder / "empty").mkdir()
    refused = comptoir("catalog", "check", *files)
    assert is_one_line(refused), refused
    assert reason in refused.error


def test_import_needs_a_marketplace(comptoir: Comptoir, folder: Path) -> None:
    (folder / "harbor.yaml").write_text(HARBOR)
    refused = comptoir("catalog", "import", "harbor.yaml")
    assert is_one_line(refused)
    assert "make one with: comptoir init" in refused.error

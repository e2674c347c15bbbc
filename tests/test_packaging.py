"""The lock files: nothing ties the package to one platform, and no download address is recorded."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    requirements = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert requirements
    assert all("--hash=sha256:" in requirement for requirement in requirements)
    assert "://" not in text
    assert "--index" not in text


def test_development_runs_the_versions_that_are_shipped() -> None:
    development = pins("requirements-dev.lock")
    shipped = pins("requirements.lock")
    assert shipped.items() <= development.items()


@pytest.mark.parametrize("platform", ["windows", "macos"])
def test_the_lock_installs_elsewhere_from_wheels(platform: str, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--dry-run", "--quiet", "--target", str(tmp_path)]
    command += ["--python-platform", platform, "--only-binary", ":all:", "--require-hashes"]
    command += ["-r", str(ROOT / "requirements.lock")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

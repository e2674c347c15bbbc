"""What ``comptoir doctor`` looks at."""

import json
import platform
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from comptoir import __version__
from comptoir.bootstrap.opening import CannotOpen, exists, load_secrets, opened, server_file
from comptoir.clock import service as clock
from comptoir.db.engines import Engine, locate
from comptoir.settings import Settings

FREE_BYTES_MIN = 200_000_000
CERTIFICATE_DAYS_MIN = 14
EARLIEST_WALL = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time than the one this was written in."""

NEEDED = ("msgspec", "apsw", "uvicorn", "joserfc", "cryptography")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, and what was found or how to mend it."""

    subject: str
    is_well: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Look at the installation, the clock, the port, the certificate and the database."""
    findings = [_installation(), _clock(), _port(settings)]
    if settings.tls or settings.tls_cert:
        findings.append(_certificate(settings))
    findings += [finding async for finding in _database(settings)]
    return findings


def _installation() -> Finding:
    try:
        versions = ", ".join(f"{name} {metadata.version(name)}" for name in NEEDED)
    except metadata.PackageNotFoundError as error:
        return Finding("installation", False, f"{error.name} is missing; run: make setup")
    text = f"Comptoir {__version__}, Python {platform.python_version()} on {sys.platform}, {versions}"
    return Finding("installation", True, text)


def _clock() -> Finding:
    before, steady = clock.wall_now(), time.monotonic()
    time.sleep(0.05)
    drift = abs((clock.wall_now() - before).total_seconds() - (time.monotonic() - steady))
    if before < EARLIEST_WALL:
        return Finding("clock", False, f"the machine believes it is {before:%Y-%m-%d}; set its clock")
    if drift > 1:
        return Finding("clock", False, "the machine's clock jumps; have it synchronised smoothly")
    return Finding("clock", True, f"{before:%Y-%m-%d %H:%M:%S} UTC")


def _port(settings: Settings) -> Finding:
    subject = f"port {settings.port}"
    running = _running_server(settings)
    try:
        with socket.create_connection((settings.host, settings.port), timeout=1):
            pass
    except OSError:
        return Finding(subject, True, f"free on {settings.host}")
    if running is not None:
        return Finding(subject, True, f"Comptoir serves this database on {running}")
    return Finding(subject, False, f"another program listens on {settings.host}; choose another with --port")


def _running_server(settings: Settings) -> str | None:
    try:
        return str(json.loads(server_file(settings).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError):
        return None


def _certificate(settings: Settings) -> Finding:
    from comptoir.identity import certificates

    if not settings.tls_cert:
        return Finding("certificate", True, f"made and renewed by the server in {settings.tls_folder}")
    try:
        ends_at = certificates.ends_at(Path(settings.tls_cert))
    except (OSError, ValueError) as error:
        return Finding("certificate", False, f"cannot read {settings.tls_cert}: {error}")
    is_well = ends_at - clock.wall_now() > timedelta(days=CERTIFICATE_DAYS_MIN)
    return Finding("certificate", is_well, f"{settings.tls_cert} is valid until {ends_at:%Y-%m-%d}")


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        is_embedded = locate(settings.database).engine is Engine.SQLITE
    except ValueError as error:
        yield Finding("database", False, str(error))
        return
    if not exists(settings):
        yield Finding("database", False, f"there is none at {settings.database}; make one: comptoir init")
        return
    try:
        async with opened(settings, read_only=True) as database:
            await load_secrets(database)
    except CannotOpen as error:
        yield Finding("database", False, str(error))
        return
    yield Finding("database", True, f"{settings.database} opens")
    if is_embedded:
        free = shutil.disk_usage(locate(settings.database).path.resolve().parent).free
        yield Finding("disk", free > FREE_BYTES_MIN, f"{free // 1_000_000:,} MB are free")

"""What ``comptoir doctor`` looks at."""

import os
import platform
import shutil
import ssl
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import httpx2

from comptoir import __version__
from comptoir.bootstrap import running
from comptoir.bootstrap.opening import CannotOpen, exists, load_secrets, located, opened
from comptoir.bootstrap.server import listen
from comptoir.clock import service as clock
from comptoir.db.engines import Engine
from comptoir.settings import ENVIRONMENT_PREFIX, Settings

FREE_BYTES_MIN = 200_000_000
CERTIFICATE_DAYS_MIN = 14
ANSWER_SECONDS_MAX = 3
EARLIEST_WALL = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time than the one this was written in."""

PARTNER_VARIABLES = frozenset({"COMPTOIR_CLIENT_SECRET", "COMPTOIR_CONFIG", "COMPTOIR_PROFILE"})
"""What the commands of a partner read: no settings of an installation."""

SHOWN = ("msgspec", "apsw", "asyncpg", "uvicorn", "cryptography")
"""The packages whose versions matter most where something is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, and what was found or how to mend it."""

    subject: str
    is_well: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Look at the installation, the clock, the port, the certificate and the database."""
    findings = [_installation(), *_environment(), _clock(), await _port(settings)]
    if settings.tls or settings.tls_cert or settings.tls_key:
        findings.append(_certificate(settings))
    findings += [finding async for finding in _database(settings)]
    return findings


def _installation() -> Finding:
    missing = [name for name in _requirements() if not _is_installed(name)]
    if missing:
        return Finding("installation", False, f"{', '.join(missing)} missing; run: make setup")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in SHOWN)
    text = f"Comptoir {__version__}, Python {platform.python_version()} on {sys.platform}, {versions}"
    return Finding("installation", True, text)


def _requirements() -> list[str]:
    """The packages that running needs on every platform."""
    needed = [text for text in metadata.requires("comptoir") or () if "sys_platform" not in text]
    return [text.partition(">")[0].strip() for text in needed]


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _environment() -> Iterator[Finding]:
    known = {f"{ENVIRONMENT_PREFIX}{setting.name.upper()}" for setting in fields(Settings)}
    for name in sorted(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known | PARTNER_VARIABLES:
            yield Finding("environment", False, f"{name} is no setting; comptoir settings lists them")


def _clock() -> Finding:
    before, steady = clock.wall_now(), time.monotonic()
    time.sleep(0.05)
    drift = abs((clock.wall_now() - before).total_seconds() - (time.monotonic() - steady))
    if before < EARLIEST_WALL:
        return Finding("clock", False, f"the machine believes it is {before:%Y-%m-%d}; set its clock")
    if drift > 1:
        return Finding("clock", False, "the machine's clock jumps; have it synchronised smoothly")
    return Finding("clock", True, f"{before:%Y-%m-%d %H:%M:%S} UTC")


async def _port(settings: Settings) -> Finding:
    subject = f"port {settings.port}"
    server = running.find(settings)
    if server is not None and await _answers(server):
        return Finding("server", True, f"serves this database on {server.address}")
    try:
        listen(settings).close()
    except CannotOpen as error:
        return Finding(subject, False, f"{error}; choose another with --port")
    return Finding(subject, True, f"free on {settings.host}")


async def _answers(server: running.RunningServer) -> bool:
    try:
        async with server.client() as client:
            reply = await client.get("/health/ready", timeout=ANSWER_SECONDS_MAX)
    except (httpx2.HTTPError, OSError):
        return False
    return reply.status_code == httpx2.codes.OK


def _certificate(settings: Settings) -> Finding:
    from comptoir.identity import certificates

    if not settings.tls_cert and not settings.tls_key:
        return Finding("certificate", True, f"made and renewed by the server in {settings.tls_folder}")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key
        )
        ends_at = certificates.ends_at(Path(settings.tls_cert))
    except (OSError, ValueError) as error:
        files = f"{settings.tls_cert or 'no tls_cert'} and {settings.tls_key or 'no tls_key'}"
        return Finding("certificate", False, f"cannot use {files}: {error}")
    left = ends_at - clock.wall_now()
    state = "is valid" if left > timedelta(0) else "was valid"
    advice = "" if left > timedelta(days=CERTIFICATE_DAYS_MIN) else "; get a new one"
    text = f"{settings.tls_cert} {state} until {ends_at:%Y-%m-%d}{advice}"
    return Finding("certificate", not advice, text)


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        location = located(settings)
        if not exists(settings):
            text = f"there is none at {settings.database_label}; make one: comptoir init"
            yield Finding("database", False, text)
            return
        async with opened(settings, read_only=True) as database:
            await load_secrets(database)
    except CannotOpen as error:
        yield Finding("database", False, str(error))
        return
    yield Finding("database", True, f"{settings.database_label} opens")
    if location.engine is Engine.SQLITE:
        path = location.path.resolve()
        if os.name == "posix" and path.stat().st_mode & 0o077:
            text = f"{path} holds keys and is open to other users; run: chmod 600 {path}"
            yield Finding("database", False, text)
        free = shutil.disk_usage(path.parent).free
        yield Finding("disk", free > FREE_BYTES_MIN, f"{free // 1_000_000:,} MB are free")

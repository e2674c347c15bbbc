"""The settings of an installation: where each value comes from, and what is in force.

Flags win over ``COMPTOIR_*`` environment variables, those over a TOML file, that over the defaults. Behaviour
that differs between accounts is no installation setting: see ``core/accounts.py``.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ENVIRONMENT_PREFIX = "COMPTOIR_"
DEFAULT_FILE = "comptoir.toml"


PORT_MAX = 65_535
PAGE_SIZE_MAX = 100
RANGES = {
    "webhook_timeout_ms": (1, 600_000),
    "webhook_retries": (0, 100_000),
    "webhook_retry_gap_ms": (0, 86_400_000),
    "webhook_places": (1, 1_000),
    "webhook_places_per_host": (1, 1_000),
}
"""The least and the greatest value of some settings; the others are not negative."""

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/]*(?=@)|(?<=[?&])(password)=[^&]*")


class SettingsError(ValueError):
    """A setting that cannot be used, with its name, its source and the reason."""


def _setting(default: Any, summary: str) -> Any:
    return field(default=default, metadata={"summary": summary})


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator can set for a whole installation."""

    database: str = _setting("comptoir.db", "SQLite file, or a postgresql:// address")
    host: str = _setting("127.0.0.1", "address that the server listens on")
    port: int = _setting(8080, "port that the server listens on; 0 takes a free one")
    public_base_url: str = _setting("", "base of links to pages of ours; empty: the address listened on")
    tls: bool = _setting(False, "serve HTTPS with an own certificate authority, made and reused")
    tls_cert: str = _setting("", "certificate file (PEM) for HTTPS")
    tls_key: str = _setting("", "private key file (PEM) for HTTPS")
    tls_folder: str = _setting(
        ".comptoir/tls", "where the own certificate authority and certificates are kept"
    )
    body_bytes_max: int = _setting(1_048_576, "largest request body of the partner API, in bytes")
    upload_bytes_max: int = _setting(33_554_432, "largest request body of the operator API, in bytes")
    dev_publisher_query: bool = _setting(
        False, "take a publisher's word (?publisherId=) for a token; for development, never over HTTPS"
    )
    publisher_page_size: int = _setting(
        100, "how many purchases a page of a publisher's list holds at most, from 1"
    )
    header_bytes_max: int = _setting(65_536, "largest sum of request header names and values, in bytes")
    webhook_timeout_ms: int = _setting(10_000, "how long one attempt to deliver a webhook may take, in ms")
    webhook_retries: int = _setting(500, "how often a webhook is tried again after the first attempt")
    webhook_retry_gap_ms: int = _setting(
        57_600, "time between the attempts to deliver a webhook, give or take a tenth, in ms"
    )
    webhook_places: int = _setting(64, "how many webhooks are under way at the same time")
    webhook_places_per_host: int = _setting(8, "how many of them at the same receiver")
    webhook_private_networks: str = _setting(
        "", "networks (CIDR) and hosts that are not public and yet may receive webhooks, by commas"
    )
    webhook_ca_file: str = _setting("", "certificates (PEM) that receivers of webhooks may show besides")
    export_folder: str = _setting(
        "", "where files of exports are kept for a day; empty: beside the database, or in .comptoir"
    )
    seller: str = _setting(
        "Comptoir", "who runs the marketplace, as invoices print it: name and address, lines divided by |"
    )
    access_log: bool = _setting(False, "write one line for each request to standard error")

    @property
    def database_label(self) -> str:
        """The database for people to read: without the password of its address."""
        return _PASSWORD.sub(r"\1\2", self.database)


@dataclass(frozen=True, slots=True)
class Origin:
    """One setting in force and the source that it comes from."""

    name: str
    value: str | int | bool
    source: str
    summary: str


def load(
    flags: Mapping[str, object], environment: Mapping[str, str] | None = None, file: Path | None = None
) -> tuple[Settings, list[Origin]]:
    """The settings in force, and where each comes from.

    A flag whose value is ``None`` was not given. Without ``file`` the TOML file ``comptoir.toml`` of the
    working folder is read if there is one. Raises ``SettingsError`` for unknown names and wrong types.
    """
    environment = os.environ if environment is None else environment
    file_path = file or Path(DEFAULT_FILE)
    from_file = _read_file(file_path, required=file is not None)
    values: dict[str, Any] = {}
    origins = []
    for setting in fields(Settings):
        value, source = setting.default, "default"
        if setting.name in from_file:
            value, source = from_file.pop(setting.name), str(file_path)
        variable = ENVIRONMENT_PREFIX + setting.name.upper()
        if variable in environment:
            value, source = environment[variable], variable
        if flags.get(setting.name) is not None:
            value, source = flags[setting.name], "flag"
        values[setting.name] = _typed(setting.name, value, type(setting.default), source)
        origins.append(Origin(setting.name, values[setting.name], source, setting.metadata["summary"]))
    if from_file:
        raise SettingsError(f"{file_path}: unknown setting {sorted(from_file)[0]!r}")
    _require_ranges(origins)
    settings = Settings(**values)
    if settings.dev_publisher_query and (settings.tls or settings.tls_cert):
        raise SettingsError("dev_publisher_query and tls exclude each other")
    return settings, origins


def _require_ranges(origins: Iterable[Origin]) -> None:
    for origin in origins:
        is_number = type(origin.value) is int
        if is_number and int(origin.value) < 0:
            raise SettingsError(f"{origin.source}: {origin.name} must not be negative")
        if origin.name == "publisher_page_size" and not 1 <= int(origin.value) <= PAGE_SIZE_MAX:
            raise SettingsError(f"{origin.source}: {origin.name} must be 1 to {PAGE_SIZE_MAX}")
        if origin.name == "port" and int(origin.value) > PORT_MAX:
            raise SettingsError(f"{origin.source}: port must be at most {PORT_MAX}, not {origin.value}")
        lowest, highest = RANGES.get(origin.name, (0, 0))
        if origin.name in RANGES and not lowest <= int(origin.value) <= highest:
            raise SettingsError(f"{origin.source}: {origin.name} must be from {lowest} to {highest}")


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.exists():
        if required:
            raise SettingsError(f"{path}: there is no such file")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _typed(name: str, value: object, wanted: type, source: str) -> str | int | bool:
    if wanted is bool and isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return value.lower() in {"true", "1"}
    if wanted is int and isinstance(value, str) and value.isdecimal():
        return int(value)
    if type(value) is wanted and isinstance(value, str | int | bool):
        return value
    raise SettingsError(f"{source}: {name} must be {wanted.__name__}, not {value!r}")

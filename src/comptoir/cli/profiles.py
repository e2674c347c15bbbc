"""Profiles: named services that a partner's commands call, and as whom.

They lie in ``profiles.toml`` in the user's configuration folder, for nobody else to read, because they hold
secrets. ``COMPTOIR_CONFIG`` names another folder.
"""

import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOCAL = "local"
"""The profile that is always there: the server of this machine, found through its database."""

FILE = "profiles.toml"
FOLDER_VARIABLE = "COMPTOIR_CONFIG"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ProfileError(ValueError):
    """A profile that cannot be used, or a file of profiles that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A service and an application of a partner there.

    ``authority`` is where tokens come from, empty for the usual one: Microsoft's for the real service, else
    the service itself. ``ca_file`` is a certificate authority (PEM) to trust in place of the system's.
    """

    base_url: str
    tenant: str
    client_id: str
    client_secret: str
    authority: str = ""
    ca_file: str = ""


def file(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where the profiles of this user lie, by the custom of the platform."""
    if environment.get(FOLDER_VARIABLE):
        return Path(environment[FOLDER_VARIABLE]) / FILE
    return _folder(environment, platform) / "comptoir" / FILE


def _folder(environment: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return Path(environment.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def read(path: Path) -> dict[str, Profile]:
    """Every profile by its name; none where there is no file. Raises ``ProfileError``."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Profile(**members) for name, members in tables.items()}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise ProfileError(f"cannot read {path}: {error}") from error


def find(path: Path, name: str) -> Profile:
    """The profile of that name. Raises ``ProfileError``."""
    profiles = read(path)
    if name not in profiles:
        known = ", ".join([LOCAL, *sorted(profiles)])
        raise ProfileError(f"there is no profile {name!r}; there are: {known}")
    return profiles[name]


def add(path: Path, name: str, profile: Profile) -> None:
    """Keep a profile, in place of one that had the name. Raises ``ProfileError``."""
    _require_usable(name, profile)
    _write(path, read(path) | {name: profile})


def remove(path: Path, name: str) -> None:
    """Forget a profile. Raises ``ProfileError``."""
    find(path, name)
    _write(path, {other: profile for other, profile in read(path).items() if other != name})


def _require_usable(name: str, profile: Profile) -> None:
    if not _NAME.fullmatch(name):
        raise ProfileError(f"a profile's name has letters, digits, - and _, not {name!r}")
    if name == LOCAL:
        raise ProfileError(f"the profile {LOCAL!r} is built in")
    for address in filter(None, (profile.base_url, profile.authority)):
        if not _is_web_address(address):
            raise ProfileError(f"{address!r} is not an http or https address")
    if not profile.client_secret:
        raise ProfileError("the client secret is empty")


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _write(path: Path, profiles: Mapping[str, Profile]) -> None:
    """Write the file, whole or not at all, for nobody but this user to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
        out.write("\n".join(_table(name, profile) for name, profile in sorted(profiles.items())))
    draft.replace(path)


def _table(name: str, profile: Profile) -> str:
    members = "".join(f"{member} = {_quoted(text)}\n" for member, text in asdict(profile).items() if text)
    return f"[{name}]\n{members}"


def _quoted(text: str) -> str:
    """A text as TOML writes it: like JSON, but for one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

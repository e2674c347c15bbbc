"""Which service a partner's command calls, and as whom; and what it says when the service says no."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from comptoir.cli import profiles
from comptoir.cli.common import fail, run, settings_of
from comptoir.cli.partner.output import one_line
from comptoir.cli.profiles import Profile, ProfileError

if TYPE_CHECKING:
    from comptoir.bootstrap.running import RunningServer
    from comptoir.client import Comptoir, ComptoirError

SERVICE_REFUSED = 1
"""Exit status of a command that the service refused, or that did not reach the service."""

PROFILE_VARIABLE = "COMPTOIR_PROFILE"
DEFAULT_ACCOUNT = "sandbox"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Target:
    """The service to call.

    Parameters
    ----------
    profile
        A profile of comptoir profile. Left out: COMPTOIR_PROFILE, else local, the server of this machine.
    account
        With the profile local: name of the account. [default: sandbox]
    user
        With the profile local: user name within the account, for calls that need a user.
    database
        With the profile local: SQLite file, or a postgresql:// address.
    config
        With the profile local: TOML file with settings.
    """

    profile: str | None = None
    account: str | None = None
    user: str | None = None
    database: str | None = None
    config: Path | None = None

    @property
    def name(self) -> str:
        """The profile that counts."""
        return self.profile or os.environ.get(PROFILE_VARIABLE) or profiles.LOCAL


HERE = Target()


@contextmanager
def client(target: Target) -> Iterator["Comptoir"]:
    """A client of the service. An error of a call ends the command with one line."""
    from comptoir.client import ComptoirError

    with _local(target) if target.name == profiles.LOCAL else _named(target) as opened:
        try:
            yield opened
        except ComptoirError as error:
            fail(_reason(error), SERVICE_REFUSED)
        except ValueError as error:
            fail(str(error))


def running_server(target: Target) -> "RunningServer":
    """The server that holds the database of this machine; without one the command ends."""
    from comptoir.bootstrap import running
    from comptoir.bootstrap.opening import CannotOpen

    settings = settings_of(target.config, database=target.database)
    try:
        server = running.find(settings)
    except CannotOpen as error:
        fail(str(error))
    if server is None:
        fail(f"no server holds {settings.database_label}; start one with: comptoir serve")
    return server


def fresh_token(target: Target) -> str:
    """A token that is valid for an hour, as ``comptoir token`` gives it."""
    from comptoir.bootstrap.commands import mint_token

    settings = settings_of(target.config, database=target.database)
    return run(mint_token(settings, account=target.account or DEFAULT_ACCOUNT, user=target.user))


@contextmanager
def _local(target: Target) -> Iterator["Comptoir"]:
    import httpx2

    from comptoir.client import Comptoir

    server = running_server(target)
    credential = partial(fresh_token, target)
    with (
        httpx2.Client(verify=server.trust(), trust_env=False) as http,
        Comptoir(credential, base_url=server.address, http=http) as opened,
    ):
        yield opened


@contextmanager
def _named(target: Target) -> Iterator["Comptoir"]:
    import httpx2

    from comptoir.client import ClientCredentials, Comptoir

    if any((target.account, target.user, target.database, target.config)):
        fail("--account, --user, --database and --config go with the profile local alone")
    try:
        profile = profiles.find(profiles.file(), target.name)
        trust = _trust(profile)
    except (ProfileError, OSError) as error:
        fail(str(error))
    credential = ClientCredentials(
        profile.tenant, profile.client_id, profile.client_secret, authority=profile.authority or None
    )
    with (
        httpx2.Client(verify=trust) as http,
        Comptoir(credential, base_url=profile.base_url, http=http) as opened,
    ):
        yield opened


def _trust(profile: Profile) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=profile.ca_file or None)
    except OSError as error:
        raise ProfileError(f"cannot use the certificate authority {profile.ca_file}: {error}") from error


def _reason(error: "ComptoirError") -> str:
    """An error in one line: number, text and, where there was a call, the id by which its logs are found."""
    text = one_line(str(error))
    return f"{text} (correlation id {error.correlation_id})" if error.correlation_id else text

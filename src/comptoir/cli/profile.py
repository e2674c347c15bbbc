"""``comptoir profile``."""

import os
import sys
from pathlib import Path

from cyclopts import App

from comptoir.cli import profiles
from comptoir.cli.common import fail, print_table
from comptoir.cli.profiles import Profile, ProfileError

SECRET_VARIABLE = "COMPTOIR_CLIENT_SECRET"  # noqa: S105 - the name of a variable, not a secret

app = App(name="profile", help="Name the services that a partner's commands call, and as whom.")


@app.command
def add(
    name: str,
    *,
    base_url: str,
    tenant: str,
    client_id: str,
    authority: str = "",
    ca_file: Path | None = None,
) -> None:
    """Keep a service under a name, in a file that only this user can read.

    The client secret is asked for, or taken from COMPTOIR_CLIENT_SECRET, so that it stays out of the history
    of the shell. A profile that had the name is replaced.

    Parameters
    ----------
    name
        Name of the profile.
    base_url
        Address of the service without /v1; https://api.partnercenter.microsoft.com is the real one.
    tenant
        The partner's tenant id, or a domain of it.
    client_id
        Id of the application.
    authority
        Where tokens come from. Left out: Microsoft for the real service, else the service itself.
    ca_file
        Certificate authority (PEM) to trust in place of the system's.
    """
    trusted = "" if ca_file is None else str(ca_file.resolve())
    try:
        profile = Profile(base_url.rstrip("/"), tenant, client_id, _secret(), authority.rstrip("/"), trusted)
        profiles.add(profiles.file(), name, profile)
    except (ProfileError, OSError) as error:
        fail(str(error))
    print(f"Kept the profile {name!r} in {profiles.file()}")


@app.command(name="list")
def list_() -> None:
    """List the profiles, without their secrets."""
    try:
        known = profiles.read(profiles.file())
    except ProfileError as error:
        fail(str(error))
    rows = [
        (name, profile.base_url, profile.tenant, profile.client_id) for name, profile in sorted(known.items())
    ]
    here = (profiles.LOCAL, "the server of this machine", "the sandbox account", "its first application")
    print_table(("Profile", "Service", "Tenant", "Application"), [here, *rows])


@app.command
def remove(name: str) -> None:
    """Forget a profile and its secret.

    Parameters
    ----------
    name
        Name of the profile.
    """
    try:
        profiles.remove(profiles.file(), name)
    except (ProfileError, OSError) as error:
        fail(str(error))
    print(f"Forgot the profile {name!r}")


def _secret() -> str:
    from getpass import getpass

    if SECRET_VARIABLE in os.environ:
        return os.environ[SECRET_VARIABLE]
    if sys.stdin.isatty():
        return getpass("Client secret: ")
    return sys.stdin.readline().rstrip("\n")

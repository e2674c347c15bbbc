"""``comptoir settings``."""

from pathlib import Path

from comptoir.cli.common import fail
from comptoir.settings import SettingsError, load


def settings(*, config: Path | None = None) -> None:
    """Print the settings in force and where each comes from."""
    try:
        _, origins = load({}, file=config)
    except SettingsError as error:
        fail(str(error))
    width = max(len(origin.name) for origin in origins)
    for origin in origins:
        print(f"{origin.name:<{width}}  {origin.value!r}  ({origin.source})  {origin.summary}")

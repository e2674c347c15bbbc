"""``comptoir settings``."""

from pathlib import Path

from comptoir.cli.common import fail, print_table
from comptoir.settings import SettingsError, load


def settings(*, config: Path | None = None) -> None:
    """Print the settings of this installation and where each comes from: flags of a command win over these.

    Parameters
    ----------
    config
        TOML file with settings.
    """
    try:
        in_force, origins = load({}, file=config)
    except SettingsError as error:
        fail(str(error))
    shown = {origin.name: str(origin.value) for origin in origins} | {"database": in_force.database_label}
    print_table(
        ("Setting", "Value", "From", "Meaning"),
        [(origin.name, shown[origin.name] or "-", origin.source, origin.summary) for origin in origins],
    )

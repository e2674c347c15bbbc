"""``comptoir catalog``."""

from pathlib import Path

from cyclopts import App

from comptoir.cli.common import fail, run, settings_of

app = App(help="Check and import the catalogue that is sold here.")


@app.command
def check(*files: Path) -> None:
    """Say everything that is wrong with catalogue files, and change nothing.

    Parameters
    ----------
    files
        YAML files, or folders of them.
    """
    from comptoir.bootstrap.commands import check_catalogue

    errors = check_catalogue(_texts(files))
    for error in errors:
        print(f"{error.file}:{error.line}: {error.reason}")
    if errors:
        raise SystemExit(1)
    print("The catalogue is valid.")


@app.command(name="import")
def import_(*files: Path, database: str | None = None, config: Path | None = None) -> None:
    """Take catalogue files over, all of them or nothing. Importing the same files again changes nothing.

    Parameters
    ----------
    files
        YAML files, or folders of them.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import check_catalogue, import_catalogue

    texts = _texts(files)
    errors = check_catalogue(texts)
    for error in errors:
        print(f"{error.file}:{error.line}: {error.reason}")
    if errors:
        raise SystemExit(1)
    print(run(import_catalogue(settings_of(config, database=database), texts)))


def _texts(paths: tuple[Path, ...]) -> list[tuple[str, str]]:
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*.y*ml")) if path.is_dir() else [path])
    ]
    if not files:
        fail("name at least one catalogue file")
    try:
        return [(str(file), file.read_text(encoding="utf-8")) for file in files]
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read a catalogue file: {error}")

"""``comptoir catalog``."""

from pathlib import Path

from cyclopts import App

from comptoir.cli.common import FOUND_FAULTS, fail, run, settings_of
from comptoir.settings import Settings

app = App(name="catalog", help="Check and import the catalogue that is sold.")


@app.command
def check(*files: Path, database: str | None = None, config: Path | None = None) -> None:
    """Say everything that is wrong with catalogue files, and change nothing.

    Where there is a database, also what its catalogue does not let change.

    Parameters
    ----------
    files
        YAML files, or folders of them.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    texts = _texts(files)
    _require_faultless(settings_of(config, database=database), texts)
    print(f"{len(texts)} {'file is' if len(texts) == 1 else 'files are'} valid.")


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
    from comptoir.bootstrap.commands import import_catalogue

    settings = settings_of(config, database=database)
    texts = _texts(files)
    _require_faultless(settings, texts)
    print(run(import_catalogue(settings, texts)))


def _require_faultless(settings: Settings, texts: list[tuple[str, str]]) -> None:
    from comptoir.bootstrap.commands import check_catalogue

    errors = run(check_catalogue(settings, texts))
    for error in errors:
        print(f"{error.file}:{error.line}: {error.reason}")
    if errors:
        raise SystemExit(FOUND_FAULTS)


def _texts(paths: tuple[Path, ...]) -> list[tuple[str, str]]:
    if not paths:
        fail("name at least one catalogue file or folder")
    files = [file for path in paths for file in _files(path)]
    return [(str(file), _read(file)) for file in dict.fromkeys(files)]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in {".yaml", ".yml"})
    if not files:
        fail(f"{path} holds no YAML files")
    return files

"""``comptoir reset``."""

from pathlib import Path

from comptoir.cli.common import fail, run, settings_of


def reset(*, yes: bool = False, database: str | None = None, config: Path | None = None) -> None:
    """Delete everything in the database and leave none, ready for ``comptoir init``.

    Parameters
    ----------
    yes
        Do it without asking.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap import making

    settings = settings_of(config, database=database)
    if not yes:
        _ask(f"Delete everything in {settings.database_label}? Type yes: ")
    run(making.reset(settings))
    print(f"{settings.database_label} is gone. Next: comptoir init")


def _ask(question: str) -> None:
    try:
        answer = input(question)
    except EOFError:
        print()
        fail("nothing was changed; --yes answers where nobody can be asked")
    if answer.strip().lower() != "yes":
        fail("nothing was changed")

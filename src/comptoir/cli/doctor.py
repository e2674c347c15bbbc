"""``comptoir doctor``."""

from pathlib import Path

from comptoir.cli.common import run, settings_of


def doctor(
    *, database: str | None = None, host: str | None = None, port: int | None = None, config: Path | None = None
) -> None:
    """Look for what keeps this installation from working, and say how to mend it.

    Parameters
    ----------
    database
        SQLite file, or a postgresql:// address.
    host
        Address that the server is to listen on.
    port
        Port that the server is to listen on.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.health import examine

    findings = run(examine(settings_of(config, database=database, host=host, port=port)))
    for finding in findings:
        print(f"{'ok  ' if finding.is_well else 'BAD '} {finding.subject}: {finding.text}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)

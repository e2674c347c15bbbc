"""``comptoir doctor``."""

from pathlib import Path

from comptoir.cli.common import FOUND_FAULTS, run, settings_of


def doctor(
    *,
    database: str | None = None,
    host: str | None = None,
    port: int | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    config: Path | None = None,
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
    tls_cert
        Certificate file (PEM) that the server is to use.
    tls_key
        Private key file (PEM) that the server is to use.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.health import examine

    settings = settings_of(
        config, database=database, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key
    )
    findings = run(examine(settings))
    for finding in findings:
        print(f"{'ok  ' if finding.is_well else 'BAD '} {finding.subject}: {finding.text}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(FOUND_FAULTS)

"""``comptoir serve``."""

from functools import partial
from pathlib import Path

from comptoir.cli.common import run, settings_of


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    database: str | None = None,
    public_base_url: str | None = None,
    tls: bool | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    access_log: bool | None = None,
    config: Path | None = None,
) -> None:
    """Serve the marketplace until interrupted.

    Requests under way are answered first.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on; 0 takes a free one.
    database
        SQLite file, or a postgresql:// address.
    public_base_url
        Base of links to pages of this server, where it is reached under another name.
    tls
        Serve HTTPS with an own certificate authority, made once and reused.
    tls_cert
        Certificate file (PEM) for HTTPS.
    tls_key
        Private key file (PEM) for HTTPS.
    access_log
        Write one line for each request to standard error.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap import server

    settings = settings_of(
        config,
        host=host,
        port=port,
        database=database,
        public_base_url=public_base_url,
        tls=tls,
        tls_cert=tls_cert,
        tls_key=tls_key,
        access_log=access_log,
    )
    run(server.serve(settings, partial(print, flush=True)), server.new_event_loop)

"""The ``comptoir`` command. Every command is imported when it is called: a server must start fast."""


def main() -> None:
    """Run the command that the arguments name and exit with its status."""
    from comptoir.cli.app import app

    app()

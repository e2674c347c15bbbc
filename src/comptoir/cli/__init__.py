"""The ``comptoir`` command. Every command is imported when it is called: a server must start fast."""

import io
import os
import sys


def main() -> None:
    """Run the command that the arguments name and exit with its status."""
    try:
        from cyclopts import CycloptsError
    except ModuleNotFoundError:
        sys.exit(
            "comptoir: only the Python client is installed; add the commands: pip install 'comptoir[server]'"
        )

    from comptoir.cli.app import app
    from comptoir.cli.common import fail

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a customer's letters still shows ids
    try:
        app(sys.argv[1:], print_error=False, exit_on_error=False)
    except CycloptsError as error:
        fail(" ".join(str(error).split()))
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

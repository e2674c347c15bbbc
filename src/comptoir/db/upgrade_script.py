"""Print the SQL that brings a database from its revision to the newest.

``python -m comptoir.db.upgrade_script sqlite 0001``. ``base`` stands for an empty database. It runs as a
process of its own, so that a server never imports Alembic and SQLAlchemy, and it leaves the running of the
script to the driver that the server uses: nothing else opens the database file.
"""

import argparse
import sys

from alembic import command
from alembic.config import Config

from comptoir.db.revisions import MIGRATIONS_FOLDER


def main() -> None:
    """Read dialect and revision from the command line and print the script."""
    parser = argparse.ArgumentParser(description="Print the SQL that upgrades a database.")
    parser.add_argument("dialect", choices=("postgresql", "sqlite"))
    parser.add_argument("revision")
    arguments = parser.parse_args()
    config = Config(
        stdout=sys.stderr,
        output_buffer=sys.stdout,
        cmd_opts=argparse.Namespace(x=[f"dialect={arguments.dialect}"]),
    )
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, f"{arguments.revision}:head", sql=True)


if __name__ == "__main__":
    main()

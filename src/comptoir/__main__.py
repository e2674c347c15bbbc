"""``python -m comptoir`` is the ``comptoir`` command."""

from comptoir.cli import main

main()

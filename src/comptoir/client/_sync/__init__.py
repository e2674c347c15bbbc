# Made from ../_async by tools/generate.py; do not edit.
"""The synchronous client. The synchronous one in ``_sync`` is made from these files by tools/generate.py."""

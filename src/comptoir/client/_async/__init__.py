"""The asynchronous client. The synchronous one in ``_sync`` is made from these files by tools/generate.py."""

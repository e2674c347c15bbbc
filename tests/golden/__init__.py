"""What each client sends, and what it must get: see README.md in this folder."""

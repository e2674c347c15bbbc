"""Fixtures for tests with foreign clients."""

from tests.tls_server import tls_server

__all__ = ["tls_server"]

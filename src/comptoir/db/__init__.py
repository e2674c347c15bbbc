"""The only place that knows drivers and dialects. Business code sees ``sql``, ``Tx`` and ``Database``."""

from comptoir.db.engines import open_database
from comptoir.db.statement import Statement, sql
from comptoir.db.tx import (
    BeforeCommit,
    Database,
    DatabaseInUse,
    LockTimeout,
    RetryTransaction,
    Row,
    Tx,
    Unusable,
    Value,
    WrongRevision,
)

__all__ = [
    "BeforeCommit",
    "Database",
    "DatabaseInUse",
    "LockTimeout",
    "RetryTransaction",
    "Row",
    "Statement",
    "Tx",
    "Unusable",
    "Value",
    "WrongRevision",
    "open_database",
    "sql",
]

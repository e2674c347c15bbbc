"""Write the schema scripts from the metadata: ``python -m comptoir.db.schema_files``."""

from alembic.script import ScriptDirectory
from sqlalchemy import Dialect, Index, Table
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from comptoir.db.revisions import MIGRATIONS_FOLDER, SCHEMA_FOLDER
from comptoir.db.tables import METADATA

DIALECTS: dict[str, Dialect] = {
    name: make_url(f"{name}://").get_dialect()() for name in ("postgresql", "sqlite")
}
REVISION_TABLE = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO alembic_version (version_num) VALUES ('{revision}');
"""


def render(dialect: str) -> str:
    """The script that creates a new database of ``dialect``, ending with its revision."""
    revision = ScriptDirectory(str(MIGRATIONS_FOLDER)).get_current_head()
    assert revision is not None, "there is at least one migration"
    header = (
        f"-- Schema revision {revision} for {dialect}. "
        "Written by `python -m comptoir.db.schema_files` from db/tables.py.\n"
    )
    tables = (_create(table, DIALECTS[dialect]) for table in METADATA.sorted_tables)
    return header + "".join(tables) + REVISION_TABLE.format(revision=revision)


def _create(table: Table, dialect: Dialect) -> str:
    indexes: list[Index] = sorted(table.indexes, key=lambda index: str(index.name))
    statements: list[DDLElement] = [CreateTable(table), *(CreateIndex(index) for index in indexes)]
    texts = (_tidy(str(statement.compile(dialect=dialect))) for statement in statements)
    return "\n" + "".join(f"{text};\n" for text in texts)


def _tidy(text: str) -> str:
    lines = (line.rstrip().expandtabs(4) for line in text.strip().splitlines())
    return "\n".join(lines).replace(")\n STRICT", ") STRICT")


def main() -> None:
    """Write both scripts in place."""
    for dialect in DIALECTS:
        (SCHEMA_FOLDER / f"{dialect}.sql").write_text(render(dialect), encoding="utf-8")


if __name__ == "__main__":
    main()

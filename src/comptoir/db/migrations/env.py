"""Alembic's entry point. It only prints SQL (``comptoir.db.upgrade_script``) and never opens a database."""

from alembic import context

from comptoir.db.tables import METADATA

context.configure(
    dialect_name=context.get_x_argument(as_dictionary=True)["dialect"],
    target_metadata=METADATA,
    literal_binds=True,
    transactional_ddl=False,  # whoever runs the script puts it into one transaction
)
context.run_migrations()

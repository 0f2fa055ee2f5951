"""How alembic reaches the database: through the connection that ``worker.migrate`` gives it, else
SUREFIELD_DATABASE_URL.
"""

import os

from alembic import context
from sqlalchemy import Connection

import worker.accounts.tables
import worker.audits.tables
import worker.delivery.tables
import worker.fits.tables
import worker.intake.tables
import worker.review.tables
import worker.tables.questions
import worker.tables.stage_pauses  # noqa: F401  all tables belong to the same metadata
from worker.db import open_engine
from worker.tables.base import Base


def run(connection: Connection) -> None:
    """Each migration is one transaction, so that a failed one leaves nothing half done."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    run(given)
else:
    with open_engine(os.environ["SUREFIELD_DATABASE_URL"]).connect() as own:
        run(own)

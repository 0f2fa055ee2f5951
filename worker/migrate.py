"""Brings a database up to date.

Any number of processes may start at once: one migrates, the others wait for it.
"""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from worker.db import psycopg_url

LOCK = 0x5EEF1E1D  # of the database's advisory locks, the one that means "migrating"


def migrate(url: str, revision: str = "head") -> None:
    """Run the migrations that the database has not seen.

    The server's own timeouts apply, not the short ones of our transactions: building an index may
    take its time.
    """
    engine = create_engine(psycopg_url(url), connect_args={"application_name": "surefield-migrate"})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()  # the lock belongs to the connection and outlives the transaction
            command.upgrade(alembic_config(connection), revision)
    finally:
        engine.dispose()  # closes the connection, and with it the lock


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for the migrations of this installation, on one open connection."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

"""Brings a database up to date.

Any number of processes may start at once: one migrates, the others wait for it.
"""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text

from worker.db import psycopg_url
from worker.errors import WrongSchema

LOCK = 0x5EEF1E1D  # of the database's advisory locks, the one that means "migrating"


def migrate(url: str, revision: str = "head") -> None:
    """Run the migrations that the database has not seen.

    Raises WrongSchema when a newer Surefield made the database.

    The server's own timeouts apply, not the short ones of our transactions: building an index may
    take its time.
    """
    engine = create_engine(psycopg_url(url), connect_args={"application_name": "surefield-migrate"})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()  # the lock belongs to the connection and outlives the transaction
            config = alembic_config(connection)
            if has := MigrationContext.configure(connection).get_current_revision():
                _refuse_newer(ScriptDirectory.from_config(config), has)
            connection.commit()
            command.upgrade(config, revision)
    finally:
        engine.dispose()  # closes the connection, and with it the lock


def check_schema(url: str) -> None:
    """Raises WrongSchema unless the database has exactly the schema of this installation; nothing
    is changed.
    """
    engine = create_engine(psycopg_url(url), connect_args={"application_name": "surefield-check"})
    try:
        with engine.connect() as connection:
            has = MigrationContext.configure(connection).get_current_revision()
            known = ScriptDirectory.from_config(alembic_config(connection))
            newest = known.get_current_head()
    finally:
        engine.dispose()
    if has == newest:
        return
    if has is None:
        raise WrongSchema("The database is empty. Make its tables: surefield migrate")
    _refuse_newer(known, has)
    raise WrongSchema(
        f"The database has the schema {has}, and this Surefield needs {newest}. Bring it up to"
        " date: surefield migrate"
    )


def _refuse_newer(known: ScriptDirectory, revision: str) -> None:
    try:
        known.get_revision(revision)
    except CommandError as error:
        raise WrongSchema(
            f"The database has the schema {revision}, which this Surefield does not know. A newer"
            " one made it: upgrade Surefield."
        ) from error


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for the migrations of this installation, on one open connection."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

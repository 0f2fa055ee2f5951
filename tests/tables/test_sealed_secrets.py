"""Secrets that rested readable are sealed by the migration, and leave nothing readable behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text

from tests.factories import Sessions, a_document, begin
from worker.migrate import alembic_config, migrate
from worker.settings import Settings
from worker.store import installation

BEFORE = "0035_kept_secrets"
PASSWORD, SECRET, OLD = "open-sesame-4711", "whsec_bmV3", "whsec_b2xk"


@pytest.fixture
def engine(db: Sessions, database_url: str) -> Iterator[Engine]:
    """The database as it was before: a password, a webhook, and one whose secret was rotated."""
    document = a_document(db)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), BEFORE)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO secrets (document_id, password) VALUES (:id, :password)"),
            {"id": document.id, "password": PASSWORD.encode()},
        )
        for old, until in ((None, None), (OLD, "2100-01-01")):
            connection.execute(
                text(
                    "INSERT INTO webhooks (upstream, url, secret, old_secret, old_secret_until,"
                    " made_by) VALUES ('erp', 'https://a.example', :secret, :old, :until, 'me')"
                ),
                {"secret": SECRET, "old": old, "until": until},
            )
    yield engine
    engine.dispose()


def opened(db: Sessions, query: str) -> list[str | None]:
    """What the only column of a query holds, opened."""
    with begin(db) as tx:
        found = tx.session.execute(text(query)).scalars()
        key_file = Settings().key_path
        return [None if one is None else installation.opened(tx, key_file, one) for one in found]


def test_what_rested_readable_is_sealed(engine, db, database_url):
    """Each secret is what it was, and the old one of a rotation still signs."""
    migrate(database_url)

    assert opened(db, "SELECT sealed FROM secrets") == [PASSWORD]
    assert opened(db, "SELECT secret FROM webhooks") == [SECRET, SECRET]
    by_age = "SELECT old_secret FROM webhooks ORDER BY old_secret_until NULLS FIRST"
    assert opened(db, by_age) == [None, OLD]


def test_nothing_readable_is_left_in_the_tables_files(engine, database_url):
    """A dropped row stays in its file until it is written anew."""
    migrate(database_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        folder, database = connection.execute(
            text(
                "SELECT current_setting('data_directory'), oid FROM pg_database"
                " WHERE datname = current_database()"
            )
        ).one()
    found = [
        path.name
        for path in (Path(folder) / "base" / str(database)).iterdir()
        if any(one.encode() in path.read_bytes() for one in (PASSWORD, SECRET, OLD))
    ]
    assert found == []


def test_where_there_is_no_key_a_password_is_forgotten_and_a_webhook_says_so(
    engine, db, database_url
):
    """Nothing readable is kept; a webhook's secret must be rotated."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE installation SET public_key = NULL"))
    migrate(database_url)

    with begin(db) as tx:
        assert tx.session.execute(text("SELECT 1 FROM secrets")).all() == []
        secrets = tx.session.execute(text("SELECT secret FROM webhooks")).scalars()
        assert {bytes(one) for one in secrets} == {b""}


def test_going_back_leaves_no_webhook_that_signs_with_what_nobody_knows(engine, db, database_url):
    """They are switched off until somebody rotates."""
    migrate(database_url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), BEFORE)
        found = connection.execute(
            text("SELECT secret, old_secret, state, disabled_because FROM webhooks")
        ).all()
    assert len({row.secret for row in found}) == 2
    assert all(row.secret.startswith("whsec_") for row in found)
    assert {(row.old_secret, row.state) for row in found} == {(None, "disabled")}
    assert all("Rotate" in row.disabled_because for row in found)

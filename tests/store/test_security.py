"""What happens to rights is written down: by whom, from where, about whom, and for good."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from tests.cli.test_commands import surefield as surefield  # a fixture
from tests.factories import begin
from worker import acting
from worker.accounts import analysts, passwords, store
from worker.actor import Role
from worker.db import Tx
from worker.delivery import webhooks
from worker.roles.table import WEB, WORKER
from worker.store import security
from worker.tables.security import SecurityKind

Sessions = sessionmaker[Session]
HOUR = timedelta(hours=1)
SECRET = "the-password-of-ada"


def events(db: Sessions) -> list[tuple[str, str, str | None, str | None]]:
    with begin(db) as tx:
        return [(one.kind, one.who, one.address, one.about) for one in security.happened(tx)][::-1]


def everything(tx: Tx) -> None:
    """Each change of rights once."""
    ada = store.add_person(tx, "ada", Role.REVIEWER)
    store.change_person(tx, "ada", role=Role.ADMIN)
    store.change_person(tx, "ada")  # nothing: nothing happened
    store.set_password(tx, ada.user_id, passwords.hashed(SECRET))
    store.use_link(tx, store.make_link(tx, "ada", lasts=HOUR))
    store.use_link(tx, "made up")
    store.make_key(tx, "erp", document_types=["slip"])
    (key,) = store.keys(tx)
    store.revoke_key(tx, key.key_id)
    webhook, _ = webhooks.add(tx, "erp", "https://a.example/x", by="me")
    webhooks.rotate(tx, webhook)
    webhooks.disable(tx, webhook, "because")
    webhooks.enable(tx, webhook)
    webhooks.remove(tx, webhook)


KINDS = (
    "person_added",
    "person_changed",
    "password_changed",
    "link_made",
    "link_refused",
    "key_made",
    "key_revoked",
    "webhook_made",
    "webhook_rotated",
    "webhook_changed",
    "webhook_changed",
    "webhook_removed",
)


def test_every_change_of_rights_is_noted_once_in_its_order(db: Sessions) -> None:
    """With who it was, from where."""
    with acting.through_a_door("10.0.0.9"), begin(db) as tx:
        acting.is_("person:root")
        everything(tx)
    found = events(db)
    assert tuple(one[0] for one in found) == KINDS
    assert {one[1:3] for one in found} == {("person:root", "10.0.0.9")}
    assert [one[3] for one in found[:7]] == ["ada", "ada", "ada", "ada", None, "erp", "erp"]


def test_outside_of_a_door_it_is_the_login_of_the_machine(db: Sessions) -> None:
    """And whoever is at no door any more is not who stood there before."""
    with acting.through_a_door("10.0.0.9"):
        acting.is_("person:root")
    acting.is_("person:nobody")  # at no door: nothing changes
    with begin(db) as tx:
        store.add_person(tx, "ada", Role.REVIEWER)
    ((_, who, address, _),) = events(db)
    assert who.startswith("login:")
    assert address is None


def test_what_does_not_happen_is_not_noted(db: Sessions) -> None:
    """They share one transaction."""
    with suppress(RuntimeError), begin(db) as tx:
        everything(tx)
        raise RuntimeError("something else went wrong")
    assert events(db) == []


def test_no_secret_is_in_it(db: Sessions) -> None:
    """Neither passwords, nor keys, nor links, nor what signs webhooks."""
    with begin(db) as tx:
        ada = store.add_person(tx, "ada", Role.REVIEWER, password=SECRET)
        secrets = [
            SECRET,
            store.make_link(tx, "ada", lasts=HOUR),
            store.make_key(tx, "erp"),
            store.open_browser(tx, ada.user_id, lasts=HOUR),
            webhooks.add(tx, "erp", "https://a.example/x", by="me")[1],
        ]
    with begin(db) as tx:
        said = str(security.happened(tx))
    assert [one for one in secrets if one in said] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE security_events SET who = 'nobody'",
        "DELETE FROM security_events",
        "TRUNCATE security_events",
    ],
)
def test_nothing_in_it_changes(db: Sessions, statement: str) -> None:
    """Not even for the owner of the tables."""
    with begin(db) as tx:
        store.add_person(tx, "ada", Role.REVIEWER)
    with pytest.raises(DBAPIError, match="append-only"), begin(db) as tx:
        tx.session.execute(text(statement))
    assert len(events(db)) == 1


@pytest.mark.parametrize("role", [WEB, WORKER])
def test_who_writes_it_may_not_read_it(
    db: Sessions, as_role: Callable[..., Any], role: str
) -> None:
    """A hole in the web tells nobody who signs in from where."""
    mine = as_role(role)
    with begin(mine) as tx:
        security.note(tx, SecurityKind.STARTED)
    assert len(events(db)) == 1
    for table in ("security_events", "auditing.security_events"):
        with pytest.raises(ProgrammingError, match="permission denied"), begin(mine) as tx:
            tx.session.execute(text(f"SELECT * FROM {table}"))


def test_an_auditor_reads_it_and_an_analyst_does_not(db: Sessions, postgres, database_url) -> None:
    """Each with a login of their own; both are noted."""
    logins = {}
    try:
        for name, auditor in (("an_analyst", False), ("an_auditor", True)):
            url = analysts.add(database_url, name, timeout=HOUR, auditor=auditor)
            logins[name] = url.render_as_string(False).replace("+psycopg", "")
        query = "SELECT kind, about FROM auditing.security_events ORDER BY id"
        with psycopg.connect(logins["an_auditor"]) as connection:
            assert connection.execute(query).fetchall() == [
                ("analyst_added", "an_analyst"),
                ("analyst_added", "an_auditor"),
            ]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM public.security_events")
        refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with psycopg.connect(logins["an_analyst"]) as connection, refused:
            connection.execute(query)
    finally:
        for name in logins:
            analysts.remove(database_url, name)
    assert [one[0] for one in events(db)][2:] == ["analyst_removed"] * 2


def test_it_is_searched_by_time_kind_and_name(db: Sessions) -> None:
    """A per cent sign in a name is a per cent sign."""
    with begin(db) as tx:
        for name in ("ada", "ben", "100%"):
            store.add_person(tx, name, Role.REVIEWER)
        store.make_key(tx, "ada's erp")
        now = tx.session.execute(text("SELECT now()")).scalar_one()
    with begin(db) as tx:
        about = [one.about for one in security.happened(tx, who="ada")]
        assert about == ["ada's erp", "ada"]
        assert [one.about for one in security.happened(tx, who="%")] == ["100%"]
        assert len(security.happened(tx, kinds=[SecurityKind.PERSON_ADDED])) == 3
        assert security.happened(tx, since=now + timedelta(seconds=1)) == []
        assert len(security.happened(tx, since=now)) == 4
        assert [one.about for one in security.happened(tx, limit=1)] == ["ada's erp"]


def test_it_is_printed_for_whoever_watches(db: Sessions, surefield: Callable[..., str]) -> None:
    """As a table, and for programs."""
    assert "Nothing of that kind" in surefield("security-events")
    surefield("user", "add", "ada")
    said = surefield("security-events", "--who", "ada")
    assert "person_added" in said
    assert "here" in said
    found = json.loads(surefield("security-events", "--json", "--kind", "link_made"))
    assert [one["about"] for one in found] == ["ada"]

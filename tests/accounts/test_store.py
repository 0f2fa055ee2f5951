"""People, browsers and keys, asked at the database: who comes in, until when, and who stays out."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import begin
from worker.accounts import passwords, store
from worker.accounts.store import InvalidPerson, NameTaken, Person
from worker.actor import Role
from worker.db import Tx
from worker.errors import NotFound

Sessions = sessionmaker[Session]
HOUR = timedelta(hours=1)
PASSWORD = "correct horse battery"


def run(db: Sessions, statement: str, **values: Any) -> None:
    with begin(db) as tx:
        tx.session.execute(text(statement), values)


def rows(db: Sessions, query: str) -> list[Any]:
    with db() as session:
        return list(session.execute(text(query)).all())


def with_password(tx: Tx, name: str, password: str) -> Person | None:
    """Who signs in, as the web asks: look up, hash, let in."""
    known = store.look_up(tx, name)
    checked = passwords.check(None if known is None else known.password_hash, password)
    if known is None or not checked.fits:
        return None
    if checked.rehashed is not None:
        store.keep_hash(tx, known.user_id, checked.rehashed)
    return store.enabled(tx, known.user_id)


@pytest.mark.parametrize("name", ["ada", " Ada ", "ADA", "x" * 100, "josé", "ada lovelace"])
def test_a_person_is_found_by_their_name_however_it_is_written(db: Sessions, name: str) -> None:
    """Decisions carry it in lower case; a second one of the name is refused."""
    with begin(db) as tx:
        made = store.add_person(tx, name, Role.REVIEWER)
        assert (made.name, made.has_password) == (name.strip().lower(), False)
        assert store.person(tx, name.upper()) == store.person(tx, f"  {name} ") == made
        with pytest.raises(NameTaken, match="surefield user link"):
            store.add_person(tx, name.upper(), Role.MANAGER)
        assert store.people(tx) == [made]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a/b", "a\nb", "a\x00b", "\ud800"])
def test_a_name_that_cannot_stand_in_an_address_or_a_record_is_refused(
    db: Sessions, name: str
) -> None:
    """And nobody is added."""
    with begin(db) as tx:
        with pytest.raises(InvalidPerson, match="1 to 100 printable characters"):
            store.add_person(tx, name, Role.REVIEWER)
        assert store.people(tx) == []


@pytest.mark.parametrize(
    ("length", "usable"), [(9, False), (10, True), (1000, True), (1001, False)]
)
def test_a_password_has_ten_to_a_thousand_characters(
    db: Sessions, length: int, usable: bool
) -> None:
    """The first one and each later one; the whole of it counts."""
    password = "p" * length
    with begin(db) as tx:
        ada = store.add_person(tx, "ada", Role.REVIEWER, password=PASSWORD)
        if not usable:
            with pytest.raises(InvalidPerson, match="10 to 1000 characters"):
                store.add_person(tx, "bob", Role.REVIEWER, password=password)
            with pytest.raises(InvalidPerson, match="10 to 1000 characters"):
                store.usable_password(password)
            assert with_password(tx, "ada", PASSWORD) is not None
            return
        store.add_person(tx, "bob", Role.REVIEWER, password=password)
        store.set_password(tx, ada.user_id, passwords.hashed(store.usable_password(password)))
        for name in ("ada", "bob"):
            assert with_password(tx, name, password) is not None
            assert with_password(tx, name, password[:-1]) is None
        assert with_password(tx, "ada", PASSWORD) is None


def test_a_password_opens_for_its_own_person_alone(db: Sessions) -> None:
    """Not for one who has none, is disabled, or does not exist."""
    with begin(db) as tx:
        store.add_person(tx, "ada", Role.REVIEWER, password=PASSWORD)
        store.add_person(tx, "bob", Role.REVIEWER, password=PASSWORD[::-1])
        store.add_person(tx, "eve", Role.REVIEWER)
        opened = with_password(tx, " ADA ", PASSWORD)
        assert opened is not None
        assert opened.name == "ada"
        assert [with_password(tx, name, PASSWORD) for name in ("bob", "eve", "x")] == [None] * 3
        store.change_person(tx, "ada", disabled=True)
        assert with_password(tx, "ada", PASSWORD) is None
        store.change_person(tx, "ada", disabled=False)
        assert with_password(tx, "ada", PASSWORD) is not None


def test_a_hash_of_weaker_times_is_made_anew_when_its_password_is_used(db: Sessions) -> None:
    """And not by a wrong one."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with begin(db) as tx:
        store.add_person(tx, "ada", Role.REVIEWER, password=PASSWORD)
    run(db, "UPDATE users SET password_hash = :hash", hash=weak)
    for password, is_kept in ((PASSWORD[:-1], True), (PASSWORD, False)):
        with begin(db) as tx:
            with_password(tx, "ada", password)
        assert (rows(db, "SELECT password_hash FROM users") == [(weak,)]) is is_kept
    with begin(db) as tx:
        assert with_password(tx, "ada", PASSWORD) is not None


@pytest.mark.parametrize(
    "changes",
    [{"role": Role.MANAGER}, {"role": Role.REVIEWER}, {"disabled": True}, {"disabled": False}, {}],
)
def test_whoever_is_changed_signs_in_anew_and_nobody_else(
    db: Sessions, changes: dict[str, Any]
) -> None:
    """Browsers and unused links end; without a change nothing does."""
    with begin(db) as tx:
        people = [store.add_person(tx, name, Role.REVIEWER) for name in ("ada", "bob")]
        browsers = [store.open_browser(tx, one.user_id, lasts=HOUR) for one in people]
        links = [store.make_link(tx, one.name, lasts=HOUR) for one in people]
        changed = store.change_person(tx, "ada", **changes)
        assert changed.role is changes.get("role", Role.REVIEWER)
        assert (changed.disabled_at is not None) is changes.get("disabled", False)
        found = [store.browser_of(tx, one, idle=HOUR) for one in browsers]
        assert [one and one.name for one in found] == [None if changes else "ada", "bob"]
        used = [store.use_link(tx, one) for one in links]
        assert [one and one.name for one in used] == [None if changes else "ada", "bob"]
    with begin(db) as tx, pytest.raises(NotFound, match="surefield user list"):
        store.change_person(tx, "nobody", role=Role.MANAGER)


def test_a_link_or_a_browser_opens_until_its_time_is_over(db: Sessions) -> None:
    """A link once; of two browsers the one that is closed, or whose time is over, opens nothing."""
    with begin(db) as tx:
        ada = store.add_person(tx, "ada", Role.REVIEWER)
        link, old = (store.make_link(tx, "ada", lasts=n * HOUR) for n in (1, -1))
        assert store.use_link(tx, old) is None
        opened = [store.use_link(tx, link) for _ in range(2)]
        assert [one and one.name for one in opened] == ["ada", None]
        first, second, over = (
            store.open_browser(tx, ada.user_id, lasts=n * HOUR) for n in (1, 2, -1)
        )
        assert store.browser_of(tx, over, idle=HOUR) is None
        store.close_browser(tx, first)
        assert [store.browser_of(tx, each, idle=HOUR) for each in (first, second)] == [None, ada]
    with begin(db) as tx:
        store.open_browser(tx, ada.user_id, lasts=HOUR)
    assert rows(db, "SELECT count(*) FROM web_sessions WHERE expires_at < now()") == [(0,)]
    assert rows(db, "SELECT count(*) FROM web_sessions") == [(2,)]
    with begin(db) as tx:
        store.change_person(tx, "ada", disabled=True)
        with pytest.raises(InvalidPerson, match="surefield user enable ada"):
            store.make_link(tx, "ada", lasts=HOUR)


@pytest.mark.parametrize(
    ("upstream", "usable"),
    [("erp", True), ("x" * 100, True), ("", False), ("x" * 101, False), ("a\x00b", False)],
)
def test_a_key_is_of_one_upstream_until_it_is_revoked(
    db: Sessions, upstream: str, usable: bool
) -> None:
    """Its secret is nowhere kept; another key of the upstream goes on."""
    with begin(db) as tx:
        if not usable:
            with pytest.raises(InvalidPerson, match="1 to 100 characters"):
                store.make_key(tx, upstream)
            return
        keys = [store.make_key(tx, upstream) for _ in range(2)]
        found = [store.caller_of(tx, key) for key in (*keys, keys[0][:-1])]
        assert [one and one.upstream for one in found] == [upstream, upstream, None]
    run(db, "UPDATE api_keys SET created_at = now() - interval '1 d' WHERE hint = :hint",
        hint=keys[0][:9])  # fmt: skip
    with begin(db) as tx:
        newest, oldest = store.keys(tx)
        assert (oldest.hint, newest.hint) == (keys[0][:9], keys[1][:9])
        store.revoke_key(tx, oldest.key_id)
        found = [store.caller_of(tx, key) for key in keys]
        assert [one and one.upstream for one in found] == [None, upstream]
        with pytest.raises(NotFound, match="surefield key list"):
            store.revoke_key(tx, uuid4())
        newest, oldest = store.keys(tx)
        assert (oldest.revoked_at is None, newest.revoked_at is None) == (False, True)

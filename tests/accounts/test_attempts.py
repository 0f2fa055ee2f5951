"""How often somebody may try to sign in: by name, by place, and in a browser that is known."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.accounts.test_store import rows, run
from tests.factories import begin
from worker.accounts import attempts, store
from worker.accounts.attempts import Place, TooManyTries
from worker.actor import Role

Sessions = sessionmaker[Session]
HERE = Place("10.0.0.1", False)


@pytest.mark.parametrize(
    ("tries", "same_name", "same_address", "refused"),
    [
        (10, True, True, False),
        (11, True, True, True),
        (100, True, False, False),
        (101, True, False, True),
        (50, False, True, False),
        (51, False, True, True),
        (120, False, False, False),
    ],
)
def test_so_many_attempts_are_not_too_many_and_one_more_is(
    db: Sessions, tries: int, same_name: bool, same_address: bool, refused: bool
) -> None:
    """Ten for a name in one place, a hundred for it everywhere, fifty from an address; those for
    other names from other addresses are nobody's.
    """
    with begin(db) as tx:
        for number in range(tries):
            name = "Ada " if same_name else f"name {number}"
            place = HERE if same_address else Place(f"10.0.1.{number}", False)
            attempts.note(tx, name, place)
        if refused:
            with pytest.raises(TooManyTries, match="15 minutes"):
                attempts.check(tx, "ada", HERE)
        else:
            attempts.check(tx, "ada", HERE)


def test_attempts_are_forgotten_after_twice_their_time_and_count_for_it_once(db: Sessions) -> None:
    """Half an hour is kept, a quarter counts."""
    with begin(db) as tx:
        for _ in range(11):
            attempts.note(tx, "ada", HERE)
    for minutes, kept in ((14, 11), (29, 11), (31, 0)):
        run(
            db,
            "UPDATE sign_in_attempts SET tried_at = now() - make_interval(mins => :m)"
            " WHERE name = 'ada'",
            m=minutes,
        )
        with begin(db) as tx:
            if minutes == 14:
                with pytest.raises(TooManyTries):
                    attempts.check(tx, "ada", HERE)
            else:
                attempts.check(tx, "ada", HERE)
            attempts.note(tx, "bob", Place("y", False))
        assert rows(db, "SELECT count(*) FROM sign_in_attempts WHERE name = 'ada'") == [(kept,)]


def test_a_known_browser_is_known_for_its_person_until_it_is_old(db: Sessions) -> None:
    """A cookie that is another's, made up, empty or too old is none."""
    with begin(db) as tx:
        ada = store.add_person(tx, "ada", Role.REVIEWER)
        store.add_person(tx, "ben", Role.REVIEWER)
        cookie = attempts.know(tx, ada.user_id)
        found = attempts.place_of(tx, " ADA ", "10.0.0.1", cookie)
        assert found.known
        assert cookie not in found.name
        for name, other in (("ben", cookie), ("ada", cookie[:-1]), ("ada", ""), ("ada", None)):
            assert attempts.place_of(tx, name, "10.0.0.1", other) == HERE
    run(db, "UPDATE known_browsers SET expires_at = now() - interval '1 second'")
    with begin(db) as tx:
        assert attempts.place_of(tx, "ada", "10.0.0.1", cookie) == HERE
        attempts.know(tx, ada.user_id)  # forgets what is too old
    assert rows(db, "SELECT count(*) FROM known_browsers") == [(1,)]
    (row,) = rows(db, "SELECT expires_at - created_at AS lasts FROM known_browsers")
    assert row.lasts == timedelta(days=180)


def test_what_is_tried_in_a_known_browser_shuts_nobody_else_out(db: Sessions) -> None:
    """Ten there, and it counts for that browser alone."""
    with begin(db) as tx:
        ada = store.add_person(tx, "ada", Role.REVIEWER)
        known = attempts.place_of(tx, "ada", "10.0.0.1", attempts.know(tx, ada.user_id))
        for _ in range(attempts.MOST_FOR_A_NAME + 1):
            attempts.note(tx, "ada", known)
        with pytest.raises(TooManyTries):
            attempts.check(tx, "ada", known)
        attempts.check(tx, "ada", HERE)


def test_after_a_success_what_was_tried_for_the_name_counts_no_more(db: Sessions) -> None:
    """For no other name."""
    with begin(db) as tx:
        for name in ("ada", "ben"):
            for number in range(11):
                attempts.note(tx, name, Place(f"10.0.{number}.1", False))
                attempts.note(tx, name, HERE)
        attempts.succeeded(tx, "Ada")
        attempts.check(tx, "ada", Place("10.0.9.9", False))
        with pytest.raises(TooManyTries):
            attempts.check(tx, "ben", HERE)

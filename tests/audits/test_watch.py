"""A certificate is held against every document and audit after it: alarm, settling, and what people
do about it.
"""

from datetime import UTC, datetime, timedelta
from runpy import run_path
from uuid import UUID

import pytest
from sqlalchemy import text

from extractors.decision.policy import CertificateUse
from tests.audits.test_certificates import ADA, a_house, copies, planned, read
from tests.audits.test_certificates import house as house  # a fixture
from tests.pipeline.conftest import House, Make
from worker import health
from worker.audits import actions, certificates, certify, store, watch
from worker.audits.types import Planned
from worker.pipeline import again
from worker.review.errors import InvalidDecision

# Documents that were read like the last one: ``n`` of them, one after the other.
CAME = """
INSERT INTO routings (document_id, generation, document_type, conditions, method, band, weakest,
    routed_at)
SELECT document_id, first + n, document_type, conditions, method, band,
    CASE WHEN n <= {doubtful} THEN {weakest} ELSE 0.95 END,
    clock_timestamp() + n * interval '1 microsecond'
FROM (
    SELECT r.*, (SELECT max(generation) FROM routings) AS first FROM routings r
    ORDER BY routed_at DESC LIMIT 1
) AS like_this, generate_series(1, {count}) AS n
"""


def came(house: House, count: int, *, doubtful: int = 0, weakest: str = "0.3") -> None:
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            CAME.format(count=count, doubtful=doubtful, weakest=weakest)
        )


@pytest.fixture
def held(house: House) -> Planned:
    """A certificate of a window of 100 documents, 5 of which were doubtful."""
    plan = planned(house)
    copies(house, "after", 600)
    came(house, 100, doubtful=5)
    return certify.run_test(ADA, plan.certificate_id, house.rt)


def state(house: House) -> str:
    (row,) = house.rows("SELECT state FROM reporting.certificates")
    return str(row.state)


def test_a_document_that_is_read_is_kept_with_what_it_rests_on(house: House) -> None:
    """Its weakest score, its band, and the conditions of its audits."""
    (row,) = house.rows(
        "SELECT DISTINCT r.weakest, r.band, r.conditions = a.conditions AS same FROM routings r"
        " JOIN audits a ON a.document_id = r.document_id WHERE a.conditions IS NOT NULL"
    )
    assert (round(row.weakest, 2), row.band, row.same) == (0.95, "fair", True)


def test_a_document_that_is_only_routed_again_did_not_come_again(house: House) -> None:
    """One that is read again did."""
    (document,) = house.rows("SELECT document_id FROM routings")
    again.one(house.rt, document.document_id, again.Again.REROUTE, by="person:ada")
    house.work()
    assert len(house.rows("SELECT FROM routings")) == 1

    again.one(house.rt, document.document_id, again.Again.REREAD, by="person:ada")
    house.work()
    assert len(house.rows("SELECT FROM routings")) == 2


def test_a_test_counts_the_documents_of_its_window(house: House, held: Planned) -> None:
    """From its plan on, and how many of them were doubtful."""
    (row,) = house.rows(
        "SELECT window_documents, window_doubtful, window_at_least FROM certificates"
    )
    assert tuple(row) == (100, 5, [100, 0, 0, 5, 0, 0])


def test_as_many_doubtful_documents_as_before_raise_no_alarm(house: House, held: Planned) -> None:
    """Five of a hundred once more."""
    came(house, 100, doubtful=5)
    read(house, "another")

    assert state(house) == "certified"


@pytest.mark.parametrize("weakest", ["0.3", "NULL"])
def test_documents_that_read_worse_suspend_it_without_any_label(
    house: House, held: Planned, weakest: str
) -> None:
    """It says since when, and accepts nothing more; a document without any score is doubtful."""
    came(house, 30, doubtful=30, weakest=weakest)
    read(house, "raises the alarm")
    after = read(house, "after it")

    assert state(house) == "suspended"
    (row,) = house.rows("SELECT alarm, changed_at < alarmed_at AS before FROM certificates")
    assert "30 of 31 (0 with 3 or more) documents have a field that scores below 0.9;" in row.alarm
    assert "these were 5 of 100 (0 with 3 or more)" in row.alarm
    assert row.before
    assert house.results(after)["number"].decision == "review"


def test_a_younger_certificate_is_not_held_against_documents_from_before_it(
    house: House, held: Planned
) -> None:
    """The older one of the same kind is, by the same documents."""
    came(house, 30, doubtful=30)
    with house.rt.transaction() as tx:
        columns = (
            "(SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = 'certificates'"
            " AND is_generated = 'NEVER' AND column_name NOT IN ('id', 'watched_since', 'family'))"
        )
        named = tx.session.execute(text(f"SELECT {columns}")).scalar_one()
        tx.session.execute(
            text(
                f"INSERT INTO certificates (id, watched_since, family, {named})"
                f" SELECT gen_random_uuid(), clock_timestamp(), 'money', {named} FROM certificates"
            )
        )
    read(house, "raises the alarm")

    found = house.rows("SELECT family, state FROM certificates ORDER BY watched_since")
    assert [one.state for one in found] == ["suspended", "certified"]


def test_a_document_is_kept_with_how_many_of_its_rows_are_doubtful(house: House) -> None:
    """Below 0.99, and below 0.9; every row of the slip has a score."""
    (row,) = house.rows("SELECT below FROM routings")
    (rows,) = house.rows("SELECT count(*) AS n FROM scores WHERE method = 'weakest-token/1'")

    assert row.below == [rows.n, 0]


def test_documents_that_were_routed_before_rows_were_counted_are_counted(house: House) -> None:
    """By their scores, which are kept; else an open window would know of one row at most."""
    migration = run_path("migrations/versions/2026_11_28_doubtful_rows.py")
    (before,) = house.rows("SELECT below FROM routings")
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run("UPDATE routings SET below = NULL")
        run(migration["COUNTED"])

    assert house.rows("SELECT below FROM routings") == [before]
    assert before.below[0] > 0


@pytest.mark.parametrize(("rows", "said"), [("'{3,3}'", "suspended"), ("'{3,1}'", "certified")])
def test_several_doubtful_rows_of_a_document_tell_more_than_one(
    house: House, held: Planned, rows: str, said: str
) -> None:
    """Eight documents with one such row each could be chance; with three each they are not."""
    came(house, 8, doubtful=8)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            f"UPDATE routings SET below = {rows} WHERE routed_at > (SELECT tested_at FROM"
            " certificates)"
        )
    read(house, "another")

    assert state(house) == said


def test_a_certificate_from_before_rows_were_counted_is_watched_by_documents(
    house: House, held: Planned
) -> None:
    """Its window says nothing of more than one row."""
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE certificates SET window_at_least = NULL")
    came(house, 30, doubtful=30)
    read(house, "raises the alarm")

    (row,) = house.rows("SELECT state, alarm FROM certificates")
    assert row.state == "suspended"
    assert "30 of 31 documents have a field that scores below 0.9;" in row.alarm


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE routings SET conditions = 'other' WHERE weakest < 0.9",
        "UPDATE routings SET document_type = 'invoice' WHERE weakest < 0.9",
        "UPDATE routings SET method = 'joint/1' WHERE weakest < 0.9",
        "UPDATE certificates SET window_documents = NULL, window_doubtful = NULL",
        "UPDATE certificates SET window_documents = 59",
    ],
)
def test_documents_of_another_kind_say_nothing_of_it(
    house: House, held: Planned, change: str
) -> None:
    """Neither does a window of too few documents."""
    came(house, 30, doubtful=30)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(change)
    read(house, "another")

    assert state(house) == "certified"


def suspended(house: House) -> None:
    came(house, 30, doubtful=30)
    read(house, "raises the alarm")
    assert state(house) == "suspended"


def test_an_alarm_is_told_to_whoever_runs_the_installation(house: House, held: Planned) -> None:
    """With its reason and the commands."""
    assert health.certificates(house.rt).sound
    suspended(house)

    found = health.certificates(house.rt)
    assert not found.sound
    assert "is suspended: since" in found.words
    assert "surefield recheck" in found.words


def test_audits_of_what_it_accepted_since_the_change_come_first(
    house: House, held: Planned
) -> None:
    """The oldest draw waits."""
    read(house, "older")
    came(house, 30, doubtful=30)
    accepted = read(house, "accepted before the alarm")
    assert house.results(accepted)["number"].decision == "accepted"
    assert state(house) == "suspended"

    with house.rt.transaction() as tx:
        waiting = store.list_waiting(tx, limit=50)
    of_it = [one.document_id == accepted for one in waiting]
    assert len(set(of_it)) == 2
    assert of_it == sorted(of_it, reverse=True)
    first = actions.next_audit(ADA, house.rt, lease=timedelta(minutes=1))
    assert first is not None
    assert first.document_id == accepted
    assert not house.rows("SELECT FROM audits WHERE urgent AND NOT was_accepted")


def test_two_wrong_rows_of_twenty_confirm_it_and_people_decide_everything(
    house: House, held: Planned, make_house: Make
) -> None:
    """Also fields that no certificate ever covered."""
    suspended(house)
    copies(house, "bad", 2, found="illegible")
    read(house, "settles it")
    assert state(house) == "broken"

    document = read(a_house(make_house, accept_at=0.1), "after it")
    results = house.results(document)
    assert {one.decision for one in results.values()} == {"review"}
    assert results["number"].reason == "drift"
    assert not health.certificates(house.rt).sound


def test_twenty_sound_rows_leave_it_to_a_person(house: House, held: Planned) -> None:
    """It stays suspended, and tells how they came out."""
    suspended(house)
    copies(house, "good", 25)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE audits SET found = 'right', judged_by = 'ada', judged_at = now()"
            " WHERE found IS NULL AND was_accepted"
        )
    read(house, "another")

    assert state(house) == "suspended"
    with house.rt.transaction() as tx:
        (found,) = certificates.list_plans(tx)
    assert found.alarm is not None
    assert (found.alarm.judged, found.alarm.wrong) == (20, 0)


def test_a_row_that_is_not_judged_keeps_its_place_among_the_twenty(
    house: House, held: Planned
) -> None:
    """Those that are judged sooner may be the easy ones."""
    suspended(house)
    copies(house, "waits", 19, found=None)
    copies(house, "bad", 3, found="illegible")
    read(house, "another")

    assert state(house) == "suspended"


def test_one_that_a_person_resumes_accepts_again(house: House, held: Planned) -> None:
    """And what raised the alarm raises it no more; what comes after it may."""
    suspended(house)
    certify.resume(ADA, held.certificate_id, "the scanner was cleaned", house.rt)
    document = read(house, "another")

    assert house.results(document)["number"].certificate == str(held.certificate_id)
    assert state(house) == "certified"
    (row,) = house.rows("SELECT resumed_by, resumed_because FROM reporting.certificates")
    assert tuple(row) == ("ada", "the scanner was cleaned")
    suspended(house)


def test_only_one_that_is_suspended_is_resumed(house: House, held: Planned) -> None:
    """It names what it is."""
    with pytest.raises(InvalidDecision, match="is certified: only one that an alarm suspended"):
        certify.resume(ADA, held.certificate_id, "why not", house.rt)


def test_resuming_needs_a_reason(house: House, held: Planned) -> None:
    """Somebody will ask."""
    suspended(house)

    with pytest.raises(InvalidDecision, match="Say why"):
        certify.resume(ADA, held.certificate_id, " ", house.rt)


def test_one_that_is_broken_ends_by_being_withdrawn(house: House, held: Planned) -> None:
    """Then the policy decides."""
    suspended(house)
    copies(house, "bad", 2, found="illegible")
    read(house, "settles it")
    certify.withdraw(ADA, held.certificate_id, "the scanner is gone", house.rt)
    document = read(house, "after it")

    assert house.results(document)["number"].reason == "low_score"
    assert health.certificates(house.rt).sound


def released(house: House, held: Planned, *, since: datetime | None) -> set[UUID]:
    rows, _ = certify.recheck(house.rt, since=since, certificate_id=held.certificate_id)
    assert {one.certificate for one in rows} <= {str(held.certificate_id)}
    return {one.document_id for one in rows}


def test_what_was_released_since_the_change_is_listed(house: House, held: Planned) -> None:
    """Of the certificate, since its alarm says so; not what it accepted before."""
    read(house, "before")
    came(house, 30, doubtful=30)
    after = read(house, "accepted before the alarm")

    assert released(house, held, since=None) == {after}


def test_without_an_alarm_a_time_is_needed(house: House, held: Planned) -> None:
    """Nothing else says since when."""
    document = read(house, "accepted")

    with pytest.raises(InvalidDecision, match="Since when"):
        released(house, held, since=None)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert released(house, held, since=hour_ago) == {document}
    assert released(house, held, since=datetime.now(UTC) + timedelta(hours=1)) == set()


def test_where_a_certificate_is_required_a_person_decides_what_none_covers(
    make_house: Make,
) -> None:
    """Its reason says so, and the row is drawn all the same: else nothing could be certified."""
    house = a_house(make_house, accept_at=0.5, certificates=CertificateUse.REQUIRED)
    document = read(house)

    results = house.results(document)
    assert {one.decision for one in results.values()} == {"review"}
    assert results["number"].reason == "uncertified"
    assert house.rows("SELECT FROM audits WHERE document_id = :id", id=document)


def test_where_a_certificate_is_required_what_one_covers_is_accepted(
    house: House, held: Planned, make_house: Make
) -> None:
    """The rest waits."""
    strict = a_house(make_house, accept_at=0.5, certificates=CertificateUse.REQUIRED)
    document = read(strict, "another")

    results = strict.results(document)
    assert results["number"].decision == "accepted"
    assert results["total"].reason == "uncertified"


@pytest.mark.parametrize("of_all", [True, False])
def test_what_is_put_first_was_accepted_since_then_and_waits(
    house: House, held: Planned, of_all: bool
) -> None:
    """By this certificate, or by whatever accepted it; what is judged is not looked at again."""
    names = ("wanted", "judged", "older", "reviewed", "of no certificate")
    for name in names:
        copies(house, name, 2, found="right" if name == "judged" else None)
    since = datetime.now(UTC) - timedelta(hours=1)
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run("UPDATE audits SET urgent = false")
        run(
            f"UPDATE results SET certificate = '{held.certificate_id}'"
            " WHERE name IN ('wanted', 'judged', 'older', 'reviewed')"
        )
        of_name = "WHERE result_id IN (SELECT id FROM results WHERE name = '{}')".format
        run("UPDATE audits SET drawn_at = now() - interval '2 h' " + of_name("older"))
        run("UPDATE audits SET was_accepted = false " + of_name("reviewed"))
        # of the documents that the house read itself
        run("UPDATE audits SET drawn_at = now() - interval '2 h' WHERE result_id IN"
            " (SELECT id FROM results WHERE ordinal = 0)")  # fmt: skip
        asked = None if of_all else held.certificate_id
        assert watch.put_first(tx, asked, since=since) == (4 if of_all else 2)

    first = house.rows(
        "SELECT DISTINCT r.name FROM audits a JOIN results r ON r.id = a.result_id WHERE a.urgent"
    )
    wanted = {"wanted", "of no certificate"} if of_all else {"wanted"}
    assert {row.name for row in first} == wanted

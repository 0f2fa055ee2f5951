"""Two audits and two certificates: whose turn it is, what stands, and what is left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from extractors.decision.certificates import Band, Family
from tests.factories import a_document, begin, rows, run
from worker.audits import certificates, store, watch
from worker.audits.tables import Found, PlanState
from worker.audits.types import Covered, Drawn
from worker.errors import NotFound
from worker.review.errors import ReviewConflict
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
LEASE = timedelta(minutes=5)
DAY = datetime(2026, 5, 4, tzinfo=UTC)


def drawn(db: Sessions, *, accepted: bool = True, field: str = "total", **more: Any) -> UUID:
    """An audit of this field of a document of its own."""
    document = a_document(db, status=Status.ACCEPTED, **more)
    query = "SELECT id FROM results WHERE document_id = :id AND name = :name"
    (result,) = rows(db, query, id=document.id, name=field)
    one = Drawn(
        result_id=result.id,
        rate=0.5,
        fingerprint="f",
        conditions="c",
        method="m",
        score=0.9,
        family=Family.REST,
        band=Band.FAIR,
        was_accepted=accepted,
    )
    with begin(db) as tx:
        store.save_draws(tx, [one])
        store.save_draws(tx, [])
    return UUID(str(rows(db, "SELECT id FROM audits WHERE result_id = :id", id=result.id)[0].id))


def result_of(db: Sessions, audit: UUID, what: str) -> None:
    run(
        db,
        f"UPDATE results SET {what} WHERE id = (SELECT result_id FROM audits WHERE id = :id)",
        id=audit,
    )


def next_of(db: Sessions, who: str, **more: Any) -> UUID | None:
    with begin(db) as tx:
        found = store.claim(tx, who, lease=LEASE, **more)
    return None if found is None else found.audit_id


def waiting(db: Sessions) -> list[UUID]:
    with begin(db) as tx:
        listed = [each.audit_id for each in store.list_waiting(tx, limit=9)]
        assert store.progress(tx).waiting == len(listed)
    return listed


def judge(db: Sessions, audit: UUID, who: str, found: Found = Found.RIGHT) -> None:
    with begin(db) as tx:
        store.judge(tx, audit, who, found)


def test_each_person_has_an_audit_until_its_lease_ends(db: Sessions) -> None:
    """Their own comes first, then what is urgent, then the oldest; nobody gets another's."""
    first, second, urgent = (drawn(db) for _ in range(3))
    run(db, "UPDATE audits SET urgent = true WHERE id = :id", id=urgent)
    assert [next_of(db, who) for who in ("ada", "bob", "eve")] == [urgent, first, second]
    assert next_of(db, "dan") is None
    assert [next_of(db, who) for who in ("bob", "eve")] == [first, second]

    run(db, "UPDATE audits SET lease_until = now() - interval '1 s' WHERE id = :id", id=second)
    assert next_of(db, "dan") == second
    assert next_of(db, "eve") is None


def test_audits_are_asked_for_by_type(db: Sessions) -> None:
    """Another type's waits for whoever asks for any."""
    slip, invoice = drawn(db), drawn(db, document_type="invoice")
    assert next_of(db, "ada", document_type="invoice") == invoice
    assert next_of(db, "bob", document_type="invoice") is None
    assert next_of(db, "bob") == slip


@pytest.mark.parametrize(
    ("found", "waits"), [(Found.RIGHT, False), (Found.ILLEGIBLE, False), (Found.WRONG, True)]
)
def test_what_was_judged_waits_no_more_while_the_value_is_not_again_what_it_was(
    db: Sessions, found: Found, waits: bool
) -> None:
    """A wrong one whose correction was taken back stands again; its neighbour waits throughout."""
    judged, other = drawn(db), drawn(db)
    judge(db, judged, "ada", found)
    assert waiting(db) == ([judged] if waits else []) + [other]
    if waits:
        result_of(db, judged, "decision = 'reviewed'")
        assert waiting(db) == [other]
    else:
        with pytest.raises(ReviewConflict):
            judge(db, judged, "ada")
    with begin(db) as tx:
        done = store.progress(tx)
    counts = {Found.RIGHT: done.right, Found.WRONG: done.wrong, Found.ILLEGIBLE: done.illegible}
    assert counts == {each: int(each is found) for each in Found}


@pytest.mark.parametrize(
    "what",
    [
        "decision = 'reviewed'",
        "removed_at = now()",
        "generation = 2",
        "decision = 'review', decided_at = NULL",
    ],
)
def test_a_row_that_does_not_stand_any_more_is_nobodys_audit(db: Sessions, what: str) -> None:
    """A person decided it, it is no row, or a further answer was made; the other one stands."""
    gone, other = drawn(db), drawn(db)
    run(db, "UPDATE documents SET working_generation = 2")
    result_of(db, gone, what)
    assert waiting(db) == [other]
    assert (next_of(db, "ada"), next_of(db, "bob")) == (other, None)
    with begin(db) as tx:
        assert [store.waiting(tx, each).is_current for each in (gone, other)] == [False, True]


def test_what_was_not_accepted_is_audited_by_its_review(db: Sessions) -> None:
    """And what belongs to a document that is on its way again, by nobody."""
    drawn(db, accepted=False)
    again, other = drawn(db), drawn(db)
    run(
        db,
        "UPDATE documents SET status = 'scored', finished_at = NULL"
        " WHERE id = (SELECT document_id FROM audits WHERE id = :id)",
        id=again,
    )
    assert waiting(db) == [other]
    with begin(db) as tx:
        assert store.accepted_so_far(tx, ["f", "g"], most=9) == {"f": 2, "g": 0}
        assert store.accepted_so_far(tx, ["f"], most=1) == {"f": 1}


def test_whoever_holds_an_audit_judges_it_and_no_other(db: Sessions) -> None:
    """Nobody else does before their lease ends; the one beside it stays as it is."""
    held, other = drawn(db), drawn(db)
    assert next_of(db, "ada") == held
    with pytest.raises(ReviewConflict):
        judge(db, held, "bob")
    whole = "SELECT to_jsonb(a) FROM audits AS a WHERE id = :id"
    before = rows(db, whole, id=other)
    judge(db, held, "ada", Found.WRONG)
    assert rows(db, whole, id=other) == before
    (row,) = rows(db, "SELECT * FROM audits WHERE id = :id", id=held)
    assert (row.found, row.judged_by, row.leased_by, row.lease_until) == (
        "wrong",
        "ada",
        None,
        None,
    )

    assert next_of(db, "eve") == held  # wrong, and the value was not corrected
    run(db, "UPDATE audits SET lease_until = now() - interval '1 s' WHERE id = :id", id=held)
    judge(db, held, "bob")
    assert rows(db, whole, id=held)[0][0]["judged_by"] == "bob"


# ---- certificates


def certificate(db: Sessions, state: str = "certified", **changes: Any) -> UUID:
    """One of slips under conditions c by method m, with these changes."""
    plain: dict[str, Any] = {
        "document_type": "slip",
        "family": "rest",
        "band": "fair",
        "conditions": "c",
        "fingerprint": "f",
        "method": "m",
        "alpha": 0.01,
        "delta": 0.05,
        "missed": 0.1,
        "thresholds": [0.9],
        "size": 500,
        "state": state,
        "planned_by": "ada",
        "watched_since": DAY,
    }
    if state != "planned":
        plain["tested_at"] = DAY
    if state in ("certified", "suspended", "broken"):
        plain |= {"threshold": 0.9, "valid_until": datetime(2036, 1, 1, tzinfo=UTC)}
    if state in ("suspended", "broken"):
        plain |= {"alarmed_at": DAY, "alarm": "many doubtful ones", "changed_at": DAY}
    row = plain | changes
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    made = uuid4()
    run(db, f"INSERT INTO certificates (id, {names}) VALUES (:id, {values})", id=made, **row)
    return made


def state_of(db: Sessions, one: UUID) -> Any:
    (row,) = rows(db, "SELECT * FROM certificates WHERE id = :id", id=one)
    return row


@pytest.mark.parametrize("state", list(PlanState))
def test_each_state_of_a_certificate_may_be_withdrawn_once_and_one_that_is_suspended_resumed(
    db: Sessions, state: PlanState
) -> None:
    """Its twin stays as it is; who withdraws it a second time changes nothing."""
    other_promise = {"method": "m/2"}
    one, twin = certificate(db, state), certificate(db, state, **other_promise)
    before = state_of(db, twin)
    with begin(db) as tx:
        certificates.resume(tx, one, who="ada", because="the scanner was cleaned")
    row = state_of(db, one)
    resumed = state is PlanState.SUSPENDED
    assert row.state == ("certified" if resumed else state)
    assert (row.resumed_by, row.watched_since != DAY) == ("ada" if resumed else None, resumed)

    for because in ("it is wrong", "once more"):
        with begin(db) as tx:
            certificates.withdraw(tx, one, because=because)
    row = state_of(db, one)
    assert row.state == "withdrawn"
    if state is not PlanState.WITHDRAWN:
        assert row.withdrawn_because == "it is wrong"
        assert row.withdrawn_at is not None
    if state is not PlanState.PLANNED:
        assert row.tested_at == DAY
    assert row.tested_at is not None
    assert state_of(db, twin) == before
    with pytest.raises(NotFound), begin(db) as tx:
        certificates.withdraw(tx, uuid4(), because="unknown")


def covered(**changes: Any) -> Covered:
    plain: dict[str, Any] = {
        "document_type": "slip",
        "conditions": "c",
        "method": "m",
        "scores": {},
        "band": Band.FAIR,
        "weakest": None,
        "all_right": None,
        "below": None,
    }
    return Covered(**{**plain, **changes})


def test_a_certificate_stands_for_documents_that_are_read_like_its_own(db: Sessions) -> None:
    """Of its type, conditions and method; tested, and not withdrawn.  The oldest comes first."""
    newer = certificate(db, "suspended", tested_at=datetime(2026, 6, 1, tzinfo=UTC))
    older = certificate(db)
    broken = certificate(db, "broken", tested_at=datetime(2026, 7, 1, tzinfo=UTC))
    for state in ("planned", "not_held", "withdrawn"):
        certificate(db, state)
    for change in ({"document_type": "invoice"}, {"conditions": "d"}, {"method": "m/2"}):
        other = certificate(db, **change)
        with begin(db) as tx:
            found = certificates.standing(tx, covered(**change))
        assert [each.certificate_id for each in found] == [other], change
    with begin(db) as tx:
        found = certificates.standing(tx, covered())
    assert [each.certificate_id for each in found] == [older, newer, broken]


def test_of_those_that_stand_the_newest_that_is_valid_holds_for_its_band_and_family(
    db: Sessions,
) -> None:
    """One that is suspended, broken, over or of another band accepts nothing."""
    certificate(db)
    newest = certificate(db, threshold=0.8, tested_at=datetime(2026, 6, 1, tzinfo=UTC))
    late = datetime(2026, 7, 1, tzinfo=UTC)
    certificate(db, "suspended", tested_at=late)
    certificate(db, "broken", tested_at=late)
    certificate(db, tested_at=late, valid_until=datetime(2020, 1, 1, tzinfo=UTC))
    clear = certificate(db, tested_at=late, band="clear")
    money = certificate(db, tested_at=late, family="money")
    with begin(db) as tx:
        found = certificates.standing(tx, covered())
    fair = certificates.holding(found, Band.FAIR)
    assert {family: one.certificate for family, one in fair.items()} == {
        Family.REST: str(newest),
        Family.MONEY: str(money),
    }
    assert fair[Family.REST].threshold == 0.8
    of_clear = certificates.holding(found, Band.CLEAR)
    assert {family: one.certificate for family, one in of_clear.items()} == {
        Family.REST: str(clear)
    }
    assert certificates.holding(found, Band.POOR) == {}


def test_what_one_certificate_accepted_since_then_comes_first(db: Sessions) -> None:
    """Not what came before, what another accepted, what was judged, or what went to review."""
    mine, before, judged = (drawn(db) for _ in range(3))
    reviewed = drawn(db, accepted=False)
    theirs, at_that_moment = drawn(db), drawn(db)
    one, other = uuid4(), uuid4()
    for audit in (mine, before, judged, reviewed, at_that_moment):
        result_of(db, audit, f"certificate = '{one}'")
    result_of(db, theirs, f"certificate = '{other}'")
    judge(db, judged, "ada")
    run(db, "UPDATE audits SET drawn_at = :day", day=DAY + timedelta(days=1))
    run(db, "UPDATE audits SET drawn_at = :day WHERE id = :id", day=DAY, id=at_that_moment)
    early = DAY - timedelta(seconds=1)
    run(db, "UPDATE audits SET drawn_at = :day WHERE id = :id", day=early, id=before)
    with begin(db) as tx:
        assert watch.put_first(tx, one, since=DAY) == 2
    urgent = {row.id for row in rows(db, "SELECT id FROM audits WHERE urgent")}
    assert urgent == {mine, at_that_moment}
    with begin(db) as tx:
        assert watch.put_first(tx, None, since=DAY) == 3
    assert {row.id for row in rows(db, "SELECT id FROM audits WHERE urgent")} == urgent | {theirs}


def test_what_was_released_since_then_is_what_still_stands(db: Sessions) -> None:
    """By one certificate, or by any; with its audit where it has one."""
    one = uuid4()
    mine, theirs, decided, before = (drawn(db) for _ in range(4))
    run(db, "UPDATE results SET decided_at = :day WHERE name <> 'total'", day=DAY - LEASE)
    run(db, "UPDATE results SET decided_at = :day WHERE name = 'total'", day=DAY)
    result_of(db, mine, f"certificate = '{one}'")
    result_of(db, decided, f"certificate = '{one}', decision = 'reviewed'")
    result_of(db, before, f"certificate = '{one}', decided_at = '2026-05-03 23:59:59Z'")

    def released(certificate: UUID | None) -> list[UUID | None]:
        with begin(db) as tx:
            return [each.audit for each in store.released(tx, certificate, since=DAY)]

    assert released(one) == [mine]
    assert sorted(map(str, released(None))) == sorted(map(str, [mine, theirs]))
    assert released(uuid4()) == []

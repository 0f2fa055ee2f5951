"""Documents are drawn whole, looked at from end to end, and certified apart from their rows."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line
from extractors.decision.policy import UNCERTIFIED, CertificateUse
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf
from worker import reporting
from worker.actor import Actor
from worker.audits import actions, certificates, certify, store
from worker.audits.actions import Said
from worker.audits.tables import Found, PlanState
from worker.audits.types import Compared, Planned
from worker.review import actions as review
from worker.review.errors import InvalidDecision
from worker.review.tables import Action

ADA = Actor("ada")
ROWS = [{"description": "Nails", "amount": "10.00"}, {"description": "Screws", "amount": "2.50"}]
SAID = {**TRUTH, "date": "14/04/2026"}
ON_PAGE = ("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR", "Nails 10.00", "Screws 2.50")
# Documents like the first one that was drawn: ``n`` counts them. All of each is judged already.
LIKE_IT = text("""
WITH like_this AS (
    SELECT * FROM document_draws ORDER BY drawn_at LIMIT 1
), made AS (
    INSERT INTO documents
    SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid()))).*
    FROM documents d JOIN like_this l ON l.document_id = d.id, generate_series(1, :count)
    RETURNING id
), rows AS (
    INSERT INTO results (document_id, generation, name, ordinal, kind, state, text, read_state,
        read_text, score, threshold, decision, reason, decided_at, certificate)
    SELECT id, 1, 'number', 0, 'identifier', 'value', 'x', 'value', 'x', 0.99, 0.1, 'accepted',
        'value', now(), :certificate
    FROM made RETURNING id, document_id
), judged AS (
    INSERT INTO audits (result_id, document_id, rate, fingerprint, conditions, method, score,
        family, band, was_accepted, with_document, found, judged_by, judged_at)
    SELECT r.id, r.document_id, 0.02, 'f', l.conditions, l.method, 0.99, 'rest', l.band, true, true,
        CASE WHEN row_number() OVER () <= :wrong THEN 'illegible' ELSE 'right' END, 'ada', now()
    FROM rows r, like_this l
)
INSERT INTO document_draws (document_id, generation, rate, conditions, method, score, band,
    was_untouched, certificate, drawn_at)
SELECT m.id, 1, 0.02, l.conditions, l.method, :low + 0.0001 * row_number() OVER (), l.band, true,
    :certificate, clock_timestamp() + row_number() OVER () * interval '1 microsecond'
FROM made m, like_this l
""")


def a_house(make_house: Make, *, sure: Any = 0.99, truth: Any = SAID, **changes: Any) -> House:
    said = Line(truth=truth, probability=sure)
    return make_house(said, **{"audit_documents": 1.0, **changes})


def read(house: House, *extra: str) -> UUID:
    document = house.submit(a_pdf(*ON_PAGE, *extra))
    house.work()
    return document


def like_it(
    house: House, count: int, *, wrong: int = 0, low: float = 0.9, certificate: str = UNCERTIFIED
) -> None:
    with house.rt.transaction() as tx:
        tx.session.execute(
            LIKE_IT, {"count": count, "wrong": wrong, "low": low, "certificate": certificate}
        )


def say(house: House, field: str, action: Action, typed: str = "", **more: Any) -> Compared:
    with house.rt.transaction() as tx:
        found = next(one for one in store.list_waiting(tx, limit=50) if one.field == field)
    said = Said(action=action, text=typed, **{"seen": True, **more})
    return actions.answer(ADA, found.audit_id, said, house.rt)


def drawn(house: House) -> list[tuple[str, bool]]:
    rows = house.rows(
        "SELECT coalesce('how many ' || of_list, r.name) AS asked, with_document FROM audits a"
        " JOIN results r ON r.id = a.result_id ORDER BY asked"
    )
    return [tuple(row) for row in rows]


def found(house: House, document: UUID) -> str | None:
    (row,) = house.rows(
        "SELECT found FROM reporting.document_audits WHERE document_id = :id", id=document
    )
    return row.found


def judge_all(house: House) -> None:
    """Every row of the slip is right, and its list has no rows."""
    for field, typed in (
        ("payee", "Foo Ltd"),
        ("date", "14/04/2026"),
        ("number", "A-17"),
        ("total", "12.50"),
        ("currency", "EUR"),
    ):
        assert say(house, field, Action.CORRECT, typed).found is Found.RIGHT


def test_of_a_document_that_is_drawn_every_row_is_looked_at_and_each_list_is_counted(
    make_house: Make,
) -> None:
    """Though no row of it was drawn by itself."""
    house = a_house(make_house)
    document = read(house)

    every = ["currency", "date", "how many items", "number", "payee", "total"]
    assert drawn(house) == [(name, True) for name in every]
    (row,) = house.rows("SELECT * FROM document_draws")
    assert (row.document_id, row.rate, row.was_untouched) == (document, 1.0, True)
    assert row.certificate == UNCERTIFIED
    (scores,) = house.rows(
        "SELECT exp(sum(ln(s.score))) AS product FROM scores s JOIN results r USING (field_id)"
        " WHERE s.method = :method",
        method=row.method,
    )
    assert row.score == pytest.approx(scores.product)


def test_no_share_of_rows_rests_on_rows_that_came_with_their_document(make_house: Make) -> None:
    """They come together; those that were drawn by themselves count as ever."""
    house = a_house(make_house)
    read(house)
    assert house.rows("SELECT FROM reporting.audits") == []
    assert house.rows("SELECT FROM reporting.accepted_and_wrong") == []

    both = a_house(make_house, audit_rate=1.0)
    read(both, "another")
    assert len(both.rows("SELECT FROM reporting.audits")) == 5
    assert len(both.rows("SELECT FROM audits WHERE with_document")) == 7  # and its list


def test_a_document_that_more_than_scores_stands_against_is_not_drawn(make_house: Make) -> None:
    """No threshold of scores would let it through untouched."""
    house = a_house(make_house, truth={**SAID, "total": None})
    read(house)

    assert house.rows("SELECT FROM document_draws") == []
    assert drawn(house) == []


def test_at_rate_0_no_document_is_drawn(make_house: Make) -> None:
    """Whatever its rows are."""
    house = a_house(make_house, audit_documents=0.0, audit_rate=1.0)
    read(house)

    assert house.rows("SELECT FROM document_draws") == []
    assert all(not with_document for _, with_document in drawn(house))


def test_a_document_is_right_when_all_of_it_is(make_house: Make) -> None:
    """Nothing is said before the last row, and the number of rows of its list."""
    house = a_house(make_house)
    document = read(house)
    judge_all(house)
    assert found(house, document) is None

    assert say(house, "items", Action.ABSENT).found is Found.RIGHT
    assert found(house, document) == "right"


def test_one_wrong_row_makes_a_document_wrong(make_house: Make) -> None:
    """It is known at once, and stays so after the correction."""
    house = a_house(make_house)
    document = read(house)
    say(house, "total", Action.CORRECT, "12.60", compared=True)

    assert found(house, document) == "wrong"


def test_what_went_to_review_is_judged_by_its_review(make_house: Make) -> None:
    """The rest of the document is audited then."""
    house = a_house(make_house, sure={"number": 0.3})
    document = read(house)
    (row,) = house.rows("SELECT was_untouched FROM document_draws")
    assert not row.was_untouched
    item = house.rows("SELECT id, version FROM review_items WHERE state <> 'closed'")[0]
    answer = review.Answer(action=Action.ACCEPT, seen=True, version=item.version)
    review.decide(ADA, item.id, answer, house.rt)
    for field, typed in (("payee", "Foo Ltd"), ("date", "14/04/2026"), ("total", "12.50")):
        say(house, field, Action.CORRECT, typed)
    say(house, "currency", Action.CORRECT, "EUR")
    say(house, "items", Action.CORRECT, "0")

    assert found(house, document) == "right"


def test_a_row_that_is_missing_is_found_by_counting_them(make_house: Make) -> None:
    """Every cell that was read is right, and the document is wrong; of a scan no witness tells."""
    house = a_house(make_house, truth={**SAID, "items": ROWS[:1]})
    document = house.submit(a_pdf(words=False))
    house.work()
    judge_all(house)
    say(house, "items.description", Action.CORRECT, "Nails")
    say(house, "items.amount", Action.CORRECT, "10.00")
    told = say(house, "items", Action.CORRECT, "2")
    assert (told.found, told.read, told.typed) == (None, "1", "2")
    assert found(house, document) is None

    said = say(house, "items", Action.CORRECT, "2", compared=True)

    assert (said.found, said.of_list) == (Found.WRONG, "items")
    assert found(house, document) == "wrong"
    with house.rt.transaction() as tx:
        assert store.list_waiting(tx, limit=50) == []


@pytest.mark.parametrize("typed", ["two", "-1", "2.0", "٢"])
def test_how_many_rows_is_said_in_digits(make_house: Make, typed: str) -> None:
    """Else nobody could hold it against the reading."""
    house = a_house(make_house)
    read(house)

    with pytest.raises(InvalidDecision, match="in digits"):
        say(house, "items", Action.CORRECT, typed)


def planned(house: House, size: int = 300) -> Planned:
    (plan,) = certify.plan(ADA, "slip", house.rt, size=size, documents=True)
    return plan


def certified(house: House) -> Planned:
    """A promise of 2 % for documents like the first one."""
    like_it(house, 300)
    plan = planned(house)
    like_it(house, 300, low=0.93)
    return certify.run_test(ADA, plan.certificate_id, house.rt)


def test_documents_are_planned_by_their_own_scores_and_tested_on_later_ones(
    make_house: Make,
) -> None:
    """The promise is 2 %; what was drawn before the plan does not count."""
    house = a_house(make_house)
    read(house)
    like_it(house, 300)
    plan = planned(house)
    assert (plan.promise.family, plan.plan.alpha, plan.drawn) == ("documents", 0.02, 0)
    with pytest.raises(InvalidDecision, match="300 of the 300 documents of this test are not dra"):
        certify.run_test(ADA, plan.certificate_id, house.rt)
    like_it(house, 300, low=0.93)

    done = certify.run_test(ADA, plan.certificate_id, house.rt)

    assert done.state is PlanState.CERTIFIED
    assert done.tested is not None
    assert (done.tested.wrong, done.tested.bound < 0.018) == (0, True)


def test_documents_with_an_error_keep_it_from_holding(make_house: Make) -> None:
    """What nobody can read counts as one."""
    house = a_house(make_house)
    read(house)
    like_it(house, 300)
    plan = planned(house)
    like_it(house, 300, wrong=300, low=0.93)

    assert certify.run_test(ADA, plan.certificate_id, house.rt).state is PlanState.NOT_HELD


@pytest.mark.parametrize(("size", "match"), [(247, "it takes 248"), (None, "Nothing to plan")])
def test_what_could_never_hold_or_has_too_few_documents_is_not_planned(
    make_house: Make, size: int | None, match: str
) -> None:
    """It names what it takes."""
    house = a_house(make_house)
    read(house)
    like_it(house, 300 if size else 150)

    with pytest.raises(InvalidDecision, match=match):
        certify.plan(ADA, "slip", house.rt, size=size, documents=True)


def test_a_certified_document_is_accepted_whole_and_says_so(make_house: Make) -> None:
    """Though its policy would ask a person for every row of it."""
    house = a_house(make_house, accept_at=0.999)
    assert house.status(read(house)) == "in_review"
    done = certified(house)
    document = read(house, "covered")

    assert house.status(document) == "accepted"
    mine = str(done.certificate_id)
    assert {row.certificate for row in house.results(document).values()} == {mine}
    (row,) = house.rows(
        "SELECT certificate FROM reporting.documents WHERE document_id = :id", id=document
    )
    assert row.certificate == mine
    with house.rt.transaction() as tx:
        (told,) = reporting.documents(tx, [document])
    assert told.certificate == mine


def test_a_document_whose_rows_are_accepted_one_by_one_says_uncertified(make_house: Make) -> None:
    """And one that waits says nothing."""
    house = a_house(make_house)
    document = read(house)
    waits = a_house(make_house, accept_at=0.999)
    later = read(waits, "waits")

    with house.rt.transaction() as tx:
        of = {
            row.document_id: row.certificate for row in reporting.documents(tx, [document, later])
        }
    assert of == {document: UNCERTIFIED, later: None}


def test_a_document_below_the_threshold_is_decided_row_by_row(make_house: Make) -> None:
    """Its surer rows are accepted, by no certificate."""
    house = a_house(make_house)
    read(house)
    certified(house)
    less = a_house(make_house, sure={"number": 0.9, "total": 0.95, "payee": 0.95})
    document = read(less, "less sure")

    assert less.status(document) == "accepted"
    assert {row.certificate for row in less.results(document).values()} == {UNCERTIFIED}


def test_where_a_certificate_of_documents_is_required_no_other_document_goes_untouched(
    make_house: Make,
) -> None:
    """Every row says why, and documents are still drawn, or none could ever be certified."""
    house = a_house(make_house, document_certificates=CertificateUse.REQUIRED)
    document = read(house)

    assert house.status(document) == "in_review"
    reasons = {row.reason for row in house.results(document).values()}
    assert reasons == {"document_uncertified"}
    assert len(house.rows("SELECT FROM document_draws WHERE NOT was_untouched")) == 1
    certified(house)
    assert house.status(read(house, "covered")) == "accepted"


def test_an_audit_of_a_certified_document_is_held_against_the_promise(make_house: Make) -> None:
    """By documents and not by rows: an alarm suspends it, and the policy decides again."""
    house = a_house(make_house, accept_at=0.999)
    read(house)
    done = certified(house)
    like_it(house, 60, wrong=60, certificate=str(done.certificate_id))
    document = read(house, "audited")
    say(house, "total", Action.CORRECT, "12.60", compared=True)

    (row,) = house.rows("SELECT state, alarm FROM reporting.certificates")
    assert row.state == "suspended"
    assert row.alarm == "of 61 audited documents that it accepted, 61 are wrong; promised were 2 %"
    assert house.status(document) == "reviewed"
    assert house.status(read(house, "after it")) == "in_review"


def test_a_certificate_of_documents_says_nothing_of_rows(make_house: Make) -> None:
    """A document that it does not cover has none of its rows accepted by it."""
    house = a_house(make_house, accept_at=0.999)
    read(house)
    certified(house)
    waits = a_house(make_house, sure={"number": 0.3}, accept_at=0.999)
    document = read(waits, "waits")

    assert {row.decision for row in waits.results(document).values()} == {"review"}


def test_documents_are_not_planned_by_weights_in_the_shadow(make_house: Make) -> None:
    """Their scores are those that they were routed by."""
    house = a_house(make_house)

    with pytest.raises(InvalidDecision, match="in force first"):
        certify.plan(ADA, "slip", house.rt, fit_id=UUID(int=1), documents=True)


def test_no_label_places_a_threshold(make_house: Make) -> None:
    """The same scores plan the same, whatever was found."""
    house = a_house(make_house)
    read(house)
    like_it(house, 300)
    with house.rt.transaction() as tx:
        before = certificates.promises_of_documents(tx, "slip", since=certify.SINCE)
        tx.session.execute(text("UPDATE audits SET found = 'wrong' WHERE found IS NOT NULL"))
    with house.rt.transaction() as tx:
        assert certificates.promises_of_documents(tx, "slip", since=certify.SINCE) == before

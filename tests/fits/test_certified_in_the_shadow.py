"""Weights in the shadow are certified by rows that were drawn while others decided."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.certificates import Band, Family
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.evaluation.test_fits import ADA, DOUBT, KEY, reviewed
from tests.fits.test_fits import a_slip, decided, kept, method_of
from tests.pipeline.conftest import (  # noqa: F401  fixtures
    TINY_CANVAS,
    TRUTH,
    House,
    Make,
    make_house,
    renderer,
)
from worker.audits import certificates, certify
from worker.audits.tables import PlanState
from worker.audits.types import Planned, Promise
from worker.fits import actions
from worker.review.errors import InvalidDecision

# Rows like the number of one document, on the same document: ``n`` counts them.
COPY = text("""
WITH like_this AS (
    SELECT a.*, r.generation, r.kind, r.field_id FROM audits a JOIN results r ON r.id = a.result_id
    WHERE r.document_id = :document AND r.name = 'number'
), made AS (
    INSERT INTO results (document_id, generation, name, ordinal, kind, state, text, read_state,
        read_text, score, threshold, decision, reason, decided_at, field_id)
    SELECT document_id, generation, :name, n, kind, 'value', 'x', 'value', 'x', score, 0.1,
        'accepted', 'value', now(), field_id FROM like_this, generate_series(1, :count) AS n
    RETURNING id, document_id
)
INSERT INTO audits (result_id, document_id, rate, fingerprint, conditions, method, score, family,
    band, was_accepted, drawn_at, found, judged_by, judged_at)
SELECT made.id, made.document_id, 0.05, fingerprint, conditions, method, score, family, band,
    true, clock_timestamp(), 'right', 'ada', now()
FROM made, like_this
""")


def run(house: House, query: str) -> None:
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(query)


def copies(house: House, document: UUID, name: str, count: int) -> None:
    with house.rt.transaction() as tx:
        tx.session.execute(COPY, {"document": document, "name": name, "count": count})


@pytest.fixture
def house(make_house: Make) -> House:
    """People decided some documents; what comes from then on reads well."""
    sure = [DOUBT]
    backend = ScriptedBackend(
        lambda page, spec: Line(truth={**TRUTH, "date": "14/04/2026"}, probability=sure[0]),
        canvas=TINY_CANVAS,
    )
    backend.fingerprint, backend.decode_mode = KEY
    made = make_house(backend=backend, audit_rate=1.0)
    reviewed(made, 4)
    sure[0] = 0.99999
    return made


def fitted(house: House) -> UUID:
    """Weights in the shadow that know nothing of what comes from now on."""
    return kept(house, until=datetime.now(UTC))


def planned(house: House, fit: UUID | None = None) -> Planned:
    made = certify.plan(ADA, "slip", house.rt, size=500, fit_id=fit)
    (one,) = (one for one in made if one.promise.family is Family.REST)
    return one


def outcome(house: House, plan: Planned) -> Planned:
    return certify.run_test(ADA, plan.certificate_id, house.rt)


def covered(house: House) -> set[str]:
    """The certificates that a new document's number and payee name."""
    rows = decided(house, a_slip(house))
    return {said for name, _, _, _, said in rows if name in {"number", "payee"}}


def promises(house: House, fit: UUID | None = None) -> Mapping[Promise, Sequence[float]]:
    with house.rt.transaction() as tx:
        only = None if fit is None else certify.fits.kept(tx, fit)
        return certificates.promises(tx, "slip", since=certify.SINCE, only=only)


def test_weights_are_certified_in_the_shadow_and_cover_from_their_first_document_on(
    house: House,
) -> None:
    """No day is without a promise; until a person says so it accepts nothing."""
    fit = fitted(house)
    document = a_slip(house)
    copies(house, document, "before", 300)
    plan = planned(house, fit)
    copies(house, document, "after", 500)
    a_slip(house)

    done = outcome(house, plan)

    assert done.promise.method == method_of(house, fit)
    assert done.state is PlanState.CERTIFIED
    assert covered(house) == {"uncertified"}
    actions.use(ADA, fit, "", house.rt)
    assert covered(house) == {str(done.certificate_id)}


def test_a_test_counts_rows_from_before_and_after_its_weights_began_to_decide(
    house: House,
) -> None:
    """They are drawn whatever decides."""
    fit = fitted(house)
    document = a_slip(house)
    copies(house, document, "before", 300)
    plan = planned(house, fit)
    copies(house, document, "in the shadow", 250)
    with pytest.raises(InvalidDecision, match="250 of the 500 rows of this test are not drawn"):
        outcome(house, plan)
    actions.use(ADA, fit, "", house.rt)
    copies(house, a_slip(house), "in force", 250)
    run(
        house,
        "UPDATE audits SET found = 'right', judged_by = 'ada', judged_at = now()"
        " WHERE found IS NULL AND was_accepted",
    )

    assert outcome(house, plan).state is PlanState.CERTIFIED


def test_documents_between_plan_and_test_are_counted_by_the_score_in_the_shadow(
    house: House,
) -> None:
    """Else nothing would be known of them to hold later ones against."""
    fit = fitted(house)
    document = a_slip(house)
    copies(house, document, "before", 300)
    plan = planned(house, fit)
    doubtful, _ = a_slip(house), a_slip(house)
    run(
        house,
        "UPDATE scores SET score = 0.5 WHERE starts_with(method, 'combined/1+') AND field_id ="
        f" (SELECT field_id FROM results WHERE document_id = '{doubtful}' AND name = 'number')",
    )
    run(house, f"DELETE FROM audits WHERE drawn_at > '{plan.planned_at}'")
    copies(house, document, "after", 500)
    outcome(house, plan)

    (row,) = house.rows("SELECT window_documents, window_doubtful FROM reporting.certificates")
    assert tuple(row) == (2, 1)


def test_what_is_planned_is_of_the_score_in_force(house: House) -> None:
    """Also by rows that were drawn while another one was."""
    fit = fitted(house)
    copies(house, a_slip(house), "before", 300)
    assert {one.method for one in promises(house)} == {"combined/1"}

    actions.use(ADA, fit, "", house.rt)
    assert planned(house).promise.method == method_of(house, fit)
    copies(house, a_slip(house), "in force", 300)

    actions.take_back(ADA, fit, "worse", house.rt)
    back = planned(house)
    assert back.promise.method == "combined/1"
    rest = [len(some) for one, some in promises(house).items() if one == back.promise]
    assert rest[0] > 600


def test_a_row_is_in_the_band_that_the_planned_score_puts_its_document_in(house: House) -> None:
    """The score in force may think better of the same document."""
    fit = fitted(house)
    document = a_slip(house)
    before = promises(house, fit)
    run(
        house,
        "UPDATE scores SET score = 0.2 WHERE starts_with(method, 'combined/1+')"
        " AND field_id IN (SELECT field_id FROM results"
        f" WHERE document_id = '{document}' AND name IN ('payee', 'date', 'total'))",
    )

    assert Band.POOR not in {one.band for one, some in before.items() if max(some) > 0.9}
    assert {one.band for one, some in promises(house, fit).items() if max(some) > 0.9} == {
        Band.POOR
    }


def test_a_document_with_a_reading_that_has_no_such_score_counts_for_nothing(
    house: House,
) -> None:
    """In force, another score would decide it."""
    fit = fitted(house)
    document = a_slip(house)
    had = sum(map(len, promises(house, fit).values()))
    others = sum(map(len, promises(house).values()))
    run(
        house,
        "DELETE FROM scores WHERE starts_with(method, 'combined/1+') AND field_id ="
        f" (SELECT field_id FROM results WHERE document_id = '{document}' AND name = 'total')",
    )

    assert had > 0
    assert promises(house, fit) == {}
    assert sum(map(len, promises(house).values())) == others


def test_documents_that_the_weights_may_know_are_not_in_a_test_in_the_shadow(
    house: House,
) -> None:
    """Those that came before the cut, whenever they are drawn."""
    fit = fitted(house)
    document = a_slip(house)
    copies(house, document, "before", 300)
    plan = planned(house, fit)
    copies(house, document, "after", 500)
    run(house, f"UPDATE documents SET created_at = '2001-01-01' WHERE id = '{document}'")

    with pytest.raises(InvalidDecision, match="500 of the 500 rows of this test are not drawn"):
        outcome(house, plan)


def test_weights_that_were_taken_back_are_not_planned_for(house: House) -> None:
    """Nobody computes their score any more, so the test would never come."""
    fit = fitted(house)
    copies(house, a_slip(house), "before", 300)
    actions.use(ADA, fit, "", house.rt)
    actions.take_back(ADA, fit, "worse", house.rt)

    with pytest.raises(InvalidDecision, match="taken back"):
        planned(house, fit)


def test_where_nothing_has_the_score_yet_it_says_how_it_gets_it(house: House) -> None:
    """Documents from before have it after they are scored again."""
    a_slip(house)

    with pytest.raises(InvalidDecision, match=r"there are 0.*surefield rescore"):
        planned(house, fitted(house))


def test_commands_plan_by_a_fit_and_say_what_is_certified(house, surefield):
    """By the beginning of its id; without a certificate it says so."""
    fit = fitted(house)
    copies(house, a_slip(house), "before", 300)
    surefield("certify", "plan", "slip", "--size", "500", "--fit", str(fit)[:8], "--who", "ada")
    rows = json.loads(surefield("certify", "list", "--json"))
    assert {one["method"] for one in rows} == {method_of(house, fit)}
    assert "nothing is certified" in surefield("fit", "--use", str(fit)[:8], "--who", "ada")

    run(
        house,
        "UPDATE certificates SET state = 'certified', threshold = 0.9, tested_at = now(),"
        " judged = 500, wrong = 0, effect = 1, bound = 0.005, valid_until = now() + '1 day',"
        " watched_since = now()",
    )
    surefield("fit", "--take-back", str(fit)[:8], "--because", "x", "--who", "ada")
    assert "from now on: slip rest" in surefield("fit", "--use", str(fit)[:8], "--who", "ada")

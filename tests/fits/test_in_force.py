"""What weights in force decide, and what they void."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.evaluation.test_fits import ADA, a_house, reviewed
from tests.fits.test_fits import a_slip, decided, kept, method_of, scores
from tests.pipeline.conftest import House, Make, make_house, renderer  # noqa: F401  fixtures
from worker.audits import certificates
from worker.audits.types import Promise
from worker.evaluation import fits as evaluation
from worker.fits import actions

# Documents like those that were drawn so far are accepted from a score of 0.01 on.
CERTIFIED = """
INSERT INTO certificates (document_type, family, band, conditions, fingerprint, method, alpha,
    delta, missed, thresholds, size, state, planned_by, tested_at, threshold, judged, wrong,
    effect, bound, valid_until, watched_since)
SELECT DISTINCT 'slip', 'rest', band, conditions, fingerprint, method, 0.01, 0.05, 0.1,
    '{0.01}'::float8[], 500, 'certified', 'ada', now(), 0.01, 500, 0, 1, 0.005,
    now() + interval '9 days', now()
FROM audits
"""


@pytest.fixture
def house(make_house: Make) -> House:
    """A house where people decided some documents."""
    made = a_house(make_house, audit_rate=1.0)
    reviewed(made, 4)
    return made


def methods_of(house: House, document: UUID) -> set[str]:
    """That its audits and its routing name."""
    rows = house.rows(
        "SELECT method FROM audits WHERE document_id = :id UNION"
        " SELECT method FROM routings WHERE document_id = :id",
        id=document,
    )
    return {row.method for row in rows}


def right(house: House, document: UUID) -> float:
    (row,) = house.rows(
        "SELECT probability_right FROM reporting.document_confidence WHERE document_id = :id",
        id=document,
    )
    return float(row.probability_right)


def product(house: House, document: UUID, method: str) -> float:
    whole = 1.0
    for score in scores(house, document)[method].values():
        whole *= score
    return whole


def test_weights_in_force_are_the_combined_score_until_they_are_taken_back(house: House) -> None:
    """Audits, routings and the probability of a document follow them."""
    fit = kept(house)
    method = method_of(house, fit)
    shadow = a_slip(house)
    assert methods_of(house, shadow) == {"combined/1"}
    assert right(house, shadow) == pytest.approx(product(house, shadow, "combined/1"))

    actions.use(ADA, fit, "", house.rt)
    used = a_slip(house)
    assert methods_of(house, used) == {method}
    assert right(house, used) == pytest.approx(product(house, used, method))
    assert right(house, used) != pytest.approx(product(house, used, "combined/1"))

    actions.take_back(ADA, fit, "worse", house.rt)
    after = a_slip(house)
    assert methods_of(house, after) == {"combined/1"}
    assert right(house, after) == pytest.approx(product(house, after, "combined/1"))
    assert method not in scores(house, after)


def test_a_certificate_of_the_score_before_covers_nothing_of_the_new_one(house: House) -> None:
    """And covers again when the new one is taken back; in the shadow it takes nothing away."""
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(CERTIFIED)
    fit = kept(house)

    def certified() -> set[str]:
        rows = decided(house, a_slip(house))
        return {name for name, _, _, _, certificate in rows if len(certificate) == 36}

    assert "payee" in certified()
    actions.use(ADA, fit, "", house.rt)
    assert certified() == set()
    actions.take_back(ADA, fit, "worse", house.rt)
    assert "payee" in certified()


def test_a_types_own_weights_go_before_those_of_all_types(house: House) -> None:
    until = datetime.now(UTC) + timedelta(seconds=1)
    whole = kept(house, until=until)
    reviewed(house, 1)
    until = datetime.now(UTC) + timedelta(seconds=1)
    (found,) = evaluation.found(house.rt, document_type="slip", until=until)
    own = evaluation.keep(ADA, found, "to try it", house.rt)
    actions.use(ADA, own, "", house.rt)
    actions.use(ADA, whole, "", house.rt)

    document = a_slip(house)
    assert methods_of(house, document) == {method_of(house, own)}
    assert right(house, document) == pytest.approx(product(house, document, method_of(house, own)))


def test_a_document_that_was_scored_before_keeps_its_score(house: House) -> None:
    """There is no number of the new one for it; scoring it again makes one."""
    before = a_slip(house)
    said = right(house, before)
    actions.use(ADA, kept(house), "", house.rt)

    assert right(house, before) == said


def test_no_certificate_of_fitted_weights_rests_on_documents_that_they_may_know(
    house: House,
) -> None:
    """Those that came before the cut; whatever day they are drawn."""
    fit = kept(house)
    actions.use(ADA, fit, "", house.rt)
    old, new = a_slip(house), a_slip(house)
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run(f"UPDATE documents SET created_at = now() - interval '1 day' WHERE id = '{old}'")
        run(f"UPDATE documents SET created_at = now() + interval '1 day' WHERE id = '{new}'")
    (row,) = house.rows(
        "SELECT DISTINCT band, conditions, method FROM audits WHERE document_id = :id", id=new
    )
    promise = Promise(
        document_type="slip", family="rest", band=row.band, conditions=row.conditions,
        method=row.method,
    )  # fmt: skip
    since = datetime.now(UTC) - timedelta(hours=1)
    with house.rt.transaction() as tx:
        found = certificates.drawn(tx, promise, since=since, least=0.0, size=100)
    (one,) = house.rows(
        "SELECT count(*) FROM audits WHERE document_id = :id AND family = 'rest'", id=new
    )
    (other,) = house.rows(
        "SELECT count(*) FROM audits WHERE document_id = :id AND family = 'rest'", id=old
    )

    assert len(found) == one.count == other.count > 0


def test_weights_of_other_features_stop_no_document(house: House) -> None:
    """A later release may look at other numbers: there what ships decides."""
    fit = kept(house)
    actions.use(ADA, fit, "", house.rt)
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run("ALTER TABLE fits DISABLE TRIGGER append_only")
        run(
            "UPDATE fits SET weights = jsonb_set(weights, '{weights,no look,of,colour}', '1.0'),"
            " who = 'another release'"
        )
        run("ALTER TABLE fits ENABLE TRIGGER append_only")

    document = a_slip(house)
    assert house.status(document) == "in_review"
    assert methods_of(house, document) == {"combined/1"}

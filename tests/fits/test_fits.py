"""Weights that were fitted here: kept once, in the shadow at first, in force when a person says."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from extractors.decision.combined import bundled
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.evaluation.test_fits import ADA, KEY, a_house, reviewed
from tests.pipeline.conftest import House, Make, a_pdf, make_house, renderer  # noqa: F401  fixtures
from worker.errors import NotFound
from worker.evaluation import fits as evaluation
from worker.fits import actions, store
from worker.fits.types import FitState
from worker.pipeline import again
from worker.review.errors import InvalidDecision

SLIP = ("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR")


def kept(house: House, *, because: str = "to try it", until: datetime | None = None) -> UUID:
    """Weights by all that was decided."""
    until = until or datetime.now(UTC) + timedelta(seconds=1)
    (found,) = evaluation.found(house.rt, document_type=None, until=until)
    return evaluation.keep(ADA, found, because, house.rt)


def a_slip(house: House) -> UUID:
    document = house.submit(a_pdf(*SLIP))
    house.work()
    return document


def scores(house: House, document: UUID) -> dict[str, dict[str, float]]:
    """By method and field."""
    rows = house.rows(
        "SELECT s.method, r.name, s.score FROM results r JOIN scores s ON s.field_id = r.field_id"
        " JOIN documents d ON d.id = r.document_id AND d.generation = r.generation"
        " WHERE r.document_id = :id",
        id=document,
    )
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row.method, {})[row.name] = row.score
    return found


def decided(house: House, document: UUID) -> list[tuple[Any, ...]]:
    """What became of each field, and by which score."""
    rows = house.results(document).values()
    return sorted((r.name, r.decision, r.score, r.method, r.certificate) for r in rows)


def method_of(house: House, fit: UUID) -> str:
    with house.rt.transaction() as tx:
        return store.kept(tx, fit).method


def state_of(house: House, fit: UUID) -> FitState:
    with house.rt.transaction() as tx:
        return store.kept(tx, fit).state


@pytest.fixture
def house(make_house: Make) -> House:
    """A house where people decided some documents."""
    made = a_house(make_house, audit_rate=1.0)
    reviewed(made, 6)
    return made


def test_a_new_fit_is_computed_beside_what_decides_and_decides_nothing(house: House) -> None:
    before = a_slip(house)
    fit = kept(house)
    after = a_slip(house)
    method = method_of(house, fit)

    assert state_of(house, fit) is FitState.SHADOW
    assert method.startswith("combined/1+")
    assert method not in scores(house, before)
    shadow, ships = scores(house, after)[method], scores(house, after)["combined/1"]
    assert shadow.keys() == ships.keys()
    assert all(shadow[name] != ships[name] for name in ships)
    assert {row.method for row in house.rows("SELECT method FROM audits")} == {"combined/1"}
    seen = [[row[:4] for row in decided(house, one)] for one in (before, after)]
    assert seen[0] == seen[1]


def test_scoring_again_gives_earlier_documents_its_score_and_twice_changes_nothing(
    house: House,
) -> None:
    document = a_slip(house)
    method = method_of(house, kept(house))
    for _ in range(2):
        again.one(house.rt, document, again.Again.RESCORE, by="person:ada")
        house.work()
        found = scores(house, document)
        assert found[method].keys() == found["combined/1"].keys()


def test_readings_of_another_model_have_no_such_score(make_house: Make, house: House) -> None:
    method = method_of(house, kept(house))
    other = a_house(make_house, known=False)

    assert method not in scores(other, a_slip(other))


def test_the_same_labels_are_kept_once_and_no_row_ever_changes(house: House) -> None:
    until = datetime.now(UTC) + timedelta(seconds=1)
    fit = kept(house, until=until)
    assert kept(house, until=until) == fit
    for change in ("UPDATE fits SET who = 'eve'", "DELETE FROM fits", "TRUNCATE fits CASCADE"):
        with pytest.raises(DBAPIError), house.rt.transaction() as tx:
            tx.session.connection().exec_driver_sql(change)


def test_what_is_not_better_is_kept_with_a_reason_alone(house: House) -> None:
    until = datetime.now(UTC) + timedelta(seconds=1)
    (found,) = evaluation.found(house.rt, document_type=None, until=until)
    assert not found.is_better
    with pytest.raises(InvalidDecision, match="--because"):
        evaluation.keep(ADA, found, "  ", house.rt)
    evaluation.keep(ADA, found, "to try it", house.rt)

    (row,) = house.rows("SELECT because, fitted_by, labels, wrong FROM reporting.fits")
    assert tuple(row) == ("to try it", "ada", found.labels, found.wrong)


def test_a_person_puts_one_in_force_and_takes_it_back(house: House) -> None:
    """Each with who and why; twice is refused, and so is a fit that nobody has."""
    fit = kept(house)
    with pytest.raises(InvalidDecision, match="in the shadow"):
        actions.take_back(ADA, fit, "no reason", house.rt)
    assert actions.use(ADA, fit, "", house.rt).state is FitState.IN_FORCE
    with pytest.raises(InvalidDecision, match="in force"):
        actions.use(ADA, fit, "", house.rt)
    with pytest.raises(InvalidDecision, match="Say why"):
        actions.take_back(ADA, fit, " ", house.rt)
    assert actions.take_back(ADA, fit, "worse", house.rt).state is FitState.TAKEN_BACK
    assert actions.use(ADA, fit, "after all", house.rt).state is FitState.IN_FORCE
    with pytest.raises(NotFound):
        actions.use(ADA, UUID(int=7), "", house.rt)
    said = house.rows("SELECT decides, who, because FROM fit_uses ORDER BY id")
    assert [tuple(row) for row in said] == [
        (True, "ada", None), (False, "ada", "worse"), (True, "ada", "after all")
    ]  # fmt: skip


def test_a_fit_is_typed_kept_used_listed_and_taken_back(house: House, surefield) -> None:
    assert "It is not kept" in surefield("fit")
    assert json.loads(surefield("fit", "--list", "--json")) == []
    assert "Kept as" not in surefield("fit", "--say-only", "--because", "to try it")
    (said,) = json.loads(surefield("fit", "--because", "to try it", "--json", "--who", "ada"))
    id = said["kept"][:8]

    assert "in force" in surefield("fit", "--use", id)
    (row,) = json.loads(surefield("fit", "--list", "--json"))
    assert (row["state"], row["fitted_by"], row["fit"]) == ("in_force", "ada", said["kept"])
    surefield("fit", "--take-back", id, fails=True)
    assert "taken back" in surefield("fit", "--take-back", id, "--because", "worse")
    assert "not_found" in surefield("fit", "--use", "12345678", fails=True)
    assert "at most one" in surefield("fit", "--use", id, "--list", fails=True)


def test_what_ships_and_what_is_kept_have_one_form(house: House) -> None:
    """Numbers in JSON that are checked when they are read: signs of weights among them."""
    kept(house)
    (row,) = house.rows("SELECT weights FROM fits")
    assert row.weights["weights"].keys() == bundled()[KEY].model_dump(mode="json")["weights"].keys()
    assert row.weights["fitted_on"]["prior_worth"] == 1500

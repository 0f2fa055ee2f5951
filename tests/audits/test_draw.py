"""Which rows are drawn: before anything is decided, and independently of it."""

from uuid import UUID, uuid4

import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.audits import (
    could_be_accepted,
    could_be_untouched,
    is_drawn,
    is_drawn_whole,
)
from extractors.decision.decide import Decision, Outcome, Reason
from extractors.decision.policy import PROVISIONAL, UNCERTIFIED, PolicyName
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, Make, a_pdf
from worker.audits import store
from worker.pipeline.stages import route

KEY = bytes(range(32))
DOCUMENT = UUID(int=7)


def drawn(rate: float, *, key: bytes = KEY, document: UUID = DOCUMENT, **place: object) -> bool:
    where = {"generation": 1, "name": "total", "ordinal": 0, **place}
    return is_drawn(key, document, rate=rate, **where)  # type: ignore[arg-type]


def a_decision(*doubts: str, score: float | None = 0.9) -> Decision:
    reasons = tuple(Reason(code=code, message=code) for code in doubts)
    return Decision(
        outcome=Outcome.REVIEW if doubts else Outcome.ACCEPTED,
        reason=reasons[0] if reasons else Reason(code="value", message="sure enough"),
        doubts=reasons,
        score=score,
        method="weakest-token/1",
        threshold=0.7,
    )


def test_the_same_row_is_drawn_again_or_again_not() -> None:
    """A stage that runs twice draws the same rows."""
    once = [drawn(0.5, document=UUID(int=n)) for n in range(200)]

    assert once == [drawn(0.5, document=UUID(int=n)) for n in range(200)]
    assert 0 < sum(once) < 200


def test_rate_is_the_share_that_is_drawn() -> None:
    """Of 20,000 rows at 5 %, within five standard deviations."""
    share = sum(drawn(0.05, document=UUID(int=n)) for n in range(20_000)) / 20_000

    assert abs(share - 0.05) < 5 * (0.05 * 0.95 / 20_000) ** 0.5


def test_nothing_is_drawn_at_0_and_everything_at_1() -> None:
    """The ends of the scale are exact."""
    rows = [uuid4() for _ in range(500)]

    assert not any(drawn(0.0, document=one) for one in rows)
    assert all(drawn(1.0, document=one) for one in rows)


@pytest.mark.parametrize(
    "other", [{"generation": 2}, {"name": "payee"}, {"ordinal": 1}, {"key": bytes(32)}]
)
def test_another_row_or_another_installation_has_another_draw(other: dict[str, object]) -> None:
    """Each part of the place counts, and the secret."""
    rows = [UUID(int=n) for n in range(300)]

    assert [drawn(0.5, document=one) for one in rows] != [
        drawn(0.5, document=one, **other)  # type: ignore[arg-type]
        for one in rows
    ]


def test_what_a_score_decides_can_be_drawn_and_what_a_witness_denies_can_not() -> None:
    """No threshold would accept it."""
    assert could_be_accepted(a_decision())
    assert could_be_accepted(a_decision("low_score", "row_in_doubt", "look_differs"))
    assert not could_be_accepted(a_decision("low_score", "sum_differs"))
    assert not could_be_accepted(a_decision("not_scored", score=None))
    assert not could_be_accepted(a_decision(score=None))


def test_a_document_is_drawn_apart_from_its_rows_and_again_or_again_not() -> None:
    """At the rate, by a hash of its own: rows of a drawn document are drawn no more often."""
    every = [UUID(int=n) for n in range(20_000)]
    whole = [is_drawn_whole(KEY, one, generation=1, rate=0.05) for one in every]

    assert whole[:200] == [is_drawn_whole(KEY, one, generation=1, rate=0.05) for one in every[:200]]
    assert abs(sum(whole) / len(whole) - 0.05) < 5 * (0.05 * 0.95 / len(whole)) ** 0.5
    of_drawn = [drawn(0.5, document=one) for one, hit in zip(every, whole, strict=True) if hit]
    assert abs(sum(of_drawn) / len(of_drawn) - 0.5) < 5 * 0.5 / len(of_drawn) ** 0.5
    assert not any(is_drawn_whole(KEY, one, generation=1, rate=0.0) for one in every[:500])
    assert all(is_drawn_whole(KEY, one, generation=1, rate=1.0) for one in every[:500])


def test_only_what_scores_could_lift_keeps_a_document_from_being_untouched() -> None:
    """That a page may hold further rows is a matter of scores, too; a missing score is not."""
    assert could_be_untouched([a_decision(), a_decision("low_score"), a_decision("list_unsure")])
    assert not could_be_untouched([a_decision(), a_decision("sum_differs")])
    assert not could_be_untouched([a_decision(), a_decision(score=None)])


def draws_of(house: House) -> list[tuple[str, bool, float]]:
    return [
        (row.name, row.was_accepted, row.rate)
        for row in house.rows(
            "SELECT r.name, a.was_accepted, a.rate FROM audits a"
            " JOIN results r ON r.id = a.result_id ORDER BY r.name"
        )
    ]


def test_at_rate_1_every_scored_row_is_drawn_whatever_became_of_it(make_house: Make) -> None:
    """The payee is doubtful, and is drawn like the rest; a list has no text, and is not."""
    said = Line(truth=TRUTH, doubts={"payee": 0.4})
    house = make_house(said, audit_rate=1.0)
    document = house.submit(a_pdf())
    house.work()

    waits = house.results(document)["payee"]
    assert (waits.decision, waits.reason) == ("review", "low_score")
    assert draws_of(house) == [
        ("currency", True, 1.0),
        ("date", True, 1.0),
        ("number", True, 1.0),
        ("payee", False, 1.0),
        ("total", True, 1.0),
    ]


def test_an_absence_that_is_not_sure_is_drawn_too(make_house: Make) -> None:
    """Another threshold would accept it."""
    said = Line(truth={**TRUTH, "number": None}, probability={"number": 0.5})
    house = make_house(said, audit_rate=1.0)
    document = house.submit(a_pdf("Foo Ltd", "03/04/2026", "Total 12.50 EUR"))
    house.work()

    assert house.results(document)["number"].reason == "absence_unsure"
    assert ("number", False, 1.0) in draws_of(house)


def test_at_rate_0_nothing_is_drawn(make_house: Make) -> None:
    """Under the plain policy nobody has to audit anything."""
    house = make_house(audit_rate=0.0)
    house.submit(a_pdf())
    house.work()

    assert draws_of(house) == []


def test_a_document_that_is_routed_twice_is_drawn_once(make_house: Make) -> None:
    """The second run finds the first one's results and draws."""
    house = make_house(audit_rate=1.0)
    document = house.submit(a_pdf())
    house.work()
    before = house.rows("SELECT * FROM audits ORDER BY id")
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE documents SET status = 'scored', finished_at = NULL"
        )
    route.run(document, house.rt)

    assert house.status(document) == "accepted"
    assert house.rows("SELECT * FROM audits ORDER BY id") == before


def careful(make_house: Make) -> House:
    backend = ScriptedBackend(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS)
    return make_house(backend=backend, policy=PolicyName.CAREFUL, looks=2, audit_rate=0.0)


def test_a_models_first_accepted_rows_are_all_drawn_and_say_that_they_are_provisional(
    make_house: Make,
) -> None:
    """Under the careful policy a model that nobody measured is measured first."""
    house = careful(make_house)
    document = house.submit(a_pdf())
    house.work()

    accepted = [row for row in house.results(document).values() if row.decision == "accepted"]
    scalars = [row for row in accepted if row.kind != "group"]
    assert scalars
    assert {row.certificate for row in scalars} == {PROVISIONAL}
    assert len([one for one in draws_of(house) if one[1]]) == len(scalars)


def test_after_the_first_ones_the_rate_counts_again(make_house: Make) -> None:
    """Only accepted rows count, and only those of the same model."""
    house = careful(make_house)
    first = house.submit(a_pdf())
    house.work()
    with house.rt.transaction() as tx:
        (model,) = {row.fingerprint for row in house.rows("SELECT fingerprint FROM audits")}
        counted = store.accepted_so_far(tx, [model, "another"], most=299)
        assert counted == {model: len(draws_of(house)), "another": 0}
        tx.session.connection().exec_driver_sql(
            "INSERT INTO results (document_id, generation, name, ordinal, kind, state, text,"
            " read_state, read_text, score, threshold, decision, reason, decided_at)"
            " SELECT document_id, 1, 'more', n, 'text', 'value', 'x', 'value', 'x', 1, 0.9,"
            " 'accepted', 'value', now()"
            " FROM (SELECT document_id FROM results LIMIT 1) AS d, generate_series(1, 299) AS n"
        )
        tx.session.connection().exec_driver_sql(
            "INSERT INTO audits (result_id, document_id, rate, fingerprint, score, was_accepted)"
            f" SELECT id, document_id, 1, '{model}', 1, true FROM results WHERE name = 'more'"
        )
    before = len(draws_of(house))
    second = house.submit(a_pdf("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR", "again"))
    house.work()

    assert house.status(second) == house.status(first)
    assert len(draws_of(house)) == before
    assert PROVISIONAL not in {row.certificate for row in house.results(second).values()}
    assert {row.certificate for row in house.results(second).values()} == {UNCERTIFIED}

"""Further looks at a page: taken with its first reading, stored beside it, heard where the policy
asks for them.
"""

import math
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.combined import bundled
from extractors.decision.policy import PolicyName
from extractors.documents import BUILT_IN
from extractors.types import LookKind
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, a_pdf
from worker import store
from worker.pipeline import again
from worker.pipeline.stages import extract

SURE = 0.999


def truths(*said, probability=SURE, otherwise=TRUTH):
    """A script: what the first reading of a page says, then its further looks."""
    times = Counter()

    def script(page, spec):
        times[page.number] += 1
        at = times[page.number] - 1
        return Line(truth=said[at] if at < len(said) else otherwise, probability=probability)

    return ScriptedBackend(script, canvas=TINY_CANVAS)


def careful(make_house, backend, **changes):
    options = {"policy": PolicyName.CAREFUL, "looks": 2, **changes}
    return make_house(backend=backend, **options)


def looks_stored(house):
    return [row.look for row in house.rows("SELECT look FROM readings ORDER BY look")]


def test_no_look_is_taken_unless_somebody_asks(house):
    house.submit(a_pdf())
    house.work()
    assert looks_stored(house) == [0]


def test_three_readings_that_say_the_same_are_accepted(make_house):
    house = careful(make_house, truths())
    document = house.submit(a_pdf())
    house.work()

    assert house.status(document) == "accepted"
    assert looks_stored(house) == [0, 1, 2]
    assert {row.threshold for row in house.results(document).values()} == {0.9}


def test_a_look_is_another_picture_and_all_go_to_the_backend_together(make_house):
    pictures = []
    backend = ScriptedBackend(
        lambda page, spec: pictures.append(page.png) or Line(truth=TRUTH, probability=SURE),
        canvas=TINY_CANVAS,
    )
    house = careful(make_house, backend)
    house.submit(a_pdf(pages=2))
    house.work()

    assert len(set(pictures)) == 6
    assert backend.calls == [(1, 2), (1, 2, 1, 2)]


@pytest.mark.parametrize("at", [1, 2])
def test_a_look_that_reads_something_else_sends_the_field_to_a_person(make_house, at):
    """Whichever look it is; the answer stays that of the first reading."""
    said = [TRUTH] * 3
    said[at] = {**TRUTH, "total": "17.50"}
    house = careful(make_house, truths(*said))
    document = house.submit(a_pdf())
    house.work()

    total = house.results(document)["total"]
    assert (total.text, total.decision, total.reason) == ("12.50", "review", "look_differs")
    assert total.details["message"] == "read again, the page says 17.50"
    assert house.results(document)["payee"].decision == "accepted"


def test_a_look_that_says_the_same_less_surely_sends_the_field_to_a_person(make_house):
    times = Counter()

    def script(page, spec):
        times[page.number] += 1
        doubts = {"total": 0.6} if times[page.number] == 3 else {}
        return Line(truth=TRUTH, probability=SURE, doubts=doubts)

    house = careful(make_house, ScriptedBackend(script, canvas=TINY_CANVAS))
    document = house.submit(a_pdf())
    house.work()

    total = house.results(document)["total"]
    assert (total.decision, total.reason) == ("review", "look_unsure")
    assert total.details["message"] == "read again, the page says the same, and less surely (0.60)"


def test_a_look_that_writes_the_same_value_otherwise_sends_it_to_a_person(make_house):
    """The careful policy asks for the same characters: 12,50 may be half of 12,504."""
    said = [TRUTH, TRUTH, {**TRUTH, "total": "12,50"}]
    house = careful(make_house, truths(*said))
    document = house.submit(a_pdf())
    house.work()

    total = house.results(document)["total"]
    assert (total.text, total.decision, total.reason) == ("12.50", "review", "look_differs")
    assert total.details["message"] == "read again, the page says 12,50"


def test_a_look_with_a_row_more_does_not_say_that_the_row_is_not_there(make_house):
    """Nobody knows which row it is: the reason names both."""
    row = {"description": "Foo Ltd", "amount": "12.50"}
    one, two = {**TRUTH, "items": [row]}, {**TRUTH, "items": [row, row]}
    house = careful(make_house, truths(one, one, two))
    document = house.submit(a_pdf())
    house.work()

    doubts = house.results(document)["items.amount"].details["doubts"]
    assert "read again, the page says nothing here, or has other rows" in {
        doubt["message"] for doubt in doubts
    }


def test_a_look_that_finds_nothing_says_so(make_house):
    house = careful(make_house, truths(TRUTH, {**TRUTH, "number": None}, TRUTH))
    document = house.submit(a_pdf())
    house.work()

    number = house.results(document)["number"]
    assert number.details["message"] == "read again, the page says nothing here"


def test_a_look_that_finds_what_was_absent_sends_it_to_a_person(make_house):
    absent = {**TRUTH, "number": None}
    house = careful(make_house, truths(absent, absent, TRUTH))
    document = house.submit(a_pdf())
    house.work()

    number = house.results(document)["number"]
    assert (number.state, number.decision) == ("absent", "review")
    assert "look_differs" in {doubt["code"] for doubt in number.details["doubts"]}


def test_a_field_that_is_absent_on_two_pages_needs_the_looks_of_both(make_house):
    absent = {**TRUTH, "number": None}
    times = Counter()

    def script(page, spec):
        times[page.number] += 1
        found = page.number == 2 and times[2] == 3
        return Line(truth=TRUTH if found else absent, probability=SURE)

    house = careful(make_house, ScriptedBackend(script, canvas=TINY_CANVAS))
    document = house.submit(a_pdf(pages=2))
    house.work()
    assert "look_differs" in {
        doubt["code"] for doubt in house.results(document)["number"].details["doubts"]
    }


def test_an_opening_that_was_not_sure_sends_the_field_to_a_person(make_house):
    """Every token is sure enough, and the one that opens the value is not."""
    house = careful(make_house, truths(probability=0.95))
    document = house.submit(a_pdf())
    house.work()

    total = house.results(document)["total"]
    assert (total.decision, total.reason) == ("review", "opening_unsure")
    row = house.rows("SELECT opening, opening_other FROM fields WHERE name = 'total'")[0]
    assert (row.opening, row.opening_other) == (pytest.approx(math.log(0.95)), None)


def test_readings_without_looks_are_no_proof(make_house):
    """The policy was changed after the page had been read."""
    house = careful(make_house, truths(), looks=0)
    document = house.submit(a_pdf())
    house.work()

    assert house.results(document)["total"].reason == "looks_missing"


def test_the_plain_policy_does_not_mind_what_looks_say(make_house):
    house = make_house(backend=truths(TRUTH, {**TRUTH, "total": "17.50"}), looks=1)
    document = house.submit(a_pdf())
    house.work()

    assert looks_stored(house) == [0, 1]
    assert house.status(document) == "accepted"


@pytest.mark.parametrize(("probability", "looks"), [(0.95, [0, 1]), (0.9999, [0])])
def test_sure_pages_are_looked_at_once(make_house, probability, looks):
    house = make_house(backend=truths(probability=probability), looks=1, look_below=0.99)
    house.submit(a_pdf())
    house.work()
    assert looks_stored(house) == looks


def test_a_document_type_has_the_last_word(make_house, monkeypatch):
    monkeypatch.setitem(BUILT_IN, "slip", replace(BUILT_IN["slip"], looks=1))
    house = make_house(backend=truths())
    house.submit(a_pdf())
    house.work()
    assert looks_stored(house) == [0, 1]


def test_a_type_that_wants_no_looks_has_none(make_house, monkeypatch):
    """Whatever the settings say: 0 is a word, too."""
    monkeypatch.setitem(BUILT_IN, "slip", replace(BUILT_IN["slip"], looks=0))
    house = make_house(backend=truths(), looks=2)
    house.submit(a_pdf())
    house.work()
    assert looks_stored(house) == [0]


@pytest.mark.parametrize("page_of_values", [1, 2])
def test_a_look_is_held_against_the_reading_of_its_own_page(make_house, page_of_values):
    """The other page says something else of the same fields, and is looked at itself."""
    nothing = dict.fromkeys(TRUTH) | {"items": []}

    def script(page, spec):
        return Line(truth=TRUTH if page.number == page_of_values else nothing, probability=SURE)

    house = careful(make_house, ScriptedBackend(script, canvas=TINY_CANVAS))
    document = house.submit(a_pdf(pages=2))
    house.work()

    assert {row.reason for row in house.results(document).values()} == {"value", "absent"}
    assert house.status(document) == "accepted"


def test_a_worker_that_dies_before_it_saves_leaves_nothing_doubled(make_house, monkeypatch):
    """The looks come into the database with the first reading or not at all."""
    house = careful(make_house, truths())
    document = house.submit(a_pdf())
    plain = store.pages.save_readings

    def lost(tx, readings):
        plain(tx, readings)
        raise OperationalError("the connection broke", None, Exception())

    monkeypatch.setattr(extract.store.pages, "save_readings", lost)
    house.work()
    assert looks_stored(house) == []

    monkeypatch.setattr(extract.store.pages, "save_readings", plain)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE pages SET lease_until = NULL")
    extract.run(document, house.rt)
    house.work()
    assert looks_stored(house) == [0, 1, 2]
    assert house.status(document) == "accepted"


def test_read_again_is_looked_at_again(make_house):
    """A new generation has looks of its own, and the old ones are not heard."""
    house = careful(make_house, truths(TRUTH, {**TRUTH, "total": "17.50"}))
    document = house.submit(a_pdf())
    house.work()
    assert house.results(document)["total"].reason == "look_differs"

    again.one(house.rt, document, again.Again.REREAD, by="tests")
    house.work()
    rows = house.rows("SELECT generation, look FROM readings ORDER BY generation, look")
    assert [tuple(row) for row in rows] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]


def combined_scores(make_house, backend, looks=2, **changes):
    """Of each field of a page, by the combined method."""
    house = make_house(backend=backend, looks=looks, **changes)
    house.submit(a_pdf())
    house.work()
    rows = house.rows(
        "SELECT f.name, s.score FROM scores s JOIN fields f ON f.id = s.field_id"
        " WHERE s.method = 'combined/1' AND f.ordinal = 0"
    )
    return {row.name: row.score for row in rows}


def of_the_bundled_model(backend):
    backend.fingerprint, backend.decode_mode = max(bundled())
    return backend


def test_the_combined_score_listens_to_the_looks(make_house):
    """One that differs lowers the score of its own field alone."""
    other = {**TRUTH, "total": "17.50"}
    agreed = combined_scores(make_house, of_the_bundled_model(truths()))
    differed = combined_scores(make_house, of_the_bundled_model(truths(TRUTH, other, other)))
    alone = combined_scores(make_house, of_the_bundled_model(truths()), looks=0)

    assert differed["total"] < alone["total"] < agreed["total"]
    assert differed["payee"] == agreed["payee"]


def test_another_model_has_no_combined_score(make_house):
    """NULL, and not 0: nothing is known."""
    assert set(combined_scores(make_house, truths()).values()) == {None}


def forced(make_house, backend, **changes):
    return make_house(backend=backend, looks=2, look_kind=LookKind.FORCED, **changes)


def test_a_forced_look_holds_the_first_answer_and_reads_nothing(make_house):
    """Whatever the page says there: the answer is the first reading's, and so are the texts."""
    other = {**TRUTH, "total": "17.50"}
    house = forced(make_house, truths(TRUTH, other, TRUTH))
    document = house.submit(a_pdf())
    house.work()

    assert house.results(document)["total"].text == "12.50"
    rows = house.rows(
        "SELECT r.look, r.forced, f.text FROM readings r JOIN fields f ON f.reading_id = r.id"
        " WHERE f.name = 'total' ORDER BY r.look"
    )
    assert [tuple(row) for row in rows] == [
        (0, False, "12.50"),
        (1, True, "12.50"),
        (2, True, "12.50"),
    ]


def test_a_forced_look_is_no_agreement(make_house):
    """It repeats the first answer because it was told to: a policy that asks for agreement asks for
    readings.
    """
    house = forced(make_house, truths(), policy=PolicyName.CAREFUL)
    document = house.submit(a_pdf())
    house.work()

    reasons = {row.reason for row in house.results(document).values()}
    assert "looks_missing" in reasons
    assert house.status(document) == "in_review"


def test_the_combined_score_listens_to_forced_looks(make_house):
    """What is less probable on the moved page scores less, and other fields do not."""
    other = {**TRUTH, "total": "17.50"}

    def scores(*said):
        backend = of_the_bundled_model(truths(*said))
        return combined_scores(make_house, backend, look_kind=LookKind.FORCED)

    held, doubted = scores(), scores(TRUTH, other, other)
    assert doubted["total"] < held["total"]
    assert doubted["payee"] == held["payee"]


def test_a_types_own_kind_of_look_goes_before_the_setting(make_house, monkeypatch):
    monkeypatch.setitem(
        BUILT_IN, "slip", replace(BUILT_IN["slip"], looks=1, look_kind=LookKind.FORCED)
    )
    house = make_house(backend=truths())
    house.submit(a_pdf())
    house.work()
    rows = house.rows("SELECT look, forced FROM readings ORDER BY look")
    assert [tuple(row) for row in rows] == [(0, False), (1, True)]


class ReadsOnly:
    """A backend of somebody else: it reads, and holds no answer against another page."""

    def __init__(self):
        inner = truths()
        self.answer, self.in_domain = inner.answer, inner.in_domain
        for name in ("model", "fingerprint", "decode_mode", "canvas", "batch_pages", "settings"):
            setattr(self, name, getattr(inner, name))


def test_a_backend_that_only_reads_is_a_setting_to_mend(make_house):
    """The document waits, and the stage pauses until somebody changes it."""
    house = forced(make_house, ReadsOnly())
    document = house.submit(a_pdf())
    house.work()

    assert house.status(document) == "rendered"
    assert [row.stage for row in house.rows("SELECT stage FROM stage_pauses")] == ["extract"]
    [row] = house.rows("SELECT error_message FROM documents")
    assert "SUREFIELD_LOOK_KIND=free" in row.error_message


def test_a_first_reading_cannot_be_forced(house):
    """The database refuses an answer that nobody read."""
    house.submit(a_pdf())
    house.work()
    with pytest.raises(IntegrityError, match="readings_forced_check"), house.rt.transaction() as tx:
        tx.session.execute(text("UPDATE readings SET forced = true"))

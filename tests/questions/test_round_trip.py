"""A document that lacks something asks its sender, and goes on from the answer."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from extractors.backends.scripted import Line, ScriptedBackend
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, Make, a_pdf
from tests.questions.making import (
    LACKING,
    PASSWORD,
    an_asking_house,
    locked,
    moves,
    questions,
    sent,
    the_question,
)
from worker.actor import Actor
from worker.errors import NotFound
from worker.intake import actions as intake
from worker.intake import sources
from worker.pipeline import flow
from worker.questions import actions, store
from worker.questions.errors import (
    InvalidAnswer,
    InvalidQuestion,
    NoSuchLink,
    QuestionAnswered,
    QuestionOver,
)
from worker.questions.types import Answer, Asked, New, Went
from worker.tables.questions import QuestionState, Wanted

ADA = Actor("ada")
RESCAN = New(wanted=Wanted.FILE, text="Please scan it again.", doubt="illegible")


def answered(house: House, asked: Asked, said: Answer, **more: str) -> Went:
    """The answer of the document's sender, and the work that follows."""
    went = actions.answer(
        asked.question_id, said, house.rt, door="api", **{"upstream": "tests", **more}
    )
    house.work()
    return went


def test_an_encrypted_file_is_read_with_the_password_that_its_sender_answers(
    make_house: Make,
) -> None:
    """It never fails, and the password is kept nowhere."""
    house = an_asking_house(make_house)
    document = sent(house, locked())
    asked = the_question(house, document)
    assert house.status(document) == "needs_input"
    assert (asked.wanted, asked.doubt) == (Wanted.PASSWORD, "encrypted_pdf")

    answered(house, asked, Answer(password=PASSWORD))

    assert house.status(document) == "accepted"
    (row,) = questions(house, document)
    assert (row.state, row.closed_by, row.door, row.answer) == (
        QuestionState.ANSWERED,
        "upstream:tests",
        "api",
        None,
    )
    assert house.rows("SELECT 1 FROM secrets") == []
    assert "failed" not in [to for to, _, _ in moves(house, document)]
    assert PASSWORD not in str(house.rows("SELECT * FROM questions"))


def test_a_wrong_password_asks_again_and_three_are_enough(make_house: Make) -> None:
    """Then the file fails with its code, as one that nobody is asked about."""
    house = an_asking_house(make_house)
    document = sent(house, locked())
    for _ in range(3):
        assert house.status(document) == "needs_input"
        answered(house, the_question(house, document), Answer(password="wrong"))

    (row,) = house.rows("SELECT status, error_code FROM documents WHERE id = :id", id=document)
    assert tuple(row) == ("failed", "encrypted_pdf")
    assert "does not open" in questions(house, document)[1].text


def test_other_questions_do_not_count_as_tries_of_the_password(make_house: Make) -> None:
    """Three were asked about something else before."""
    house = an_asking_house(make_house)
    document = sent(house, locked())
    with house.rt.transaction() as tx:
        tx.session.execute(
            sql(
                "INSERT INTO questions (id, document_id, generation, wanted, doubt, text, asked_by,"
                " expires_at, back, token_sha256, state, closed_at, closed_by)"
                " SELECT gen_random_uuid(), document_id, generation, 'text', 'x', 'x', asked_by,"
                " expires_at, back, repeat(n::text, 64), 'withdrawn', now(), 'x'"
                " FROM questions, generate_series(1, 3) AS n"
            )
        )
    answered(house, the_question(house, document), Answer(password="wrong"))
    assert house.status(document) == "needs_input"


def test_the_same_key_with_the_password_answers_the_question(make_house: Make) -> None:
    """Whoever sends the document again, by queue or by HTTP, needs no question's id."""
    house = an_asking_house(make_house)
    request = sources.Request(
        upstream="tests", document_type="slip", key="k", content=(content := locked())
    )
    document = intake.submit(request, house.rt).document_id
    house.work()
    assert not intake.submit(request, house.rt).reopened
    assert house.status(document) == "needs_input"

    again = replace(request, password=PASSWORD, content=content)
    assert [intake.submit(again, house.rt).reopened for _ in range(2)] == [True, False]
    house.work()

    assert house.status(document) == "accepted"
    assert [one.state for one in questions(house, document)] == [QuestionState.ANSWERED]


def test_without_the_policy_nobody_is_asked(make_house: Make) -> None:
    """The file fails, the field waits for a reviewer, as ever."""
    house = make_house(LACKING)
    assert house.status(sent(house, locked())) == "failed"
    assert house.status(sent(house, a_pdf())) == "in_review"
    assert house.rows("SELECT 1 FROM questions") == []


def test_a_missing_field_that_the_page_says_holds_by_its_senders_word(make_house: Make) -> None:
    """The document ends without a reviewer, and the decision names who said so."""
    house = an_asking_house(make_house, LACKING)
    document = sent(house, a_pdf())
    asked = the_question(house, document)
    assert (asked.wanted, asked.field, asked.doubt) == (Wanted.VALUE, "total", "required_absent")

    went = answered(house, asked, Answer(text="12.50"))

    assert (went.status, house.status(document)) == ("reviewed", "reviewed")
    total = house.results(document)["total"]
    assert (total.text, total.value, total.decision) == ("12.50", "12.50", "reviewed")
    (decision,) = house.rows("SELECT who, action, text FROM review_decisions")
    assert tuple(decision) == ("sender (tests)", "correct", "12.50")


def test_a_value_that_no_page_says_waits_beside_the_field_for_a_reviewer(make_house: Make) -> None:
    """What the sender says is kept as an answer; it is no decision."""
    house = an_asking_house(make_house, LACKING)
    document = sent(house, a_pdf())

    answered(house, the_question(house, document), Answer(text="99.99"))

    assert house.status(document) == "in_review"
    total = house.results(document)["total"]
    assert (total.state, total.decision) == ("absent", "review")
    assert total.details["said"] == {"text": "99.99", "who": "sender (tests)"}
    assert [tuple(r) for r in house.rows("SELECT who, text FROM review_answers")] == [
        ("sender (tests)", "99.99")
    ]
    assert house.rows("SELECT 1 FROM review_decisions") == []
    (item,) = house.rows("SELECT state, leased_by FROM review_items WHERE state = 'open'")
    assert item.leased_by is None


def test_where_policy_trusts_senders_a_value_on_no_page_holds(make_house: Make) -> None:
    """An installation may say that its senders know best."""
    house = an_asking_house(make_house, LACKING, confirm_answers=False)
    document = sent(house, a_pdf())
    answered(house, the_question(house, document), Answer(text="99.99"))
    assert house.results(document)["total"].text == "99.99"
    assert house.status(document) == "reviewed"


def test_an_illegible_scan_is_accepted_after_a_better_one_came(make_house: Make) -> None:
    """The new scan is a new generation of the same document; the readings before stay."""

    def said(page: object, spec: object) -> Line:
        empty = {**dict.fromkeys(TRUTH), "items": []}
        return Line(truth=empty if not scans else TRUTH)

    scans: list[bytes] = []
    backend = ScriptedBackend(said, canvas=TINY_CANVAS)
    house = an_asking_house(make_house, backend=backend)
    poor = a_pdf(words=False, pages=2)
    document = sent(house, poor, key="k")
    asked = the_question(house, document)
    assert (asked.wanted, asked.doubt) == (Wanted.FILE, "nothing_read")

    scans.append(a_pdf())
    answered(house, asked, Answer(file=io.BytesIO(scans[0])))

    (row,) = house.rows("SELECT * FROM documents WHERE id = :id", id=document)
    assert (row.status, row.page_count, row.generation) == ("accepted", 1, 2)
    assert house.rows("SELECT count(*) AS n FROM pages WHERE replaced_in = :id", id=document)[0].n
    assert house.rows("SELECT count(*) AS n FROM pages WHERE document_id = :id", id=document)[0].n
    # the same key and the bytes that were sent first are the same document for ever
    assert house.submit(poor, key="k") == document


def test_a_type_that_the_words_leave_open_is_the_senders_to_say(make_house: Make) -> None:
    """It is read as that type; who said so is kept with it."""
    house = an_asking_house(make_house)
    document = sent(house, a_pdf("nothing", "that says", "what it is"), document_type="auto")
    asked = the_question(house, document)
    assert asked.wanted is Wanted.TYPE
    with pytest.raises(Exception, match="nonsense"):
        answered(house, asked, Answer(text="nonsense"))

    answered(house, asked, Answer(text="slip"))

    assert house.status(document) in {"in_review", "accepted"}
    (said,) = house.rows("SELECT document_type, who FROM classifications WHERE method = 'person'")
    assert tuple(said) == ("slip", "sender (tests)")


@pytest.mark.parametrize(
    "wrong", [Answer(), Answer(text=" "), Answer(text="twelve fifty"), Answer(text="1\0"),
              Answer(text="9" * 4_001), Answer(password=PASSWORD)]
)  # fmt: skip
def test_what_does_not_answer_the_question_is_refused_and_it_stays_open(
    make_house: Make, wrong: Answer
) -> None:
    """Nothing is written."""
    house = an_asking_house(make_house, LACKING)
    asked = the_question(house, document := sent(house, a_pdf()))
    before = house.everything()
    with pytest.raises(InvalidAnswer):
        answered(house, asked, wrong)
    assert house.everything() == before
    assert the_question(house, document) == asked


def test_a_second_answer_is_refused_with_its_own_code(make_house: Make) -> None:
    """The first one stays."""
    house = an_asking_house(make_house, LACKING)
    asked = the_question(house, document := sent(house, a_pdf()))
    answered(house, asked, Answer(text="12.50"))
    before = house.everything()
    for text in ("12.50", "13.00"):
        with pytest.raises(QuestionAnswered):
            answered(house, asked, Answer(text=text))
    assert house.everything() == before
    assert house.results(document)["total"].text == "12.50"


def test_another_upstreams_question_is_not_there(make_house: Make) -> None:
    """Neither to be answered, nor to be told of."""
    house = an_asking_house(make_house, LACKING)
    asked = the_question(house, sent(house, a_pdf()))
    with pytest.raises(NotFound):
        answered(house, asked, Answer(text="12.50"), upstream="others")
    with pytest.raises(NotFound):
        actions.renew(asked.question_id, house.rt, upstream="others")


def test_an_expired_question_takes_no_answer_and_the_document_goes_back(make_house: Make) -> None:
    """To the reviewer, or to its failure, as if nobody had been asked."""
    house = an_asking_house(make_house, LACKING, question_lasts=timedelta(0))
    lacking = sent(house, a_pdf())
    asked = the_question(house, lacking)
    with pytest.raises(QuestionOver):
        answered(house, asked, Answer(text="12.50"))
    encrypted = sent(house, locked())

    flow.sweep(house.rt, patience=timedelta(0))
    flow.sweep(house.rt, patience=timedelta(0))

    assert house.status(lacking) == "in_review"
    (row,) = house.rows("SELECT * FROM documents WHERE id = :id", id=encrypted)
    assert (row.status, row.error_code) == ("failed", "encrypted_pdf")
    assert "password" in row.error_message
    for document in (lacking, encrypted):
        assert [one.state for one in questions(house, document)] == [QuestionState.EXPIRED]
    assert house.rows("SELECT 1 FROM questions WHERE token_sealed IS NOT NULL") == []
    (item,) = house.rows("SELECT leased_by FROM review_items WHERE state = 'open'")
    assert item.leased_by is None
    with pytest.raises(QuestionOver):
        answered(house, asked, Answer(text="12.50"))


def test_what_expired_after_a_password_was_wanted_still_opens_under_its_key(
    make_house: Make,
) -> None:
    """A sender who comes late sends it again, as after any such failure."""
    house = an_asking_house(make_house, question_lasts=timedelta(0))
    content = locked()
    document = sent(house, content, key="k")
    flow.sweep(house.rt, patience=timedelta(0))
    assert house.status(document) == "failed"
    house.submit(content, key="k", password=PASSWORD)
    house.work()
    assert house.status(document) == "accepted"


def test_a_sender_is_reminded_by_an_event_each_time_the_pause_is_over(make_house: Make) -> None:
    """Once for a document, however many questions are open."""
    house = an_asking_house(make_house, LACKING, remind_every=timedelta(days=1))
    document = sent(house, a_pdf())
    flow.sweep(house.rt, patience=timedelta(0))
    assert [code for _, code, _ in moves(house, document)].count("reminder") == 0

    soon = replace(house.rt, remind_every=timedelta(0))
    flow.sweep(soon, patience=timedelta(0))
    flow.sweep(house.rt, patience=timedelta(0))

    assert moves(house, document)[-1] == ("needs_input", "reminder", "sweeper")
    assert [code for _, code, _ in moves(house, document)].count("reminder") == 1
    assert the_question(house, document).reminders == 1


def test_a_person_asks_withdraws_and_the_document_is_theirs_again(make_house: Make) -> None:
    """Its open fields are the sender's as long as the question is open."""
    house = make_house(LACKING)
    document = sent(house, a_pdf())
    link = actions.ask(ADA, document, RESCAN, house.rt)
    assert house.status(document) == "needs_input"
    (item,) = house.rows("SELECT leased_by FROM review_items WHERE state = 'open'")
    assert item.leased_by == "sender (tests)"
    with pytest.raises(InvalidQuestion):
        actions.ask(ADA, document, RESCAN, house.rt)

    actions.withdraw(ADA, link.question_id, house.rt)

    assert house.status(document) == "in_review"
    assert moves(house, document)[-1][2] == "person:ada"
    with pytest.raises(QuestionOver):
        actions.withdraw(ADA, link.question_id, house.rt)


def test_words_stand_beside_the_field_and_the_reviewer_goes_on(make_house: Make) -> None:
    """A free answer decides nothing."""
    house = make_house(LACKING)
    document = sent(house, a_pdf())
    actions.ask(ADA, document, New(wanted=Wanted.TEXT, text="Is it paid?", doubt="x"), house.rt)
    answered(house, the_question(house, document), Answer(text="It is."))
    assert house.status(document) == "in_review"
    (note,) = house.rows("SELECT who, text FROM review_notes")
    assert tuple(note) == ("sender (tests)", "It is.")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [(Wanted.TYPE, None), (Wanted.PASSWORD, None), (Wanted.VALUE, "nonsense")],
)
def test_a_question_that_would_not_help_is_refused(
    make_house: Make, wanted: Wanted, field: str | None
) -> None:
    """Its type is known, it is not encrypted, it has no such field."""
    house = make_house(LACKING)
    document = sent(house, a_pdf())
    before = house.everything()
    with pytest.raises(InvalidQuestion):
        actions.ask(ADA, document, New(wanted=wanted, text="?", doubt="x", field=field), house.rt)
    assert house.everything() == before


def test_a_row_that_the_list_does_not_have_is_asked_for_by_nobody(make_house: Make) -> None:
    """No answer to such a question could be kept."""
    house = make_house(LACKING)
    document = sent(house, a_pdf())
    new = New(wanted=Wanted.VALUE, text="?", doubt="x", field="items.amount", ordinal=7)
    with pytest.raises(NotFound):
        actions.ask(ADA, document, new, house.rt)
    assert house.status(document) == "in_review"


def test_of_two_questions_each_is_answered_and_then_the_document_goes_on(make_house: Make) -> None:
    """The second does not end what the first one waits for."""
    house = an_asking_house(make_house, LACKING)
    document = sent(house, a_pdf())
    actions.ask(ADA, document, New(wanted=Wanted.TEXT, text="Is it paid?", doubt="x"), house.rt)
    first, second = questions(house, document)
    assert answered(house, second, Answer(text="Yes.")).open_questions == 1
    assert house.status(document) == "needs_input"
    assert answered(house, first, Answer(text="12.50")).open_questions == 0
    assert house.status(document) == "reviewed"


def test_a_better_scan_ends_the_other_questions(make_house: Make) -> None:
    """What was asked about the old scan is asked anew, if it must be."""
    house = an_asking_house(make_house, LACKING)
    document = sent(house, a_pdf())
    value = the_question(house, document)
    actions.ask(ADA, document, RESCAN, house.rt)
    scan = next(one for one in questions(house, document) if one.wanted is Wanted.FILE)
    actions.answer(scan.question_id, Answer(file=io.BytesIO(a_pdf())), house.rt, door="api")
    with pytest.raises(QuestionOver):
        answered(house, value, Answer(text="12.50"))
    house.work()
    assert house.status(document) == "needs_input"  # the new scan lacks it, too
    assert the_question(house, document).question_id != value.question_id


def test_a_link_is_its_questions_alone_and_a_new_one_ends_it(make_house: Make) -> None:
    """Of a token only its hash rests, and what only the key file opens."""
    house = make_house(LACKING)
    links = [actions.ask(ADA, sent(house, a_pdf(f"{n}")), RESCAN, house.rt) for n in range(2)]
    with house.rt.transaction() as tx:
        for link in links:
            assert store.of_token(tx, link.token).question_id == link.question_id
    newer = actions.renew(links[0].question_id, house.rt)
    with house.rt.transaction() as tx:
        with pytest.raises(NoSuchLink):
            store.of_token(tx, links[0].token)
        assert store.of_token(tx, newer.token).question_id == links[0].question_id
    assert newer.token not in str(house.rows("SELECT * FROM questions"))

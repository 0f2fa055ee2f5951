"""One document's way from bytes to rows."""

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pymupdf
import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.decision.scores import METHODS
from extractors.types import AttentionPatch, Box
from tests.factories import render_limits
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, a_pdf
from worker.errors import MissingBlob
from worker.intake import actions, sources
from worker.intake.errors import InvalidSubmission, KeyReused, SourceNotAllowed, TooLarge
from worker.pipeline import flow
from worker.pipeline.stages import extract, render, route, score


def blobs_of(house) -> list[Path]:
    """The files in which bytes of documents are kept."""
    return [path for path in Path(house.rt.blobs.url).rglob("*") if path.is_file()]


def test_a_sure_document_is_accepted_without_a_person(house):
    """Every field proven: the document ends as accepted, and nothing waits."""
    document = house.submit(a_pdf())
    house.work()
    assert house.status(document) == "accepted"
    assert house.rows("SELECT 1 FROM review_items") == []


def test_a_doubtful_token_sends_its_field_alone_to_review(make_house):
    """The weakest token decides, for its own field only."""
    house = make_house(Line(truth=TRUTH, doubts={"total": 0.41}))
    document = house.submit(a_pdf())
    house.work()
    results = house.results(document)
    assert house.status(document) == "in_review"
    assert (results["total"].decision, results["total"].reason) == ("review", "low_score")
    assert results["total"].score == pytest.approx(0.41)
    assert results["payee"].decision == "accepted"


def test_accepted_rows_say_that_nothing_certified_them(house):
    """Until certificates exist the plain threshold applies, and every row says so with its method
    and threshold.
    """
    document = house.submit(a_pdf())
    house.work()
    for row in house.results(document).values():
        assert (row.certificate, row.threshold, row.method) == (
            "uncertified",
            0.7,
            "weakest-token/1",
        )


def test_values_are_normalised_and_the_print_is_kept(house):
    """The text as printed and the value made from it stand side by side."""
    document = house.submit(a_pdf())
    house.work()
    date = house.results(document)["date"]
    assert (date.text, date.value) == ("03/04/2026", "2026-04-03")


def test_a_value_that_the_page_does_not_say_is_never_accepted(make_house):
    """The text layer contradicts a sure model: a person looks."""
    house = make_house(Line(truth={**TRUTH, "total": "99.99"}))
    document = house.submit(a_pdf())
    house.work()
    total = house.results(document)["total"]
    assert (total.decision, total.reason) == ("review", "not_on_page")


def test_a_value_found_on_the_page_keeps_the_box_where_it_stands(house):
    """The evidence row says where the page's own text has the value."""
    house.submit(a_pdf())
    house.work()
    row = house.rows("SELECT boxes, box_source, agreement FROM fields WHERE name = 'total'")[0]
    assert (row.box_source, row.agreement) == ("text-layer", "exact")
    x0, y0, x1, y1 = row.boxes[0]
    assert 0 < x0 < x1 < 320
    assert 0 < y0 < y1 < 160


def test_a_truncated_answer_accepts_nothing_that_was_cut(make_house):
    """Truncation is never silent: the field in which the answer stops, and all after it, go to
    review.
    """
    house = make_house(Line(truth=TRUTH, cut_after=30), max_attempts=1)
    document = house.submit(a_pdf(words=False))
    house.work()
    reasons = {name: row.reason for name, row in house.results(document).items()}
    assert house.status(document) == "in_review"
    assert reasons["total"] == "truncated"
    assert house.results(document)["currency"].decision == "review"


def test_garbage_from_the_model_is_no_error_but_a_question(make_house):
    """An answer that is not JSON ends in review, with every field unreadable."""
    house = make_house(Line(raw=b"Sorry, I cannot read this."))
    document = house.submit(a_pdf())
    house.work()
    assert house.status(document) == "in_review"
    assert {row.decision for row in house.results(document).values()} == {"review"}


def test_a_model_that_was_not_made_for_the_type_accepts_nothing(make_house):
    """A demonstration model asked about something else: every row waits, whatever its score."""
    backend = ScriptedBackend(
        lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS, document_types=["receipt"]
    )
    house = make_house(backend=backend)
    document = house.submit(a_pdf())
    house.work()
    assert {row.reason for row in house.results(document).values()} == {"not_in_domain"}


def test_two_pages_that_disagree_send_the_field_to_review(make_house):
    """The conflict is kept: nobody picks a winner silently."""
    totals = {1: "12.50", 2: "13.50"}
    backend = ScriptedBackend(
        lambda page, spec: Line(truth={**TRUTH, "total": totals[page.number]}), canvas=TINY_CANVAS
    )
    house = make_house(backend=backend)
    document = house.submit(a_pdf("Foo Ltd A-17 03/04/2026 EUR", "12.50 or 13.50", pages=2))
    house.work()
    assert house.results(document)["total"].reason == "conflict"


def test_pages_of_several_documents_are_read_in_one_batch(house):
    """The batch is made in the database, so one wake-up reads what many documents need."""
    for number in range(4):
        house.submit(a_pdf(f"Foo Ltd A-17 03/04/2026 12.50 EUR {number}"))
    house.work()
    assert house.backend.calls == [(1, 1, 1, 1)]


@pytest.mark.parametrize(("at", "stage"), [(s.at, s) for s in flow.FLOW])
def test_a_second_run_of_any_stage_changes_nothing(house, at, stage):
    """The broker may deliver twice: the second run finds no work."""
    document = house.submit(a_pdf())
    house.work()
    after_first = house.everything()
    stage.run(document, house.rt)
    assert house.everything() == after_first


def test_the_same_upstream_and_key_give_the_same_document_back(house):
    """However often the message comes."""
    content = a_pdf()
    ids = {house.submit(content, key="k-1") for _ in range(3)}
    house.work()
    assert len(ids) == 1
    assert len(house.rows("SELECT 1 FROM readings")) == 1


def test_two_upstreams_with_the_same_bytes_have_two_documents_and_one_blob(house):
    """The bytes are stored once; the documents are not mixed."""
    content = a_pdf()
    first, second = house.submit(content, upstream="a"), house.submit(content, upstream="b")
    assert first != second
    assert len({row.sha256 for row in house.rows("SELECT sha256 FROM documents")}) == 1


def test_a_key_reused_for_other_bytes_is_refused(house):
    """The upstream hears of its mistake instead of getting another document's rows."""
    house.submit(a_pdf("one"), key="k-1")
    with pytest.raises(KeyReused):
        house.submit(a_pdf("two"), key="k-1")


def test_an_unknown_type_ends_the_document_with_a_code(house):
    """A misspelt type that came over the queue is not lost."""
    document = house.submit(a_pdf(), document_type="inovice")
    house.work()
    row = house.rows("SELECT error_code, error_message FROM documents WHERE id = :id", id=document)[
        0
    ]
    assert row.error_code == "unknown_document_type"
    assert "invoice" in row.error_message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"hello", "unsupported_file"),
        (b"%PDF-1.4 but nothing else", "unreadable_file"),
        (b"", "unsupported_file"),
    ],
)
def test_a_file_that_is_no_document_fails_with_a_code_and_the_original_stays(house, content, code):
    """The worker lives on, the row says why, and the bytes can still be fetched."""
    document = house.submit(content)
    house.work()
    row = house.rows(
        "SELECT status, error_code, sha256 FROM documents WHERE id = :id", id=document
    )[0]
    assert (row.status, row.error_code) == ("failed", code)
    assert house.rt.blobs.get(row.sha256) == content


def test_an_encrypted_pdf_without_its_password_fails_and_with_it_is_read(house):
    """The password is used once and forgotten."""
    locked = pymupdf.open(stream=a_pdf()).tobytes(
        encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="open sesame", owner_pw="x"
    )
    without = house.submit(locked, key="a")
    with_it = house.submit(locked, key="b", password="open sesame")
    house.work()
    assert (
        house.rows("SELECT error_code FROM documents WHERE id = :id", id=without)[0].error_code
        == "encrypted_pdf"
    )
    assert house.status(with_it) == "accepted"
    assert house.rows("SELECT 1 FROM secrets") == []


def test_too_many_pages_fail_with_the_limit_in_the_message(make_house):
    """The operator reads which setting to raise."""
    house = make_house(limits=render_limits(max_pages=2))
    document = house.submit(a_pdf(pages=3))
    house.work()
    assert (
        house.rows("SELECT error_code FROM documents WHERE id = :id", id=document)[0].error_code
        == "too_many_pages"
    )


def test_a_missing_blob_is_tried_again_and_then_fails_with_its_code(house):
    """The document waits for the blob's return before it gives up."""
    document = house.submit(a_pdf())
    for path in (path for path in Path(house.rt.blobs.url).rglob("*") if path.is_file()):
        path.unlink()
    for _ in range(house.rt.max_attempts):
        render.run(document, house.rt)
    row = house.rows(
        "SELECT status, error_code, failures FROM documents WHERE id = :id", id=document
    )[0]
    assert (row.status, row.error_code) == ("failed", MissingBlob.code)


@pytest.mark.parametrize(("neighbours", "max_attempts"), [(1, 1), (2, 1), (2, 2)])
def test_a_page_that_breaks_the_model_fails_alone(make_house, neighbours, max_attempts):
    """Its neighbours in the batch are read at the first attempt, and it ends with an error after
    its own.
    """

    def said(page, spec):
        if page.width_px < page.height_px:
            raise ValueError("a page nobody foresaw")
        return Line(truth=TRUTH)

    house = make_house(backend=ScriptedBackend(said, canvas=TINY_CANVAS), max_attempts=max_attempts)
    upright = pymupdf.open()
    upright.new_page(width=160, height=320)
    said_by = "Foo Ltd A-17 03/04/2026 12.50 EUR"
    good = [house.submit(a_pdf(f"{said_by} {number}")) for number in range(neighbours)]
    bad = house.submit(upright.tobytes())
    for _ in range(4):
        house.work()
        extract.run(bad, house.rt)
    assert {house.status(document) for document in good} == {"accepted"}
    assert house.status(bad) == "failed"


def test_the_sweeper_sends_again_for_what_lost_its_message(house):
    """A crash between commit and announce loses a message, never the work."""
    document = house.submit(a_pdf())
    house.announced.clear()
    assert flow.sweep(house.rt, patience=timedelta(0)) == 1
    assert (house.announced, house.woken) == ([], ["cpu"])
    house.work()
    assert house.status(document) == "accepted"


def test_a_new_method_scores_what_was_read_without_the_model(house):
    """Every registered method has its number for every field, from stored evidence."""
    house.submit(a_pdf())
    house.work()
    per_method = {
        row.method: row.n
        for row in house.rows("SELECT method, count(*) AS n FROM scores GROUP BY 1")
    }
    assert set(per_method) == set(METHODS)
    assert len(set(per_method.values())) == 1


def test_a_source_outside_the_allowed_folders_is_refused(make_house, tmp_path):
    """Neither a plain path nor a symbolic link leads out of the roots."""
    inside, outside = tmp_path / "in", tmp_path / "out.pdf"
    inside.mkdir()
    outside.write_bytes(a_pdf())
    (inside / "link.pdf").symlink_to(outside)
    house = make_house(source_roots={"*": (str(inside),)})
    for source in (outside, inside / "link.pdf", inside / ".." / "out.pdf"):
        with pytest.raises(SourceNotAllowed):
            actions.submit(
                sources.Request(upstream="t", document_type="slip", source=str(source)), house.rt
            )
    (inside / "own.pdf").write_bytes(a_pdf())
    assert actions.submit(
        sources.Request(upstream="t", document_type="slip", source=str(inside / "own.pdf")),
        house.rt,
    ).created


@pytest.mark.parametrize("beside", ["in-evil/own.pdf", "in.pdf", "in evil.pdf"])
def test_what_only_begins_like_an_allowed_folder_is_not_in_it(make_house, tmp_path, beside):
    """The root is a folder, and no beginning of a name."""
    inside, outside = tmp_path / "in", tmp_path / beside
    for path in (inside / "own.pdf", outside):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(a_pdf())
    house = make_house(source_roots={"*": (str(inside),)})
    request = sources.Request(upstream="t", document_type="slip", source=str(outside))
    with pytest.raises(SourceNotAllowed):
        actions.submit(request, house.rt)
    assert blobs_of(house) == []
    assert actions.submit(replace(request, source=str(inside / "own.pdf")), house.rt).created


@pytest.mark.parametrize("door", ["content", "source", "file"])
def test_the_size_limit_holds_at_every_door(make_house, tmp_path, door):
    """Also for a path under an allowed root: no row and no blob; a file of exactly the limit is
    taken.
    """
    path = tmp_path / "slip.pdf"
    path.write_bytes(a_pdf())
    size = path.stat().st_size
    given = {
        "content": lambda: {"content": path.read_bytes()},
        "source": lambda: {"source": str(path)},
        "file": lambda: {"file": path.open("rb")},
    }
    request = sources.Request(upstream="t", document_type="slip")
    house = make_house(max_bytes=size - 1, source_roots={"*": (str(tmp_path),)})
    with pytest.raises(TooLarge) as caught:
        actions.submit(replace(request, **given[door]()), house.rt)
    assert caught.value.code == "too_large"
    assert house.rows("SELECT 1 FROM documents") == []
    assert blobs_of(house) == []
    assert actions.submit(
        replace(request, **given[door]()), replace(house.rt, max_bytes=size)
    ).created


def test_a_file_over_the_size_limit_is_refused_with_the_setting_to_raise(make_house):
    """Nothing of it is stored."""
    house = make_house(max_bytes=10)
    with pytest.raises(TooLarge, match="SUREFIELD_MAX_BYTES"):
        house.submit(a_pdf())
    assert house.rows("SELECT 1 FROM documents") == []
    assert blobs_of(house) == []


def test_a_submission_names_a_source_or_content_never_both_or_neither(house):
    """An upstream's mistake is said at once."""
    for request in ({"content": None}, {"source": "/x"}):
        with pytest.raises(InvalidSubmission):
            (
                house.submit(a_pdf(), **request)
                if "source" in request
                else actions.submit(sources.Request(upstream="t", document_type="slip"), house.rt)
            )


def test_base64_that_is_none_is_refused(house):
    """The message says what to send."""
    with pytest.raises(InvalidSubmission, match="base64"):
        sources.decoded("content_base64", "not base64!")
    assert sources.decoded("content_base64", base64.b64encode(b"x").decode()) == b"x"


def test_no_secret_shows_in_a_request(house):
    """Logs and traces print requests: neither content nor password is in them."""
    shown = repr(
        sources.Request(
            upstream="t", document_type="slip", content=b"the content", password="hunter2"
        )
    )
    assert "hunter2" not in shown
    assert "the content" not in shown


def test_stages_take_documents_only_at_their_own_status(house):
    """A message that comes too early finds nothing."""
    document = house.submit(a_pdf())
    for stage in (extract, score, route):
        stage.run(document, house.rt)
    assert house.status(document) == "submitted"


def test_keys_that_the_model_invents_twice_do_not_break_the_save(make_house):
    """Each is kept in the evidence under a place of its own, and none reaches the answer's accepted
    rows.
    """
    house = make_house(
        Line(
            raw=(
                b'{"payee": "Foo Ltd", "x": "1", "x": "2", "items.amount": "3", "items":'
                b' [{"description": "a", "amount": "4"}]}'
            )
        )
    )
    document = house.submit(a_pdf())
    house.work()
    assert house.status(document) == "in_review"
    assert [
        row.ordinal for row in house.rows("SELECT ordinal FROM fields WHERE name = 'x' ORDER BY 1")
    ] == [0, 1]


def looking(token):
    """The token, read from one place."""
    return replace(token, patches=(AttentionPatch(Box(10, 20, 30, 40), 1.0),))


class Looking(ScriptedBackend):
    """A scripted model that looked at one place for every token."""

    def answer(self, pages, spec):
        return [
            replace(
                answer,
                generations=tuple(
                    replace(g, tokens=tuple(map(looking, g.tokens))) for g in answer.generations
                ),
            )
            for answer in super().answer(pages, spec)
        ]


@pytest.mark.parametrize(("words", "source"), [(False, "cross-attention"), (True, "text-layer")])
def test_where_the_model_looked_is_kept_until_the_page_itself_says_where(make_house, words, source):
    """Words on the page are firmer evidence than attention; without words the attended place is
    what a person is shown.
    """
    house = make_house(backend=Looking(lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS))
    house.submit(a_pdf(words=words))
    house.work()
    row = house.rows("SELECT boxes, box_source FROM fields WHERE name = 'total'")[0]
    assert row.box_source == source
    assert (row.boxes == [[10, 20, 30, 40]]) == (source == "cross-attention")


def test_a_value_that_the_page_denies_keeps_the_place_the_model_looked_at(make_house):
    """The reviewer is shown where to look, and that the words there say something else."""
    house = make_house(
        backend=Looking(
            lambda page, spec: Line(truth={**TRUTH, "total": "99.99"}), canvas=TINY_CANVAS
        )
    )
    house.submit(a_pdf())
    house.work()
    row = house.rows("SELECT boxes, box_source, agreement FROM fields WHERE name = 'total'")[0]
    assert (row.boxes, row.box_source, row.agreement) == (
        [[10, 20, 30, 40]],
        "cross-attention",
        "none",
    )


REFUSAL = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
CREATE TRIGGER refusal BEFORE {what} FOR EACH ROW {when} EXECUTE FUNCTION refuse();
"""


@pytest.mark.parametrize(
    ("what", "when"),
    [
        ("INSERT ON results", ""),
        ("INSERT ON review_items", ""),
        ("UPDATE ON documents", "WHEN (NEW.status = 'in_review')"),
        ("INSERT ON document_events", "WHEN (NEW.to_status = 'in_review')"),
    ],
)
def test_an_answer_and_its_documents_move_are_there_together_or_not_at_all(make_house, what, when):
    """Whichever of its writes the database refuses; the next attempt writes all of them once."""
    house = make_house(Line(truth=TRUTH, doubts={"total": 0.41}))
    with house.rt.transaction() as tx:
        tx.session.execute(text(REFUSAL.format(what=what, when=when)))
    document = house.submit(a_pdf())
    house.work()
    assert house.status(document) == "scored"
    for table in ("results", "review_items"):
        assert house.rows(f"SELECT 1 FROM {table}") == []
    with house.rt.transaction() as tx:
        tx.session.execute(text("DROP FUNCTION refuse CASCADE"))
    route.run(document, house.rt)
    assert house.status(document) == "in_review"
    assert len(house.rows("SELECT 1 FROM review_items")) == 1
    after = house.everything()
    route.run(document, house.rt)
    assert house.everything() == after


def test_a_list_row_is_accepted_whole_or_not_at_all(make_house):
    """A subtotal read as a line has a right amount beside a wrong description: neither is
    accepted.
    """
    items = [{"description": "Soap", "amount": "4.00"}, {"description": "Nels", "amount": "12.50"}]
    house = make_house(Line(truth={**TRUTH, "items": items}))
    document = house.submit(
        a_pdf("Foo Ltd A-17 03/04/2026", "Soap 4.00", "Net 12.50", "Total 12.50 EUR")
    )
    house.work()
    rows = house.rows(
        "SELECT name, ordinal, decision, reason FROM results WHERE document_id = :id AND name LIKE"
        " 'items.%'",
        id=document,
    )
    assert {(row.name, row.ordinal): (row.decision, row.reason) for row in rows} == {
        ("items.description", 0): ("accepted", "value"),
        ("items.amount", 0): ("accepted", "value"),
        ("items.description", 1): ("review", "not_on_page"),
        ("items.amount", 1): ("review", "row_in_doubt"),
    }


def test_an_absent_member_of_a_doubted_row_waits_with_it(make_house):
    """That there is no amount is no proof of a row that may be none; in a row without a doubt the
    same absence is accepted.
    """
    items = [{"description": "Soap", "amount": None}, {"description": "Nels", "amount": None}]
    house = make_house(Line(truth={**TRUTH, "items": items}))
    document = house.submit(a_pdf("Foo Ltd A-17 03/04/2026", "Soap", "Net", "Total 12.50 EUR"))
    house.work()
    rows = house.rows(
        "SELECT ordinal, state, decision, reason FROM results WHERE document_id = :id AND name ="
        " 'items.amount' ORDER BY ordinal",
        id=document,
    )
    assert [tuple(row) for row in rows] == [
        (0, "absent", "accepted", "absent"),
        (1, "absent", "review", "row_in_doubt"),
    ]


def test_one_page_that_the_model_was_not_made_for_is_enough_to_accept_nothing(house):
    """The last page is read by another model, as when the reader changes in the middle of a
    document.
    """
    other = ScriptedBackend(
        lambda page, spec: Line(truth=TRUTH), canvas=TINY_CANVAS, document_types=["receipt"]
    )
    readers = iter([house.backend, other])
    house.rt = replace(house.rt, batch_pages=1, backend=lambda document_type: next(readers))
    document = house.submit(a_pdf(pages=extract.AHEAD + 1))
    house.work()
    read = house.rows("SELECT in_domain FROM readings ORDER BY in_domain")
    assert [row.in_domain for row in read] == [False] + [True] * extract.AHEAD
    assert {row.reason for row in house.results(document).values()} == {"not_in_domain"}

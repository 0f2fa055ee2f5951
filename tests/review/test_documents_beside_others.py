"""A document among others: what looks like it, what it is taken for, and what a verdict leaves."""

from datetime import timedelta

import pytest

from tests.review.test_verdicts import ADA, BOB, LEASE, judge
from tests.web.making import TRUTH, a_slip
from worker.review import actions, document_types, verdicts
from worker.review.actions import Answer
from worker.review.errors import ReviewConflict
from worker.review.tables import Action, Verdict

ACCEPT = Answer(action=Action.ACCEPT, seen=True)


def run(site, statement):
    with site.house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(statement)


def alike(site, document):
    with site.house.rt.transaction() as tx:
        return [(each.document_id, each.why) for each in verdicts.alike(tx, document)]


def test_a_number_makes_two_documents_alike_while_both_say_it(site):
    """Not a row that a person removed, nor an answer that counts no more, on either side."""
    first, second = site.read(), site.read(a_slip({**TRUTH, "payee": "Other GmbH"}))
    both = {first: second, second: first}
    for gone, back in (
        ("removed_at = now()", "removed_at = NULL"),
        ("generation = 7", "generation = 1"),
        ("value = '\"RE-9\"'", "value = '\"RE-2026-0481\"'"),
        ("kind = 'text'", "kind = 'identifier'"),
    ):
        for document, other in both.items():
            one = f"WHERE name = 'number' AND document_id = '{document}'"
            run(site, f"UPDATE results SET {gone} {one}")
            # that it is an identifier is asked of the document in hand
            theirs = [] if "kind" not in gone else [(document, "the same number RE-2026-0481")]
            assert (alike(site, document), alike(site, other)) == ([], theirs), gone
            run(site, f"UPDATE results SET {back} {one}")
            assert alike(site, document) == [(other, "the same number RE-2026-0481")]


def test_the_same_file_is_alike_whatever_was_read_of_it(site):
    """Also beside the same number: each document is named once, the oldest first."""
    file = a_slip()
    first = site.read(file, key="first")
    second = site.house.submit(file, key="once more")
    third = site.house.submit(a_slip({**TRUTH, "payee": "Other GmbH"}), key="third")
    site.house.work()

    assert alike(site, second) == [
        (first, "the same file"),
        (third, "the same number RE-2026-0481"),
    ]
    run(site, "UPDATE results SET value = '\"RE-9\"' WHERE name = 'number'")
    run(site, f"UPDATE results SET removed_at = now() WHERE document_id = '{second}'")
    assert alike(site, second) == [(first, "the same file")]


def test_what_was_seen_before_a_verdict_is_decided_on_no_version_after_it(site):
    """The field waits again as another version; who saw the old one looks once more."""
    document = site.read()
    item = site.items(document)["total"]
    run(site, f"UPDATE review_items SET leased_by = 'bob', lease_until = now() + interval '1 h'"
        f" WHERE id = '{item}'")  # fmt: skip
    judge(site, document, Verdict.NOT_OURS)
    judge(site, document, Verdict.UNDO)

    for version in (1, 2):
        seen = Answer(action=Action.ACCEPT, seen=True, version=version)
        with pytest.raises(ReviewConflict):
            actions.decide(BOB, item, seen, site.house.rt)
    # nobody holds it any more: it was closed meanwhile
    actions.decide(ADA, item, ACCEPT, site.house.rt)


def test_an_undone_verdict_opens_what_waited_before_it_and_nothing_else(site):
    """What was decided stays decided."""
    document = site.read()
    decided, *waiting = site.items(document).values()
    actions.decide(BOB, decided, ACCEPT, site.house.rt)
    judge(site, document, Verdict.ILLEGIBLE)
    assert site.items(document) == {}

    undone = actions.undo_last(ADA, site.house.rt, lease=LEASE)
    assert list(site.items(document).values()) == waiting
    assert undone.item_id in waiting
    assert len(site.decisions()) == 1


def untyped(site):
    with site.house.rt.transaction() as tx:
        return [
            (one.document_id, one.likeliest, one.confidence, one.parts)
            for one in document_types.untyped(tx)
        ]


def guess(site, document, method, document_type, confidence, days, fits="{}"):
    known = "NULL" if document_type is None else f"'{document_type}'"
    run(
        site,
        "INSERT INTO classifications (document_id, method, document_type, confidence, fits,"
        f" created_at) VALUES ('{document}', '{method}', {known}, {confidence}, '{fits}',"
        f" now() - interval '{days} days')",
    )


def test_of_several_guesses_the_newest_is_shown_and_what_parts_say_is_none(site):
    """Also where it takes the document for nothing; each document has its own."""
    document = site.read(a_slip(words=False), document_type="auto")
    other = site.read(a_slip({**TRUTH, "total": "1.00"}, words=False), document_type="auto")
    run(site, "DELETE FROM classifications")
    assert untyped(site) == [(document, None, None, {}), (other, None, None, {})]

    guess(site, document, "words/1", "invoice", 0.9, 3)
    guess(site, document, "words/3", "slip", 0.4, 1)
    guess(site, document, "words/2", "receipt", 0.8, 2)
    guess(site, document, "parts/1", None, 0.1, 2, '{"1-2 slip": 0.5}')
    guess(site, document, "parts/2", None, 0.2, 0, '{"1-1 slip": 0.7}')
    assert untyped(site)[0] == (document, "slip", 0.4, {"1-1 slip": 0.7})
    assert untyped(site)[1] == (other, None, None, {})

    run(site, "UPDATE classifications SET document_type = NULL WHERE method = 'words/3'")
    assert untyped(site)[0][1:3] == (None, 0.4)


def test_the_most_urgent_untyped_document_comes_first_then_the_oldest(site):
    """One that has its type is none of them."""
    pages = [a_slip({**TRUTH, "total": f"{number}.00"}, words=False) for number in (1, 2, 3)]
    first, second = (site.read(page, document_type="auto") for page in pages[:2])
    urgent = site.read(pages[2], document_type="auto", priority=5)
    site.read()
    assert [each[0] for each in untyped(site)] == [urgent, first, second]

    actions.choose_type(ADA, urgent, "slip", site.house.rt)
    waiting = actions.next_untyped(site.house.rt)
    assert waiting is not None
    assert waiting.document_id == first


def test_whoever_skips_a_field_sees_it_again_after_an_hour_and_others_at_once(site):
    """A second skip begins a new hour."""
    site.read()
    item = site.items()["total"]
    for _ in range(2):
        actions.skip(ADA, item, site.house.rt)
    (kept,) = site.house.rows("SELECT who, until - now() AS rest FROM review_skips")
    assert kept.who == "ada"
    assert timedelta(minutes=59) < kept.rest <= timedelta(hours=1)

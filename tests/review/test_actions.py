"""What people do has one set of rules, whichever door they come through."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from worker.actor import Actor, Forbidden, Role
from worker.review import actions
from worker.review.actions import Answer
from worker.review.errors import InvalidDecision, NotSeen, ReviewConflict
from worker.review.tables import Action

ADA, BOB, EVE = Actor("ada"), Actor("bob"), Actor("eve", Role.MANAGER)
LEASE = timedelta(minutes=5)


@pytest.fixture
def rt(site):
    site.read()
    return site.house.rt


def test_a_list_has_no_text(site, rt):
    """Whoever types one is told what a list is corrected by, at every door."""
    item = site.items()["total"]
    with rt.transaction() as tx:
        tx.session.execute(
            text("UPDATE results SET name = 'items', ordinal = 9 WHERE name = 'total'")
        )
    with pytest.raises(InvalidDecision, match="A list has no text"):
        actions.decide(ADA, item, Answer(seen=True, action=Action.CORRECT, text="x"), rt)


def test_only_a_manager_takes_back_what_somebody_else_decided(site, rt):
    """The rule that the web always had holds for the command line too."""
    item = site.items()["total"]
    actions.decide(ADA, item, Answer(seen=True, action=Action.ACCEPT), rt)
    with pytest.raises(Forbidden, match="manager"):
        actions.decide(BOB, item, Answer(action=Action.UNDO), rt)
    undone = actions.decide(EVE, item, Answer(action=Action.UNDO), rt)
    assert undone.status == "in_review"


def test_everybody_takes_their_own_decision_back(site, rt):
    """And holds the item again."""
    item = site.items()["total"]
    actions.decide(ADA, item, Answer(seen=True, action=Action.ABSENT), rt)
    assert actions.undo_last(ADA, rt, lease=LEASE).item_id == item
    held = site.house.rows("SELECT id, leased_by FROM review_items WHERE leased_by IS NOT NULL")
    assert [tuple(row) for row in held] == [(item, "ada")]
    with pytest.raises(InvalidDecision, match="no decision of yours"):
        actions.undo_last(BOB, rt, lease=LEASE)


def test_accepting_another_text_is_a_correction(site, rt):
    """What was typed is meant, not what stands there."""
    item = site.items()["total"]
    actions.decide(ADA, item, Answer(seen=True, action=Action.ACCEPT, text="1,300.00"), rt)
    (decision,) = site.decisions()
    assert (decision.action, decision.text, decision.value) == ("correct", "1,300.00", "1300.00")


def test_the_same_decision_again_counts_once(site, rt):
    """The answer to the first try was lost on the way: the second gets what came of it."""
    item = site.items()["total"]
    answer = Answer(seen=True, action=Action.CORRECT, version=1, text="1,300.00")
    first = actions.decide(ADA, item, answer, rt)
    assert actions.decide(ADA, item, answer, rt) == first
    assert len(site.decisions()) == 1


def test_a_conflict_carries_what_was_meant(site, rt):
    """So that nothing that was typed is lost."""
    item = site.items()["total"]
    actions.decide(ADA, item, Answer(seen=True, action=Action.ACCEPT, version=1), rt)
    with pytest.raises(ReviewConflict) as conflict:
        actions.decide(
            BOB, item, Answer(seen=True, action=Action.CORRECT, version=1, text="2.00"), rt
        )
    assert conflict.value.mine is not None
    assert conflict.value.mine.text == "2.00"


@pytest.mark.parametrize("action", [Action.ACCEPT, Action.CORRECT, Action.ABSENT])
def test_nobody_confirms_what_they_have_not_seen(site, rt, action):
    """Whoever has not looked at the page can say that it is unreadable, and nothing else."""
    item = site.items()["total"]
    with pytest.raises(NotSeen, match="Look at the page"):
        actions.decide(ADA, item, Answer(action=action, text="1,300.00"), rt)
    assert site.decisions() == []
    actions.decide(ADA, item, Answer(action=Action.UNREADABLE), rt)
    assert site.house.rows("SELECT action, seen FROM review_answers") == [("unreadable", False)]


def test_a_text_that_does_not_fit_is_refused_before_anything_is_kept(site, rt):
    """The field's kind speaks first."""
    item = site.items()["total"]
    answer = Answer(seen=True, action=Action.CORRECT, text="about twelve")
    with pytest.raises(InvalidDecision, match="does not fit"):
        actions.decide(ADA, item, answer, rt)
    assert site.decisions() == []


def test_a_correction_has_a_longest_length(site, rt):
    """One that has it is read by its kind, a longer one is read by nobody."""
    item = site.items()["total"]
    for length, words in ((actions.LONGEST_CORRECTION, "does not fit"),
                          (actions.LONGEST_CORRECTION + 1, "at most 100,000")):  # fmt: skip
        answer = Answer(seen=True, action=Action.CORRECT, text="x" * length)
        with pytest.raises(InvalidDecision, match=words):
            actions.decide(ADA, item, answer, rt)


@pytest.mark.parametrize(
    ("role", "covered"),
    [
        (Role.REVIEWER, {Role.REVIEWER}),
        (Role.MANAGER, {Role.REVIEWER, Role.MANAGER}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_each_role_may_do_all_that_the_one_before_may(role, covered):
    """And nothing more."""
    assert {each for each in Role if role.covers(each)} == covered

"""Accepted only with proof: every missing proof alone sends a row to review, under its own
reason.
"""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decision import decide as deciding
from extractors.decision.decide import PROOFS, Beside, Outcome, decide, decide_all
from extractors.decision.policy import PolicyName, Requirement, policy_of
from extractors.evidence.gather import Candidate
from extractors.evidence.list_sums import LIST_PROVEN
from extractors.evidence.witnesses import AGREES, DENIES, Testimony
from extractors.normalise import PROBLEMS
from extractors.reading.looks import Agreement, Look
from extractors.types import FieldState
from tests.evidence.making import (
    ITEMS,
    PAPER,
    TOTAL,
    a_type,
    absent,
    answers,
    row_of_items,
    said,
    some_evidence,
    unreadable,
)

METHOD = "weakest-token/1"


def row(*evidence, pages=(1,)):
    return answers(a_type(TOTAL), evidence, pages=pages)[0]


def decided(chosen, field=TOTAL, *, accept_at=0.7, in_domain=True):
    requirement = policy_of(a_type(field), accept_at=accept_at).of(field.name)
    return decide(chosen, field, requirement, in_domain=in_domain)


def denied(chosen, code, message="it is not so", **details):
    """The answer with one denial of a witness added to what is said of it."""
    one = Testimony(
        of=Candidate(name=chosen.name, state=chosen.state),
        says=DENIES,
        because=code,
        message=message,
        details=details,
        witness="test/1",
    )
    return replace(chosen, testimony=(*chosen.testimony, one))


def test_a_sure_value_that_all_proofs_speak_for_is_accepted_and_says_uncertified():
    """With the score, method and threshold it was measured by."""
    got = decided(row(said("5.00", score=0.9, found=True)))

    assert (got.outcome, got.reason.code, got.doubts) == (Outcome.ACCEPTED, "value", ())
    assert (got.score, got.method, got.threshold, got.certificate) == (
        0.9,
        METHOD,
        0.7,
        "uncertified",
    )


def test_a_sure_absence_is_accepted():
    """The model may say with confidence that there is none."""
    assert decided(row(absent(score=0.9))).outcome is Outcome.ACCEPTED


def test_a_page_without_words_contradicts_nothing():
    """Scans have no text layer."""
    assert decided(row(said("5.00", score=0.9, found=None))).outcome is Outcome.ACCEPTED


GOOD = row(said("5.00", score=0.99, found=True))
SPOILED = {  # one proof taken away -> its reason
    "truncated": replace(GOOD, problem="truncated"),
    "unreadable": replace(GOOD, problem="repeated_key"),
    "list_incomplete": replace(GOOD, list_problem="missing"),
    "page_unread": replace(GOOD, unread_pages=(2,)),
    "pages_left_out": replace(row(absent(score=0.99)), left_out_pages=(2, 3)),
    "left_out_page_differs": denied(replace(GOOD, left_out_pages=(2, 3)), "left_out_page_differs"),
    "rows_differ": denied(GOOD, "rows_differ"),
    "conflict": row(
        said("5.00", page=1, score=0.99), said("6.00", page=2, score=0.2), pages=(1, 2)
    ),
    "unparsable_amount": row(said("5.O0", score=0.99)),
    "ambiguous_amount": row(said("5.000", score=0.99)),
    "not_parsed": replace(GOOD, value=None),
    "not_on_page": row(said("5.00", score=0.99, found=False)),
    "list_unsure": replace(GOOD, empty_page_scores=(0.99, 0.3)),
    "not_scored": row(said("5.00", score=None)),
    "low_score": row(said("5.00", score=0.69)),
    "absence_unsure": row(absent(score=0.69)),
}


@pytest.mark.parametrize("code", SPOILED)
def test_one_missing_proof_is_enough_for_review_and_is_the_reason(code):
    """Each of them alone, with a sentence for people."""
    got = decided(SPOILED[code])

    assert (got.outcome, got.reason.code) == (Outcome.REVIEW, code)
    assert got.reason.message
    assert got.doubts == (got.reason,)


@pytest.mark.parametrize("score", [None, math.nan, math.inf, -0.1, 1.1])
def test_a_page_that_says_without_a_score_that_it_holds_no_rows_is_not_believed(score):
    """Unknown is not sure: the list's rows wait, one by one."""
    evidence = [*row_of_items(1, 0, "a", "1.00"), absent("items", page=2, score=score)]
    spec = a_type(ITEMS)

    decisions = decide_all(
        answers(spec, evidence, pages={1, 2}), spec, policy_of(spec, accept_at=0.7), in_domain=True
    )

    assert {(d.outcome, d.reason.code) for d in decisions} == {(Outcome.REVIEW, "list_unsure")}
    assert [d.reason.details["scores"] for d in decisions] == [[None]] * 2


def test_a_page_that_surely_holds_no_rows_costs_the_list_nothing():
    """The control of the test above: with a score that is high enough the rows are accepted."""
    evidence = [*row_of_items(1, 0, "a", "1.00"), absent("items", page=2, score=0.99)]
    spec = a_type(ITEMS)

    decisions = decide_all(
        answers(spec, evidence, pages={1, 2}), spec, policy_of(spec, accept_at=0.7), in_domain=True
    )

    assert {d.outcome for d in decisions} == {Outcome.ACCEPTED}


def test_a_value_found_on_the_pages_read_stands_whatever_was_left_out():
    """It is there; only that something is nowhere needs every page."""
    assert decided(replace(GOOD, left_out_pages=(2, 3))).outcome is Outcome.ACCEPTED


def test_a_value_is_not_accepted_while_scans_were_left_out():
    """Nothing speaks against them: they may say otherwise."""
    got = decided(replace(GOOD, left_out_pages=(2, 3), unjudged_pages=(3,)))

    assert (got.reason.code, got.reason.details) == ("pages_left_out", {"pages": [3]})


def test_a_list_may_go_on_on_pages_that_were_left_out():
    """Rows are accepted only where no page that may hold more of them was left out."""
    got = decided(replace(GOOD, name="items.amount", left_out_pages=(2,)))

    assert (got.outcome, got.reason.code) == (Outcome.REVIEW, "pages_left_out")


def test_a_list_that_a_sum_proves_whole_still_waits_for_scans_that_were_left_out():
    """The sum itself may stand otherwise on one of them; pages with words were judged by them."""
    whole = Candidate(name="items", state=FieldState.VALUE)
    proven = Testimony(of=whole, says=AGREES, because=LIST_PROVEN, witness="list-sums/1")
    cell = replace(GOOD, name="items.amount", testimony=(proven,), left_out_pages=(2, 3))

    assert decided(cell).outcome is Outcome.ACCEPTED
    assert decided(replace(cell, unjudged_pages=(3,))).reason.code == "pages_left_out"


@pytest.mark.parametrize(("weakest", "doubts"), [(-0.01, []), (None, ["look_unsure"])])
def test_a_look_that_says_the_same_without_a_token_is_not_sure(weakest, doubts):
    """Nobody knows how sure it was."""
    careful = policy_of(a_type(TOTAL), accept_at=0.7, name=PolicyName.CAREFUL).of("total")
    same = Look(agreement=Agreement.SAME, text="5.00", weakest=weakest)
    told = Beside(looks=(replace(same, weakest=-0.01), same))

    got = decide(GOOD, TOTAL, careful, in_domain=True, beside={GOOD.evidence_id: told})

    assert [doubt.code for doubt in got.doubts] == doubts


@pytest.mark.parametrize("taken", [None, 0, 1, 2, 3])
def test_fewer_looks_than_the_policy_asks_for_are_no_proof(taken):
    """One of two is none; more than two do no harm."""
    careful = policy_of(a_type(TOTAL), accept_at=0.7, name=PolicyName.CAREFUL).of("total")
    same = Look(agreement=Agreement.SAME, text="5.00", weakest=-0.01)
    told = Beside(looks=None if taken is None else (same,) * taken)

    got = decide(GOOD, TOTAL, careful, in_domain=True, beside={GOOD.evidence_id: told})

    missing = [] if taken in (2, 3) else ["looks_missing"]
    assert [doubt.code for doubt in got.doubts] == missing


LOOK = Look(agreement=Agreement.SAME, text=None, weakest=-0.01)
DOUBTFUL_LOOKS = {
    "look_differs": (LOOK, replace(LOOK, agreement=Agreement.OTHER, text="5.00")),
    "look_unsure": (LOOK, replace(LOOK, weakest=-1.0)),
    "looks_missing": (LOOK,),
}


@pytest.mark.parametrize("last_first", [False, True])
@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("code", DOUBTFUL_LOOKS)
def test_an_absence_needs_the_looks_at_every_page_whichever_of_them_doubts(code, page, last_first):
    """The value may stand on any page, and any look may see it."""
    careful = policy_of(a_type(TOTAL), accept_at=0.7, name=PolicyName.CAREFUL).of("total")
    pages = [absent(page=number, score=0.99 - number / 100) for number in (1, 2, 3)]
    doubtful = DOUBTFUL_LOOKS[code][:: -1 if last_first else 1]
    beside = {one.id: Beside(looks=(LOOK, LOOK)) for one in pages}
    nowhere = row(*pages, pages=(1, 2, 3))

    sure = decide(nowhere, TOTAL, careful, in_domain=True, beside=beside)
    beside[pages[page - 1].id] = Beside(looks=doubtful)
    got = decide(nowhere, TOTAL, careful, in_domain=True, beside=beside)

    assert sure.outcome is Outcome.ACCEPTED
    assert [doubt.code for doubt in got.doubts] == [code]


@pytest.mark.parametrize("same", [True, False])
def test_a_value_rests_on_the_looks_at_its_own_page_alone(same):
    """That another page says the same is more than the policy asks for."""
    careful = policy_of(a_type(TOTAL), accept_at=0.7, name=PolicyName.CAREFUL).of("total")
    own, other = said("5.00", page=1, score=0.99), said("5.00", page=2, score=0.95)
    differing = replace(LOOK, agreement=Agreement.OTHER, text="6.00")
    beside = {own.id: Beside(looks=(LOOK, LOOK)), other.id: Beside(looks=(LOOK, differing))}
    if not same:
        beside = {own.id: beside[other.id], other.id: beside[own.id]}

    got = decide(row(own, other, pages=(1, 2)), TOTAL, careful, in_domain=True, beside=beside)

    assert [doubt.code for doubt in got.doubts] == ([] if same else ["look_differs"])


@pytest.mark.parametrize(
    ("opening", "doubts"),
    [(None, []), (0.0, []), (math.log(0.991), []), (math.log(0.989), ["opening_unsure"])],
)
def test_a_value_of_which_the_model_doubted_that_there_is_one_waits(opening, doubts):
    """Of an absence the same token says how sure the absence is, and is no doubt of its own."""
    careful = policy_of(a_type(TOTAL), accept_at=0.7, name=PolicyName.CAREFUL).of("total")
    told = Beside(opening=opening, looks=(LOOK, LOOK))
    nowhere = row(absent(score=0.99))

    for chosen, expected in ((GOOD, doubts), (nowhere, [])):
        beside = {chosen.evidence_id: told}
        got = decide(chosen, TOTAL, careful, in_domain=True, beside=beside)
        assert [doubt.code for doubt in got.doubts] == expected


def test_an_unreadable_field_is_reviewed_and_not_called_low():
    """Three states that are never mixed."""
    got = decided(row(unreadable(problem="missing")))

    assert [doubt.code for doubt in got.doubts] == ["unreadable"]


def test_a_model_that_was_not_made_for_the_type_convinces_nobody():
    """However sure it is."""
    assert decided(GOOD, in_domain=False).reason.code == "not_in_domain"


def test_a_required_field_that_is_surely_absent_is_reviewed():
    """A person confirms that there is none."""
    assert (
        decided(row(absent(score=1.0)), replace(TOTAL, required=True)).reason.code
        == "required_absent"
    )


@pytest.mark.parametrize("score", [None, math.nan, math.inf, -0.1, 1.1])
def test_what_is_no_probability_is_not_scored(score):
    """NaN and numbers out of range are unknown, neither low nor high."""
    got = decided(row(said("5.00", score=score)))

    assert [doubt.code for doubt in got.doubts] == ["not_scored"]


@pytest.mark.parametrize("broken", [math.nan, 2.0])
def test_a_threshold_that_nothing_reaches_accepts_nothing(broken):
    """A damaged setting fails safe."""
    assert decided(GOOD, accept_at=broken).outcome is Outcome.REVIEW


def test_the_fields_own_threshold_goes_before_the_global_one():
    """In both directions."""
    strict, lax = replace(TOTAL, accept_at=0.995), replace(TOTAL, accept_at=0.5)

    assert decided(GOOD, strict).reason.code == "low_score"
    assert decided(row(said("5.00", score=0.6)), lax).outcome is Outcome.ACCEPTED


def test_all_doubts_are_told_the_gravest_first():
    """People see everything that is missing at once."""
    got = decided(
        row(said("5.O0", page=1, score=0.1, found=False), unreadable(page=2), pages=(1, 2)),
        in_domain=False,
    )

    assert [doubt.code for doubt in got.doubts] == [
        "not_in_domain",
        "page_unread",
        "unparsable_amount",
        "not_on_page",
        "low_score",
    ]


def test_reasons_speak_to_people():
    """With the numbers and texts they need."""
    assert (
        decided(row(said("5.00", score=0.412))).reason.message == "weakest token 0.41, below 0.70"
    )
    assert (
        decided(row(said("5.00", score=0.9, found=False))).reason.message == "page text says 9.99"
    )
    assert "6.00" in decided(SPOILED["conflict"]).reason.message


def test_a_truncated_list_accepts_none_of_its_rows():
    """Not one row, whatever its score."""
    evidence = [*row_of_items(1, 0, "a", "1"), unreadable("items", problem="truncated")]
    spec = a_type(ITEMS)

    decisions = decide_all(
        answers(spec, evidence, pages={1}), spec, policy_of(spec, accept_at=0.0), in_domain=True
    )

    assert {d.reason.code for d in decisions} == {"truncated"}
    assert {d.outcome for d in decisions} == {Outcome.REVIEW}


def test_a_document_in_which_nothing_is_found_is_reviewed_whole():
    """It may be no such document at all."""
    spec = a_type(TOTAL, ITEMS)
    nothing = [absent("total", score=1.0), absent("items", score=1.0)]

    decisions = decide_all(
        answers(spec, nothing, pages={1}), spec, policy_of(spec, accept_at=0.5), in_domain=True
    )

    assert [(d.outcome, d.reason.code) for d in decisions] == [
        (Outcome.REVIEW, "nothing_found")
    ] * 2


def test_of_a_model_that_was_not_made_for_the_type_that_it_found_nothing_is_no_news():
    """Why is said first, and both are said."""
    spec = a_type(TOTAL)

    (decision,) = decide_all(
        answers(spec, [absent()], pages={1}), spec, policy_of(spec, accept_at=0.5), in_domain=False
    )

    assert [doubt.code for doubt in decision.doubts] == ["not_in_domain", "nothing_found"]
    assert decision.reason == decision.doubts[0]


def test_a_type_of_one_field_that_is_on_no_page_is_nothing_found():
    """The whole document may be something else, be its type ever so small."""
    spec = a_type(TOTAL)

    (decision,) = decide_all(
        answers(spec, [absent(page=1), absent(page=2)], pages={1, 2}),
        spec,
        policy_of(spec, accept_at=0.5),
        in_domain=True,
    )

    assert (decision.outcome, decision.reason.code) == (Outcome.REVIEW, "nothing_found")


def test_what_could_not_be_read_is_not_called_nothing_found():
    """A page that nobody could read may hold everything."""
    spec = a_type(TOTAL, ITEMS)

    decisions = decide_all(
        answers(spec, [unreadable(), unreadable("items")], pages={1}),
        spec,
        policy_of(spec, accept_at=0.5),
        in_domain=True,
    )

    assert [decision.reason.code for decision in decisions] == ["unreadable"] * 2


def test_one_value_is_enough_to_accept_the_other_absences():
    """The usual case."""
    spec = a_type(TOTAL, ITEMS)

    decisions = decide_all(
        answers(spec, [said("5.00"), absent("items")], pages={1}),
        spec,
        policy_of(spec, accept_at=0.5),
        in_domain=True,
    )

    assert [d.outcome for d in decisions] == [Outcome.ACCEPTED] * 2


@given(some_evidence(), st.floats(0, 1), st.booleans())
def test_whatever_is_accepted_has_every_proof(evidence, accept_at, in_domain):
    """Said once more by hand, independently of the table of proofs."""
    rows = answers(PAPER, evidence, pages={1, 2, 3, 4})
    for merged, d in zip(
        rows,
        decide_all(rows, PAPER, policy_of(PAPER, accept_at=accept_at), in_domain=in_domain),
        strict=True,
    ):
        if d.outcome is Outcome.ACCEPTED:
            assert in_domain
            assert merged.score is not None
            assert merged.score >= accept_at
            assert (
                merged.conflicting,
                merged.problem,
                merged.list_problem,
                merged.unread_pages,
            ) == ((), None, None, ())
            assert merged.state is FieldState.ABSENT or (
                merged.value is not None and merged.value.value is not None
            )
        else:
            assert d.doubts
            assert d.reason == d.doubts[0]


@given(some_evidence(), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_accepts_more(evidence, one, other):
    """Thresholds only ever hold back."""
    rows = answers(PAPER, evidence, pages={1, 2, 3, 4})
    low, high = (
        decide_all(rows, PAPER, policy_of(PAPER, accept_at=at), in_domain=True)
        for at in (min(one, other), max(one, other))
    )

    assert all(
        a.outcome is Outcome.ACCEPTED
        for a, b in zip(low, high, strict=True)
        if b.outcome is Outcome.ACCEPTED
    )


@given(some_evidence())
def test_reasons_can_be_stored(evidence):
    """Details are JSON, without NaN."""
    rows = answers(PAPER, evidence, pages={1, 2, 3, 4})
    for d in decide_all(rows, PAPER, policy_of(PAPER, accept_at=0.7), in_domain=False):
        json.dumps([doubt.details for doubt in d.doubts], allow_nan=False)


def test_every_proof_can_fail():
    """No row of the table is dead: the examples above reach each of them."""
    examples = [*SPOILED.values(), row(unreadable())]
    codes = {decided(r).reason.code for r in examples} | {"not_in_domain", "required_absent"}

    assert len(codes - set(PROBLEMS)) >= len(PROOFS)


def test_silence_of_every_witness_is_not_held_against_the_value():
    """A tick, a scan, a group: nothing there can agree."""
    assert decided(replace(GOOD, testimony=())).outcome is Outcome.ACCEPTED


def test_one_denial_outweighs_any_confidence_and_any_agreement():
    """However many witnesses agree."""
    agreeing = [replace(one, says=AGREES) for one in denied(GOOD, "x").testimony] * 5
    sure = replace(GOOD, score=1.0, testimony=tuple(agreeing))

    assert decided(sure).outcome is Outcome.ACCEPTED
    assert decided(denied(sure, "gap")).reason.code == "gap"


def test_a_new_witness_is_told_between_what_is_grave_and_the_mere_number():
    """Its code needs no line in the list of known ones."""
    got = decided(replace(denied(denied(GOOD, "gap"), "conflict"), score=0.1))

    assert [doubt.code for doubt in got.doubts] == ["conflict", "gap", "low_score"]


def test_what_is_said_twice_in_the_same_words_is_one_doubt():
    """A checksum that fails is said by the parser and by the witness."""
    got = decided(denied(denied(GOOD, "gap", "17.00 are missing"), "gap", "17.00 are missing"))

    assert [doubt.message for doubt in got.doubts] == ["17.00 are missing"]


def test_an_answer_that_others_contradict_is_never_accepted_even_if_no_witness_was_heard():
    """The conflict stands in the answer itself."""
    unheard = replace(SPOILED["conflict"], testimony=())

    assert decided(unheard).reason.code == "unproven"


@pytest.mark.parametrize(
    "chosen",
    [
        row(unreadable()),
        replace(GOOD, state=FieldState.UNREADABLE),
        replace(GOOD, score=None),
        replace(GOOD, score=math.nan),
        replace(GOOD, score=1.1),
        replace(GOOD, score=0.69),
        replace(GOOD, conflicting=(GOOD.evidence_id,)),
    ],
)
def test_a_hole_in_the_table_of_proofs_accepts_nothing(monkeypatch, chosen):
    """State, score and conflicts are asked once more where no proof said anything."""
    monkeypatch.setattr(deciding, "PROOFS", ())

    got = decided(replace(chosen, testimony=()))

    assert decided(GOOD).outcome is Outcome.ACCEPTED
    assert (got.outcome, got.reason.code) == (Outcome.REVIEW, "unproven")
    assert got.doubts == (got.reason,)


def test_a_decision_says_what_it_was_measured_by():
    """Method, threshold and certificate are those of the requirement."""
    requirement = Requirement(method="joint/1", threshold=0.5, certificate="c-17")
    got = decide(GOOD, TOTAL, requirement, in_domain=True)

    assert (got.method, got.threshold, got.certificate) == ("joint/1", 0.5, "c-17")


def test_a_score_at_the_threshold_is_enough():
    """Of a value and of an absence, and for the policy's looks too."""
    for one in (said("5.00", score=0.7), absent(score=0.7)):
        assert decided(row(one)).doubts == ()


def test_a_page_whose_absence_of_rows_is_as_sure_as_the_threshold_is_believed():
    """The bound is the same as for a value; just below it the list waits."""
    for score, codes in ((0.7, []), (0.69, ["list_unsure"])):
        got = decided(replace(GOOD, empty_page_scores=(0.99, score)))
        assert [doubt.code for doubt in got.doubts] == codes


@pytest.mark.parametrize(
    ("changes", "beside"),
    [
        ({"sure_look": 1.0, "looks": 1}, Beside(looks=(replace(LOOK, weakest=0.0),))),
        ({"opening": 1.0}, Beside(opening=0.0)),
        ({"opening": 1.0}, Beside(opening=None)),
    ],
)
def test_what_reaches_the_bound_of_a_policy_is_sure(changes, beside):
    """A look or an opening token that is exactly as sure as the policy asks for is enough; one that
    nobody measured is no doubt.
    """
    requirement = Requirement(method=METHOD, threshold=0.7, **changes)

    got = decide(GOOD, TOTAL, requirement, in_domain=True, beside={GOOD.evidence_id: beside})

    assert got.doubts == ()


def test_the_doubt_of_a_look_without_a_token_says_zero():
    """The number is a probability."""
    requirement = Requirement(method=METHOD, threshold=0.7, looks=1, sure_look=0.8)
    told = Beside(looks=(replace(LOOK, weakest=None),))

    got = decide(GOOD, TOTAL, requirement, in_domain=True, beside={GOOD.evidence_id: told})

    assert got.reason.details == {"probability": 0.0, "least": 0.8}


NOWHERE = row(absent(score=0.99))


@pytest.mark.parametrize(
    ("chosen", "texts", "says"),
    [
        (GOOD, ("6.00", "7.00"), "6.00"),
        (GOOD, (None, "7.00"), "nothing here"),
        (GOOD, ("", "7.00"), "nothing here"),
        (replace(GOOD, name="items.amount"), (None,), "nothing here, or has other rows"),
        (NOWHERE, ("6.00",), "6.00"),
        (NOWHERE, (None,), "something here"),
    ],
)
def test_the_doubt_says_what_the_first_look_that_differs_read(chosen, texts, says):
    """And all that differ are named in the details, those that agree are not."""
    requirement = Requirement(method=METHOD, threshold=0.7, looks=1)
    differing = tuple(replace(LOOK, agreement=Agreement.OTHER, text=text) for text in texts)
    told = Beside(looks=(LOOK, *differing))

    got = decide(chosen, TOTAL, requirement, in_domain=True, beside={chosen.evidence_id: told})

    assert got.reason.message == f"read again, the page says {says}"
    assert got.reason.details == {"reads": list(texts)}


def test_a_policy_that_asks_for_looks_gets_none_from_an_answer_without_a_reading():
    """No page was read, so none was read again."""
    requirement = Requirement(method=METHOD, threshold=0.7, looks=1)

    got = decide(replace(GOOD, evidence_id=None), TOTAL, requirement, in_domain=True)

    assert [doubt.code for doubt in got.doubts] == ["looks_missing"]


@pytest.mark.parametrize(
    ("changes", "code", "details"),
    [
        ({"cut_pages": (2, 3)}, "truncated", {"pages": [2, 3]}),
        ({"list_problem": "truncated"}, "truncated", {}),
        ({"problem": "repeated_key"}, "unreadable", {"problem": "repeated_key"}),
        ({"state": FieldState.UNREADABLE}, "unreadable", {"problem": "missing"}),
        ({"list_problem": "missing"}, "list_incomplete", {"problem": "missing"}),
        ({"unread_pages": (2, 3)}, "page_unread", {"pages": [2, 3]}),
    ],
)
def test_a_doubt_of_what_could_not_be_read_names_the_place_or_the_problem(changes, code, details):
    """For whoever looks for it in SQL."""
    got = decided(replace(GOOD, **changes))

    assert [(one.code, one.details) for one in got.doubts] == [(code, details)]


@pytest.mark.parametrize(
    "changes",
    [{"unread_pages": (2,)}, {"left_out_pages": (2,)}, {"score": 0.1}, {"score": None}],
)
def test_of_what_could_not_be_read_nothing_else_is_said(changes):
    """Neither a low score nor other pages, nor looks that the policy asks for: they say less."""
    requirement = Requirement(method=METHOD, threshold=0.7, looks=1, opening=0.9)
    unread = replace(GOOD, state=FieldState.UNREADABLE, problem="missing", **changes)

    got = decide(unread, TOTAL, requirement, in_domain=True)

    assert [doubt.code for doubt in got.doubts] == ["unreadable"]


def test_a_required_field_that_has_a_value_is_accepted():
    """Only its absence is a doubt."""
    assert decided(GOOD, replace(TOTAL, required=True)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("message", ["five what?", None])
def test_a_value_with_a_problem_says_its_message_or_else_the_problem(message):
    """A doubt never comes without words."""
    value = replace(GOOD.value, value=None, problem="no_unit", message=message)

    (doubt,) = decided(replace(GOOD, value=value)).doubts

    assert (doubt.code, doubt.message) == ("no_unit", message or "no_unit")


def test_a_denial_without_a_code_and_without_words_names_its_witness():
    """A doubt never comes without a code."""
    got = decided(denied(GOOD, None, None))

    assert (got.reason.code, got.reason.message) == ("denied", "test/1")


def test_a_new_witness_is_told_before_a_value_that_the_page_does_not_show():
    """Whichever of them was heard first."""
    for codes in (("gap", "not_on_page"), ("not_on_page", "gap")):
        got = decided(denied(denied(GOOD, codes[0]), codes[1]))
        assert [doubt.code for doubt in got.doubts] == ["gap", "not_on_page"]


def test_a_score_of_zero_is_a_score():
    """Low, and not unknown."""
    got = decided(row(said("5.00", score=0.0, found=True)))
    assert [doubt.code for doubt in got.doubts] == ["low_score"]


def test_a_doubted_row_pulls_down_its_own_list_alone():
    """Another list has a row of the same number, and its rows stand."""
    other = replace(ITEMS, name="fees")
    spec = a_type(ITEMS, other)
    evidence = [
        *row_of_items(1, 0, "a", "1.00"),
        *(
            replace(one, name=one.name.replace("items", "fees"))
            for one in row_of_items(1, 0, "b", "2.00")
        ),
    ]
    chosen = [
        replace(one, score=0.2) if one.name == "items.amount" else one
        for one in answers(spec, evidence, pages={1})
    ]
    decisions = decide_all(chosen, spec, policy_of(spec, accept_at=0.7), in_domain=True)
    reasons = {
        one.name: decision.reason.code for one, decision in zip(chosen, decisions, strict=True)
    }

    assert {reasons[name] for name in reasons if name.startswith("items.")} == {
        "low_score",
        "row_in_doubt",
    }
    assert {reasons[name] for name in reasons if name.startswith("fees.")} == {"value"}

"""What other pages say of the same field."""

from extractors.evidence.other_readings import other_readings
from extractors.evidence.witnesses import AGREES, DENIES
from tests.evidence.making import PAPER, TOTAL, a_type, absent, document_of, row_of_items, said

SPEC = a_type(TOTAL)


def heard(*evidence):
    """What the witness says of the total's candidates."""
    return list(other_readings(document_of(SPEC, evidence, pages={e.page for e in evidence})))


def test_two_values_deny_each_other():
    """Each is told what the other one says."""
    found = heard(said("5.00", page=1), said("6.00", page=2))

    assert [(one.of.text, one.says, one.because) for one in found] == [
        ("5.00", DENIES, "conflict"),
        ("6.00", DENIES, "conflict"),
    ]
    assert [one.details["others"] for one in found] == [["6.00"], ["5.00"]]


def test_two_pages_that_say_the_same_agree():
    """With the pages."""
    (one,) = heard(said("5.00", page=1), said("5.00", page=2))

    assert (one.says, one.details["pages"]) == (AGREES, [1, 2])


def test_one_page_alone_and_absences_say_nothing():
    """Most fields stand on one page only."""
    assert heard(said("5.00", page=1), absent(page=2)) == []


def test_rows_of_a_list_are_no_readings_of_each_other():
    """Each has its own value; another page's row is another row."""
    rows = [*row_of_items(1, 0, "a", "1.00"), *row_of_items(1, 1, "b", "2.00")]
    rows += row_of_items(2, 0, "a", "1.00")

    assert list(other_readings(document_of(PAPER, rows, pages={1, 2}))) == []

"""Days that can be, and days in their order."""

from dataclasses import replace
from datetime import date as Date
from datetime import timedelta

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.plausible_dates import plausible_dates
from tests.evidence.making import a_field, a_type, document_of, said

WRITTEN = Date(2026, 3, 4)
BOTH = a_type(a_field(Kind.DATE, "written"), a_field(Kind.DATE, "paid_by", after="written"))


def day(name, when, found=None):
    return said(when if isinstance(when, str) else when.isoformat(), name=name, kind=Kind.DATE,
                found=found)  # fmt: skip


def heard(spec, *readings, received=None, pages=(1,)):
    document = replace(document_of(spec, readings, pages=set(pages)), received=received)
    return [(each.of.name, each.because) for each in plausible_dates(document)]


@pytest.mark.parametrize(
    ("days", "found", "denied"),
    [
        (0, (None, None), False),
        (1, (None, None), True),
        (1, (True, False), True),
        (1, (False, True), True),
        (1, (True, None), True),
        (1, (True, True), False),
        (62, (True, True), False),
        (63, (True, True), True),
        (-1, (None, None), False),
    ],
)
def test_a_day_before_the_one_it_follows_stands_only_where_the_page_shows_both(days, found, denied):
    """Two months, and not a day where one of them is not in the page's words."""
    written = day("written", WRITTEN, found[0])
    paid_by = day("paid_by", WRITTEN - timedelta(days=days), found[1])

    expected = {("written", "dates_out_of_order"), ("paid_by", "dates_out_of_order")}
    assert set(heard(BOTH, written, paid_by)) == (expected if denied else set())


def test_a_day_in_the_wrong_order_names_the_field_that_it_follows():
    """For the person who looks, with the other one's words in the details."""
    readings = [day("written", WRITTEN), day("paid_by", "2026-03-01")]

    found = list(plausible_dates(document_of(BOTH, readings, pages={1})))

    assert {each.message for each in found} == {
        "paid by 2026-03-01 is before 2026-03-04, the written"
    }
    assert [each.details["other"] for each in found] == ["2026-03-04", "2026-03-01"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("when", "denied"),
    [("1900-01-01", True), ("1900-01-02", False), ("1970-01-01", True), ("2099-12-31", True)],
)
def test_a_day_that_programs_write_when_they_have_none_is_no_date(known, when, denied):
    """Even in the year in which the paper came in, and if nobody knows that year."""
    spec = a_type(a_field(Kind.DATE, "written", years=(5, 5)))
    received = Date.fromisoformat(when) if known else None

    found = heard(spec, day("written", when), received=received)

    assert found == ([("written", "implausible_date")] if denied else [])


@pytest.mark.parametrize("when", ["2026-02-20", "soon"])
def test_of_a_date_without_a_partner_no_order_is_asked(when):
    """The other one is not there, has no value, or is no date."""
    paid_by = day("paid_by", when)
    nameless = replace(day("written", WRITTEN), value=None)

    assert not heard(BOTH, paid_by)
    assert not heard(BOTH, paid_by, nameless)
    assert not heard(BOTH, paid_by, day("written", "some day"))
    assert not heard(BOTH, replace(paid_by, value=None), day("written", WRITTEN))

"""Errors that are planted look like a machine's, and mean something else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import MISSED
from extractors.decision.planted import LEAST_SHOWN, missed_share, planted
from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from extractors.normalise import normalise

TEXTS = {
    "total": "1,284.50",
    "date": "14/04/2026",
    "number": "A-17",
    "payee": "Nordlicht GmbH",
}


@pytest.mark.parametrize("field", sorted(TEXTS))
@given(audit=st.uuids())
def test_a_planted_error_is_one_mistake_and_another_value(field: str, audit: UUID) -> None:
    """As long as the text, plausible by itself, and never what the page says."""
    spec, text = Slip.spec.field(field), TEXTS[field]
    wrong = planted(text, spec, Slip.spec, audit)

    assert wrong is not None
    assert len(wrong) == len(text)
    assert 1 <= sum(one != other for one, other in zip(text, wrong, strict=True)) <= 2
    means = normalise(wrong, spec, Slip.spec)
    assert means.problem is None
    assert not means.agrees_with(normalise(text, spec, Slip.spec))


@given(
    field=st.sampled_from(sorted(Slip.spec.paths())), text=st.text(max_size=30), audit=st.uuids()
)
def test_whatever_stands_on_a_page_nothing_right_is_ever_planted(
    field: str, text: str, audit: UUID
) -> None:
    """Where no mistake would look like one, nothing is."""
    spec = Slip.spec.field(field)
    wrong = planted(text, spec, Slip.spec, audit)

    if wrong is not None:
        right, means = (normalise(one, spec, Slip.spec) for one in (text, wrong))
        assert right.problem is means.problem is None
        assert not means.agrees_with(right)


def test_the_same_audit_plants_the_same_and_others_plant_others() -> None:
    """A page that is loaded again says nothing new."""
    spec = Slip.spec.field("total")
    found = {planted("1,284.50", spec, Slip.spec, UUID(int=n)) for n in range(50)}

    assert planted("1,284.50", spec, Slip.spec, UUID(int=1)) == planted(
        "1,284.50", spec, Slip.spec, UUID(int=1)
    )
    assert len(found) > 3


@pytest.mark.parametrize(
    ("spec", "path", "text"),
    [
        (Invoice.spec, "iban", "DE02120300000000202051"),  # its checksum would tell
        (Slip.spec, "currency", "EUR"),
        (Slip.spec, "total", "no amount"),
        (Slip.spec, "payee", ""),
    ],
)
def test_what_would_show_by_itself_is_not_planted(spec: object, path: str, text: str) -> None:
    """Nobody needs a sharp eye for it."""
    assert planted(text, spec.field(path), spec, UUID(int=1)) is None  # type: ignore[attr-defined]


def test_ten_per_cent_are_missed_until_a_hundred_were_shown() -> None:
    """Then as many as the upper bound says; some promise stays possible whatever it is."""
    assert missed_share(LEAST_SHOWN - 1, 0) == missed_share(0, 0) == MISSED
    assert missed_share(LEAST_SHOWN, 0) == upper_bound(0, LEAST_SHOWN) < 0.03
    assert missed_share(LEAST_SHOWN, 5) > MISSED
    assert missed_share(LEAST_SHOWN, LEAST_SHOWN) < 1


@given(st.integers(LEAST_SHOWN, 500), st.data())
def test_who_overlooks_more_is_never_trusted_more(shown: int, data: st.DataObject) -> None:
    """And never below what was overlooked."""
    overlooked = data.draw(st.integers(0, shown - 1))

    found = missed_share(shown, overlooked)

    assert found <= missed_share(shown, overlooked + 1)
    assert found >= min(overlooked / shown, 0.99)

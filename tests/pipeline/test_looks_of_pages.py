"""Further looks go to the readings of their own page, the free ones before the forced ones."""

from itertools import permutations
from uuid import uuid4

import pytest

from extractors.documents import BUILT_IN
from extractors.types import FieldReading
from tests.factories import a_field
from worker.pipeline.further_looks import further_looks
from worker.store.types import SaidByLook, StoredField

SLIP = BUILT_IN["slip"]


def stored(page: int, reading: FieldReading) -> StoredField:
    return StoredField(
        field_id=uuid4(),
        page=page,
        in_domain=True,
        fingerprint="f",
        decode_mode="json",
        looked_at_again=True,
        reading=reading,
    )


def look(printed: str, *, forced: bool = False) -> SaidByLook:
    return SaidByLook(forced, {("total", 0): a_field("total", printed)})


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_looks_of_a_page_say_what_they_say_of_its_own_readings_free_ones_first(
    order: tuple[int, ...],
) -> None:
    """In the order in which they were taken; a page that was looked at once has none."""
    first, second, third = (stored(page, a_field("total", "1.00")) for page in (1, 2, 3))
    taken = [look("1.00"), look("2.00"), look("1.00", forced=True)]
    looks = {1: [taken[at] for at in order], 2: [look("3.00")]}

    found = further_looks(looks, [third, second, first], SLIP)

    free = [text for at in order for text in (("1.00", "2.00", None)[at],) if text]
    assert [(one.forced, one.text) for one in found[first.field_id]] == [
        *((False, text) for text in free),
        (True, "1.00"),
    ]
    assert [one.text for one in found[second.field_id]] == ["3.00"]
    assert third.field_id not in found

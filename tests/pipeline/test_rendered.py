"""Pages wait outside of the memory, and a document may cost only so much."""

import tracemalloc
from dataclasses import replace

import pytest

from extractors.errors import TooManyWords, TooMuchToStore
from extractors.types import Box, Word
from tests.factories import render_limits
from tests.pipeline.conftest import a_pdf
from worker.pipeline.rendered import RenderedPages
from worker.store.types import NewPage


def a_page(number, *, words=3):
    return NewPage(
        number=number,
        width_pt=595,
        height_pt=842,
        model_width_px=10,
        model_height_px=10,
        model_sha256=f"{number:064x}",
        view_sha256=f"{number + 10_000:064x}",
        words=tuple(
            Word(f"word{n} \u2028\n of {number}", Box(n, 1, 2, 3.25)) for n in range(words)
        ),
    )


def test_pages_come_back_as_they_were_in_order_and_again():
    """A transaction may be tried a second time."""
    pages = [a_page(1), a_page(2, words=0), a_page(3, words=1)]
    with RenderedPages(render_limits()) as kept:
        for page in pages:
            kept.add(page, stored=(1, 1))
        assert len(kept) == 3
        assert list(kept) == pages
        assert list(kept) == pages


def test_words_leave_the_memory_page_by_page():
    """Forty pages of ten thousand words take what one takes, also while they are read back."""
    limits = render_limits(max_words=1_000_000)
    one = a_page(1, words=10_000)
    tracemalloc.start()
    try:
        with RenderedPages(limits) as kept:
            kept.add(one, stored=(1, 1))
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            for number in range(2, 41):
                kept.add(a_page(number, words=10_000), stored=(1, 1))
            assert sum(len(page.words) for page in kept) == 400_000
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 20_000_000  # 8 MB; 40 pages at once take 103 MB


def test_a_document_has_as_many_words_as_the_limit_and_not_one_more():
    """All pages together."""
    with RenderedPages(render_limits(max_words=5)) as kept:
        kept.add(a_page(1, words=3), stored=(1, 1))
        kept.add(a_page(2, words=2), stored=(1, 1))
        with pytest.raises(TooManyWords, match=r"5 words by page 3\..*SUREFIELD_MAX_WORDS"):
            kept.add(a_page(3, words=1), stored=(1, 1))


def test_page_images_take_as_much_room_as_the_limit_and_no_byte_more():
    """Equal pictures are stored once, and count once."""
    with RenderedPages(render_limits(max_stored_bytes=100)) as kept:
        kept.add(a_page(1), stored=(10, 40))
        kept.add(replace(a_page(2), view_sha256=a_page(1).view_sha256), stored=(10, 40))
        kept.add(a_page(3), stored=(0, 40))
        with pytest.raises(TooMuchToStore, match=r"by page 4\..*SUREFIELD_MAX_STORED_MB"):
            kept.add(a_page(4), stored=(0, 1))


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"max_words": 13}, "too_many_words"), ({"max_stored_bytes": 3_000}, "too_much_to_store")],
)
def test_a_document_that_costs_too_much_fails_with_the_mend_and_one_that_does_not_is_read(
    make_house, limits, code
):
    """Two pages are too many where one is not; a second message changes nothing."""
    house = make_house(limits=render_limits(view_dpi=36, **limits))
    small, large = house.submit(a_pdf()), house.submit(a_pdf(pages=3))
    before = list(house.announced)
    house.work()
    assert house.status(small) == "accepted"
    (row,) = house.rows("SELECT * FROM documents WHERE id = :id", id=large)
    assert (row.status, row.error_code) == ("failed", code)
    assert "SUREFIELD_" in row.error_message
    assert not house.rows("SELECT 1 FROM pages WHERE document_id = :id", id=large)

    everything = house.everything()
    house.announced += before
    house.work()
    assert house.everything() == everything

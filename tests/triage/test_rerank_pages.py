"""Page selection with a second look: the same promises as without, and the cross-encoder has the
last word.
"""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.documents import BUILT_IN
from extractors.rerankers import Pair, Relevance
from extractors.triage.rerank_pages import PASSAGE_WORDS, RefinedSelect, passages_of, query_for
from extractors.triage.select_pages import select
from extractors.types import Box, Word
from tests.benchmarks import selection
from tests.rerankers.conftest import tiny  # noqa: F401  a fixture

SLIP, INVOICE = BUILT_IN["slip"], BUILT_IN["invoice"]


class Rule:
    """A reranker that finds relevant whatever holds one word; and remembers what it was asked."""

    model, fingerprint = "rule", "rule/1"

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[Pair] = []

    def relevance(self, pairs: Sequence[Pair]) -> list[Relevance]:
        self.asked += pairs
        return [
            Relevance(logit=4.0 if self.word in passage.split() else -4.0) for _, passage in pairs
        ]


def page(*texts: str) -> tuple[Word, ...]:
    """One line of words."""
    return tuple(
        Word(text, Box(20.0 * at, 10.0, 20.0 * at + 15.0, 20.0)) for at, text in enumerate(texts)
    )


def plain(number: int) -> tuple[Word, ...]:
    return page("Total", f"{number}.00", "and", "some", "words", "more", f"n{number}")


def test_the_page_that_the_cross_encoder_finds_relevant_is_kept():
    """The words alone see no difference between twenty pages; one of the first forty per cent holds
    the word.
    """
    pages = [plain(number) for number in range(1, 21)]
    words_alone = select(pages, SLIP, 2)
    fourth = next(number for number, rank in words_alone.ranks.items() if rank == 4)

    chosen = RefinedSelect(Rule(f"n{fourth}"))(pages, SLIP, 2)

    assert fourth not in words_alone.kept
    assert fourth in chosen.kept
    assert chosen.ranks[fourth] == 2


def test_the_words_first_choice_is_never_lost_to_one_page():
    """Both have a say: a model that is wrong about such pages costs little."""
    pages = [plain(number) for number in range(1, 21)]
    (first,) = (number for number, rank in select(pages, SLIP, 2).ranks.items() if rank == 1)

    assert first in RefinedSelect(Rule("n20"))(pages, SLIP, 2).kept


def test_where_it_finds_nothing_relevant_the_words_decide():
    """A model that knows nothing of such pages does no harm."""
    pages = [plain(number) for number in range(1, 21)]

    assert RefinedSelect(Rule("nowhere"))(pages, INVOICE, 3) == select(pages, INVOICE, 3)


def test_only_the_promising_pages_are_judged():
    """That is what makes it affordable: a fixed number for each page that is kept."""
    rule = Rule("nowhere")
    RefinedSelect(rule, wide=2)([plain(number) for number in range(1, 51)], SLIP, 5)

    assert len({passage for _, passage in rule.asked}) == 10
    assert len({query for query, _ in rule.asked}) == len(SLIP.fields)


def test_without_a_choice_to_make_nothing_is_asked():
    """A short document costs nothing."""
    rule = Rule("nowhere")
    pages = [plain(1), page("1"), plain(2)]

    assert RefinedSelect(rule)(pages, SLIP, 5) == select(pages, SLIP, 5)
    assert rule.asked == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.booleans(), min_size=1, max_size=30),
    st.integers(1, 8),
    st.none() | st.integers(0, 3),
    st.integers(1, 30),
)
def test_every_page_is_kept_or_left_out_whatever_the_model_says(worded, keep, keep_wordless, liked):
    """Nothing is dropped in silence, and no more is kept than without a second look."""
    pages = [plain(number) if has_words else () for number, has_words in enumerate(worded, start=1)]
    first = select(pages, SLIP, keep, keep_wordless=keep_wordless)

    chosen = RefinedSelect(Rule(f"n{liked}"))(pages, SLIP, keep, keep_wordless=keep_wordless)

    assert sorted((*chosen.kept, *chosen.left_out)) == list(range(1, len(pages) + 1))
    assert len(chosen.kept) == len(first.kept)
    assert chosen.wordless == first.wordless
    assert chosen.ranks.keys() == first.ranks.keys()
    assert sorted(chosen.ranks.values()) == sorted(first.ranks.values())


@given(st.integers(0, 500))
def test_passages_hold_every_word_and_overlap(count):
    """No line is lost between two passages, and none is longer than a passage may be."""
    texts = [f"w{number}" for number in range(count)]
    passages = [passage.split() for passage in passages_of(page(*texts))]

    assert list(dict.fromkeys(word for passage in passages for word in passage)) == texts
    assert all(len(passage) <= PASSAGE_WORDS for passage in passages)
    assert all(before[-1] in after for before, after in itertools.pairwise(passages))


def test_a_group_is_asked_for_with_its_members():
    """Their names are the columns' headings."""
    assert (
        query_for(SLIP.field("items"), SLIP)
        == "items: the line items, top to bottom: description, amount (payment slip)"
    )


def test_fewer_pages_than_are_kept_cannot_be_looked_at():
    """A slip of the pen, said at once."""
    with pytest.raises(ValueError, match="wide"):
        RefinedSelect(Rule("x"), wide=0)


@pytest.mark.parametrize(("seed", "fewest"), [(15, 1), (30, 1), (2, 3)])
def test_the_tiny_cross_encoder_loses_no_page_with_a_field(tiny, seed, fewest):
    """On long documents, of two of which the words alone lose one: a field stands alone on its page
    there.
    """
    one = selection.document(seed, fewest=fewest)
    homes = {number for numbers in one.truth.values() for number in numbers}
    keep = selection.kept_of(one)

    assert homes <= set(RefinedSelect(tiny)(one.pages, one.spec, keep).kept)
    assert (homes <= set(select(one.pages, one.spec, keep).kept)) == (fewest == 3)

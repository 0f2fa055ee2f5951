"""Page selection with a second look: the pages that the words alone find most promising, judged by
a cross-encoder.

A page is cut into overlapping passages and is as relevant to a field as the best of them, so that
nothing of it is beyond the model's reach, and one line with the value is not drowned by the rest of
the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.page.text import PageText
from extractors.rerankers import Pair, Reranker
from extractors.triage.select_pages import Selection, select
from extractors.types import Word

# Pages that get a second look, for each one that is kept: of the fields that stand alone on a page
# the words' best tenth of a long document holds 98.3 %, their best fifth 99.6 %.
WIDE = 2
PASSAGE_WORDS, STEP = 96, 72  # a passage, and where the next one begins
RELEVANT = 0.5  # the cross-encoder's own word for it: a logit above 0
# how much more the first places weigh than those behind them; 60 is the custom for lists of
# hundreds
FUSED = 5


class RefinedSelect:
    """``extractors.triage.select_pages.select`` with a cross-encoder behind it: called the same,
    answering the same.

    reranker: judges the passages wide: pages that are looked at twice, for each one that is kept;
    more of them cost more and lose less
    """

    def __init__(self, reranker: Reranker, *, wide: int = WIDE) -> None:
        if wide < 1:
            raise ValueError(
                f"wide is {wide}, and at least the pages that are kept must be looked at"
            )
        self.reranker = reranker
        self.wide = wide

    def __call__(
        self,
        pages: Sequence[Sequence[Word]],
        spec: DocumentType,
        keep: int,
        *,
        keep_wordless: int | None = None,
    ) -> Selection:
        """The ``keep`` most promising pages, and those that have hardly a word.

        Raises what the reranker raises.
        """
        first = select(pages, spec, keep, keep_wordless=keep_wordless)
        if not first.ranks:
            return first  # there is no choice to make, and nothing is asked
        ranked = sorted(first.ranks, key=first.ranks.__getitem__)
        looked_at = ranked[: self.wide * keep]
        judged = relevances(
            {number: pages[number - 1] for number in looked_at}, spec, self.reranker
        )
        order = [*_fused(looked_at, _in_turns(judged, looked_at)), *ranked[len(looked_at) :]]
        kept = {*order[:keep], *(number for number in first.wordless if number in first.kept)}
        return Selection(
            kept=tuple(sorted(kept)),
            wordless=first.wordless,
            left_out=tuple(number for number in range(1, len(pages) + 1) if number not in kept),
            ranks={number: rank for rank, number in enumerate(order, start=1)},
        )


def relevances(
    pages: Mapping[int, Sequence[Word]], spec: DocumentType, reranker: Reranker
) -> dict[str, dict[int, float]]:
    """How relevant each page is to each field, 0..1: that of its best passage."""
    passages = [
        (number, passage) for number, words in pages.items() for passage in passages_of(words)
    ]
    pairs: list[Pair] = [
        (query_for(field, spec), passage) for field in spec.fields for _, passage in passages
    ]
    judged = iter(reranker.relevance(pairs))
    found: dict[str, dict[int, float]] = {}
    for field in spec.fields:
        best = dict.fromkeys(pages, 0.0)
        for number, _ in passages:
            best[number] = max(best[number], next(judged).score)
        found[field.name] = best
    return found


def query_for(field: FieldSpec, spec: DocumentType) -> str:
    """What a cross-encoder is asked about a field: its name, its description and its document type,
    as prompts give them.
    """
    members = (
        f": {', '.join(member.name.replace('_', ' ') for member in field.members)}"
        if field.members
        else ""
    )
    return f"{field.name.replace('_', ' ')}: {field.description}{members} ({spec.title})"


def passages_of(words: Sequence[Word]) -> Iterator[str]:
    """A page's words line by line, cut into overlapping passages."""
    texts = [word.text for word in PageText(words).line_by_line.words]
    for start in range(0, max(1, len(texts) - (PASSAGE_WORDS - STEP)), STEP):
        if texts:
            yield " ".join(texts[start : start + PASSAGE_WORDS])


def _fused(words: Sequence[int], judged: Sequence[int]) -> list[int]:
    """The pages by reciprocal rank fusion: both orders have a say, so that a model that is wrong
    about such pages costs little.
    """
    place = {number: at for at, number in enumerate(judged)}
    worth = {
        number: 1 / (FUSED + at) + 1 / (FUSED + place[number]) for at, number in enumerate(words)
    }
    return sorted(words, key=lambda number: -worth[number])  # of two alike, the words' first


def _in_turns(judged: Mapping[str, Mapping[int, float]], ranked: Sequence[int]) -> list[int]:
    """The pages, the best first: every field's best one, then every field's second, as long as they
    are relevant at all.

    Where the cross-encoder sees no difference, the order that the words gave stays.
    """
    turns = zip_longest(
        *(
            sorted(
                (
                    (-score, at, number)
                    for at, number in enumerate(ranked)
                    if (score := of[number]) >= RELEVANT
                )
            )
            for of in judged.values()
        )
    )
    named = [
        number for turn in turns for _, _, number in sorted(one for one in turn if one is not None)
    ]
    return list(dict.fromkeys((*named, *ranked)))

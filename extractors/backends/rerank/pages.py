"""Page selection with a second look: the pages that the words alone find most promising for a field, judged by a cross-encoder.

A page is cut into overlapping passages and is as relevant as the best of them, so that nothing of it is beyond the model's reach
and one line with the value is not drowned by the rest of the page.
"""

from collections.abc import Iterator, Sequence

from extractors.backends.rerank import Pair, Reranker
from extractors.documents.spec import DocumentType, FieldSpec
from extractors.page_text import PageText
from extractors.select import scores_of
from extractors.types import Word

TOP = 12  # pages a field that get a second look
PASSAGE_WORDS, STEP = 96, 72  # a passage, and where the next one begins
LEXICAL = 0.25  # what the words alone still weigh, the best page's as 1; the cross-encoder's score lies between 0 and 1


class RefinedScores:
    """``extractors.select.scores_of`` with a cross-encoder behind it: called the same, answering the same.

    reranker: judges the passages
    top: pages a field that are looked at twice; more of them cost more and lose less
    """

    def __init__(self, reranker: Reranker, *, top: int = TOP) -> None:
        if top < 1:
            raise ValueError(f"top is {top}, and at least one page must be looked at twice")
        self.reranker = reranker
        self.top = top

    def __call__(self, pages: Sequence[Sequence[Word]], spec: DocumentType) -> dict[str, list[float]]:
        """How promising each page is for each field: 0 means that nothing on it speaks for the field."""
        lexical = scores_of(pages, spec)
        second = {name: _best(scores, self.top) for name, scores in lexical.items()}
        passages = {at: list(passages_of(pages[at])) for at in sorted({at for places in second.values() for at in places})}
        asked = [(name, at, passage) for name, places in second.items() for at in places for passage in passages[at]]
        queries = {field.name: query_for(field, spec) for field in spec.fields}
        pairs: list[Pair] = [(queries[name], passage) for name, _, passage in asked]
        found: dict[tuple[str, int], float] = {}
        for (name, at, _), one in zip(asked, self.reranker.relevance(pairs), strict=True):
            found[name, at] = max(found.get((name, at), 0.0), one.score)
        return {name: _blended(scores, {at: found.get((name, at), 0.0) for at in second[name]}) for name, scores in lexical.items()}


def query_for(field: FieldSpec, spec: DocumentType) -> str:
    """What a cross-encoder is asked about a field: its document type, its name and its description, as prompts give them."""
    members = ", ".join(member.name.replace("_", " ") for member in field.members)
    return f"{spec.title}: {field.name.replace('_', ' ')}, {field.description}" + (f" ({members})" if members else "")


def passages_of(words: Sequence[Word]) -> Iterator[str]:
    """A page's words line by line, cut into overlapping passages."""
    texts = [word.text for word in PageText(words).line_by_line.words]
    for start in range(0, max(1, len(texts) - (PASSAGE_WORDS - STEP)), STEP):
        if texts:
            yield " ".join(texts[start : start + PASSAGE_WORDS])


def _best(scores: Sequence[float], top: int) -> list[int]:
    """Places of the ``top`` best pages that anything speaks for."""
    return [at for at in sorted(range(len(scores)), key=lambda at: (-scores[at], at)) if scores[at] > 0][:top]


def _blended(lexical: Sequence[float], judged: dict[int, float]) -> list[float]:
    """The cross-encoder's score where there is one, and a little of the other, which keeps the order of all that was not judged."""
    most = max(lexical, default=0.0)
    return [judged.get(at, 0.0) + (LEXICAL * score / most if most > 0 else 0.0) for at, score in enumerate(lexical)]

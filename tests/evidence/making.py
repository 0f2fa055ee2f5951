"""Specs, evidence and pages for the tests of values, in one line each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from extractors.decision.choose import Chosen, choose
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.gather import PageEvidence, gather
from extractors.evidence.grounding import Agreement, Grounding
from extractors.evidence.witnesses import DocumentEvidence, hear
from extractors.normalise import Value, normalise
from extractors.page.text import PageText
from extractors.types import Box, FieldState, Word

CHAR_PT, LINE_PT = 6.0, 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(PageEvidence):
    """One page's evidence, and the score that some method gives it."""

    score: float | None = None


def document_of(
    spec: DocumentType,
    evidence: Iterable[PageEvidence],
    *,
    pages: Mapping[int, Sequence[Word]] | Collection[int],
    unread: Mapping[int, Sequence[Word]] | None = None,
) -> DocumentEvidence:
    """The evidence of a document; pages may be named with their words, or by number alone."""
    words = pages if isinstance(pages, Mapping) else {}
    return DocumentEvidence(
        type=spec,
        candidates=gather(spec, evidence, pages=set(pages)),
        pages={number: PageText(words.get(number, ())) for number in pages},
        left_out={number: PageText(words) for number, words in (unread or {}).items()},
    )


def answers(
    spec: DocumentType,
    evidence: Iterable[Said],
    *,
    pages: Mapping[int, Sequence[Word]] | Collection[int],
    left_out: Collection[int] = (),
    unjudged: Collection[int] = (),
) -> tuple[Chosen, ...]:
    """The document's answers as the stages find them: gathered, witnessed, scored and chosen."""
    evidence = list(evidence)
    document = document_of(spec, evidence, pages=pages)
    return choose(
        spec,
        document.candidates,
        hear(document),
        {e.id: e.score for e in evidence},
        left_out=left_out,
        unjudged=unjudged,
    )


def a_type(*fields: FieldSpec, locale: str = "en_US", day_first: bool = False) -> DocumentType:
    return DocumentType(
        name="paper",
        title="paper",
        description="",
        fields=fields,
        locale=locale,
        day_first=day_first,
    )


def a_field(kind: Kind = Kind.TEXT, name: str = "x", **options: Any) -> FieldSpec:
    return FieldSpec(name=name, kind=kind, description="a field", **options)


def value_of(
    text: str, kind: Kind, *, locale: str = "en_US", day_first: bool = False, **options: Any
) -> Value:
    return normalise(text, a_field(kind, **options), a_type(locale=locale, day_first=day_first))


def said(
    text: str | None = None,
    *,
    name: str = "total",
    page: int = 1,
    ordinal: int = 0,
    score: float | None = 0.99,
    kind: Kind = Kind.AMOUNT,
    state: FieldState = FieldState.VALUE,
    problem: str | None = None,
    found: bool | None = None,
) -> Said:
    """One page's evidence; ``found`` says whether the page's words show it (None: no words)."""
    value = value_of(text, kind) if text is not None else None
    grounding = (
        None
        if found is None
        else Grounding(
            agreement=Agreement.EXACT if found else Agreement.NONE,
            nearest=None if found else "9.99",
        )
    )
    return Said(
        id=uuid4(),
        page=page,
        name=name,
        ordinal=ordinal,
        state=state,
        text=text,
        score=score,
        value=value,
        grounding=grounding,
        problem=problem,
    )


def absent(name: str = "total", *, page: int = 1, score: float | None = 0.99) -> Said:
    return said(None, name=name, page=page, score=score, state=FieldState.ABSENT)


def unreadable(
    name: str = "total", *, page: int = 1, ordinal: int = 0, problem: str = "unparsable"
) -> Said:
    return said(
        None,
        name=name,
        page=page,
        ordinal=ordinal,
        score=None,
        state=FieldState.UNREADABLE,
        problem=problem,
    )


def ids(*evidence: PageEvidence) -> tuple[UUID, ...]:
    return tuple(e.id for e in evidence)


def page_of(*lines: str) -> list[Word]:
    """Words in a fixed-width face, one string a line; two or more spaces make a gap of as many
    characters.
    """
    words = []
    for number, line in enumerate(lines):
        x, y = 50.0, 50.0 + number * LINE_PT * 1.5
        for part in line.split(" "):
            if part:
                words.append(Word(part, Box(x, y, x + CHAR_PT * len(part), y + LINE_PT)))
            x += CHAR_PT * len(part) + CHAR_PT
    return words


ITEMS = a_field(
    Kind.GROUP, "items", members=(a_field(name="description"), a_field(Kind.AMOUNT, "amount"))
)
TOTAL = a_field(Kind.AMOUNT, "total")
PAPER = a_type(TOTAL, ITEMS)


def row_of_items(page, ordinal, description, amount):
    return [
        said(description, name="items.description", page=page, ordinal=ordinal, kind=Kind.TEXT),
        said(amount, name="items.amount", page=page, ordinal=ordinal),
    ]


TEXTS = st.sampled_from(["5.00", "5", "EUR 5.00", "$5.00", "6.00", "5,000", "damaged"])
SCORES = st.none() | st.floats(0, 1)


@st.composite
def some_evidence(draw):
    """Up to a dozen readings of four pages, all states mixed, groups among them."""
    made = []
    for _ in range(draw(st.integers(0, 12))):
        page, score = draw(st.integers(1, 4)), draw(SCORES)
        name = draw(st.sampled_from(["total", "items", "items.amount", "items.description"]))
        ordinal = draw(st.integers(0, 2)) if "." in name else 0
        state = draw(
            st.sampled_from(
                [FieldState.ABSENT, FieldState.UNREADABLE] if name == "items" else list(FieldState)
            )
        )
        text = draw(TEXTS) if state is FieldState.VALUE else None
        problem = "truncated" if state is FieldState.UNREADABLE else None
        made.append(
            said(
                text,
                name=name,
                page=page,
                ordinal=ordinal,
                score=score,
                state=state,
                problem=problem,
            )
        )
    return made

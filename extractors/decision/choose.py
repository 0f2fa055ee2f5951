"""The candidates of a document -> its answer: one a field and row, chosen by the witnesses, then by
the score.

Pure. Every path of the document type gets an answer, and what was not chosen stays beside it.
Whether an answer may be accepted is ``decide.py``'s business.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from extractors.documents.spec import DocumentType, Kind
from extractors.evidence.gather import Candidate, PageEvidence
from extractors.evidence.list_sums import LIST_PROVEN
from extractors.evidence.witnesses import AGREES, Testimony, denials
from extractors.normalise import Value
from extractors.types import FieldState

Scores = Mapping[UUID, float | None]  # of the readings, by the id of their evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The document's answer for one field and row, and what speaks for and against it."""

    name: str
    ordinal: int = 0  # row of a group in the document, 0-based
    state: FieldState
    text: str | None = None
    value: Value | None = None
    # of the chosen reading; of the weakest page when the field is absent
    score: float | None = None
    page: int | None = None  # of the chosen reading
    evidence_id: UUID | None = None  # the chosen reading's
    agreeing: tuple[UUID, ...] = ()  # other readings of the same candidate
    conflicting: tuple[UUID, ...] = ()  # readings of another value
    problem: str | None = None  # why the state is UNREADABLE
    testimony: tuple[Testimony, ...] = ()  # of the candidate, and of the list that it stands in
    unread_pages: tuple[int, ...] = ()  # could not be read for this field, and might say otherwise
    cut_pages: tuple[int, ...] = ()  # their answer to this field ended at the token limit
    # why the group that the row belongs to cannot be trusted as a whole
    list_problem: str | None = None
    empty_page_scores: tuple[float | None, ...] = ()  # of pages that say a list with rows has none
    empty_pages: tuple[UUID, ...] = ()  # their readings of that list, in the same order
    left_out_pages: tuple[int, ...] = ()  # nobody asked the model to read these
    unjudged_pages: tuple[int, ...] = ()  # of these, the ones without words: nothing speaks for it

    @property
    def list_proven(self) -> bool:
        """The rows add up to a sum that the document prints: none is missing."""
        return any(one.says is AGREES and one.because == LIST_PROVEN for one in self.testimony)


def choose(
    spec: DocumentType,
    candidates: Iterable[Candidate],
    testimony: Iterable[Testimony],
    scores: Scores,
    *,
    left_out: Collection[int] = (),
    unjudged: Collection[int] = (),
) -> tuple[Chosen, ...]:
    """The document's answers, in the order of the spec; a list's own (it is absent, or could not be
    read) before its rows'.

    left_out: pages that were not read; unjudged: the ones of them that have no words to judge them
    by.
    """
    chooser = _Chooser(candidates, testimony, scores, left_out=left_out, unjudged=unjudged)
    return tuple(
        answer
        for field in spec.fields
        for answer in (
            chooser.of_list(field.name)
            if field.kind is Kind.GROUP
            else [chooser.of_field(field.name, 0)]
        )
    )


class _Chooser:
    """The candidates by field and row, with what the witnesses and the method say of them."""

    def __init__(
        self,
        candidates: Iterable[Candidate],
        testimony: Iterable[Testimony],
        scores: Scores,
        *,
        left_out: Collection[int],
        unjudged: Collection[int],
    ) -> None:
        self._places: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
        self._cut: dict[str, set[int]] = defaultdict(set)  # by the field's, or the list's, name
        for one in candidates:
            self._places[one.name, one.ordinal].append(one)
            self._cut[one.group or one.name] |= {said.page for said in one.said if said.cut}
        self._heard: dict[tuple[str, int, int], list[Testimony]] = defaultdict(list)
        for each in testimony:
            self._heard[each.of.key].append(each)
        self._scores = scores
        self._left_out, self._unjudged = tuple(sorted(left_out)), tuple(sorted(unjudged))

    def of_list(self, group: str) -> list[Chosen]:
        """The list's own answer where it is no list of rows, then every cell's."""
        whole = {one.state: one for one in self._places[group, 0]}
        cells = [place for place in self._places if place[0].startswith(f"{group}.")]
        own = [self.of_field(group, 0)] if FieldState.UNREADABLE in whole or not cells else []
        return [*own, *(self.of_field(name, ordinal, whole) for name, ordinal in cells)]

    def of_field(
        self, name: str, ordinal: int, whole: Mapping[FieldState, Candidate] | None = None
    ) -> Chosen:
        """One answer; ``whole`` are the candidates of the list that it stands in."""
        whole = whole or {}
        candidates = self._places[name, ordinal]
        best, reading = self._best(candidates)
        found = best.state is not FieldState.UNREADABLE
        rivals = [one for one in candidates if one.state is FieldState.VALUE and one is not best]
        broken, empty = whole.get(FieldState.UNREADABLE), whole.get(FieldState.ABSENT)
        of_list = whole.get(FieldState.VALUE)
        unread = {
            page
            for one in (*candidates, *([broken] if broken else ()))
            if one.state is FieldState.UNREADABLE
            for page in one.pages
        }
        return Chosen(
            name=name,
            ordinal=ordinal,
            state=best.state,
            text=reading.text if reading else best.text,
            value=reading.value if reading else best.value,
            score=self._scores.get(reading.id) if reading else None,
            page=reading.page if reading else None,
            evidence_id=reading.id if reading else None,
            agreeing=tuple(e.id for e in best.said if e is not reading) if found else (),
            conflicting=tuple(e.id for one in rivals for e in one.said),
            problem=_problem(best, reading),
            testimony=(
                *self._heard[best.key],
                *(self._heard[of_list.key] if of_list is not None else ()),
            ),
            unread_pages=tuple(sorted(unread)),
            cut_pages=tuple(sorted(self._cut[name.partition(".")[0]])),
            list_problem=broken.problem if broken else None,
            empty_page_scores=tuple(self._scores.get(e.id) for e in empty.said) if empty else (),
            empty_pages=tuple(e.id for e in empty.said) if empty else (),
            left_out_pages=self._left_out,
            unjudged_pages=self._unjudged,
        )

    def _best(self, candidates: Sequence[Candidate]) -> tuple[Candidate, PageEvidence | None]:
        """The answer, and the reading that stands for it.

        Any value before a page that could not be read, and that before an absence, which is only as
        sure as the least sure page.
        """
        by_state = {one.state: one for one in candidates}
        values = [one for one in candidates if one.state is FieldState.VALUE]
        if values and values[0].said:
            best = min(values, key=self._rank)
            return best, min(best.said, key=self._shown_first)
        if FieldState.UNREADABLE in by_state:
            best = by_state[FieldState.UNREADABLE]
            with_text = next((e for e in best.said if e.text), None)
            return best, with_text or next(iter(best.said), None)
        best = by_state[FieldState.ABSENT]
        return best, min(best.said, key=lambda e: (self._number(e), e.page))

    def _rank(self, candidate: Candidate) -> tuple[int, float, int]:
        """Fewest witnesses against it, then the highest score, then the earliest page."""
        against = {one.witness for one in denials(self._heard[candidate.key])}
        score = max(map(self._number, candidate.said))
        first = min(e.page for e in candidate.said if self._number(e) == score)
        return len(against), -score, first

    def _shown_first(self, e: PageEvidence) -> tuple[bool, float, int]:
        """Of pages that say the same, one whose own words confirm it goes before a surer one whose
        words do not.
        """
        denied = e.grounding is not None and not e.grounding.found
        return denied, -self._number(e), e.page

    def _number(self, e: PageEvidence) -> float:
        score = self._scores.get(e.id)
        return score if score is not None and score == score else -1.0  # NaN is not a score


def _problem(best: Candidate, reading: PageEvidence | None) -> str | None:
    """Why there is no usable value; what is wrong with the value itself stands in the value."""
    if best.state is FieldState.VALUE and reading is not None:
        return reading.problem
    return best.problem if best.state is FieldState.UNREADABLE else None

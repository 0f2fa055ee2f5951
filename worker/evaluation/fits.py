"""Own weights of the combined score, held against the score that was there before; needs numpy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from extractors.decision.combined import Prior, bundled, combined
from extractors.decision.fitting import WORTH, Label, crossed, digest_of, refit
from extractors.decision.measures import Bools, Floats, auroc, coverage, ece, interval
from extractors.decision.scores import COMBINED, DEFAULT, FITTED, score
from worker.actor import Actor
from worker.evaluation import decided
from worker.evaluation.figures import COVERED, FEWEST
from worker.fits import store as fit_store
from worker.review.errors import InvalidDecision
from worker.review.queue import check_name
from worker.runtime import Runtime

LEAST_DOCUMENTS = 20  # with labels: an interval by document of fewer says nothing

Interval = tuple[float, float, float]  # the measure, and its 95 %, by document


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One score beside another on the same labels."""

    rows: int
    wrong: int
    before: Mapping[str, Interval]  # by measure
    after: Mapping[str, Interval]
    gain: Mapping[str, Interval]  # after less before; of errors, before less after


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the labels of one model in one decode mode make of its score."""

    document_type: str | None  # None: of all types
    fingerprint: str
    decode_mode: str
    until: datetime
    documents: int
    labels: int
    wrong: int
    drawn: int
    drawn_wrong: int
    before: str  # the method that it is held against
    fit: Prior | None  # None: too few labels
    by_all: Compared | None  # None: too few labels, or none of them is wrong
    by_drawn: Compared | None

    @property
    def is_better(self) -> bool:
        """Scores are nearer to the truth beyond chance, and no measure is worse beyond chance."""
        if self.by_all is None or self.fit is None or self.documents < LEAST_DOCUMENTS:
            return False
        gain = self.by_all.gain
        return gain["brier"][1] > 0 and all(high >= 0 for _, _, high in gain.values())


def found(rt: Runtime, *, document_type: str | None, until: datetime) -> list[Found]:
    """Weights by what was decided before then, one for each model and decode mode.

    Raises UnknownDocumentType.
    """
    if document_type is not None:
        rt.document_type(document_type)
    of_model: dict[tuple[str, str], list[Label]] = defaultdict(list)
    with rt.transaction() as tx:
        for one in decided.labels(tx, rt, document_type=document_type, until=until):
            of_model[one.evidence.key].append(one)
    return [
        _of_model(some, bundled().get(key), key, document_type=document_type, until=until)
        for key, some in sorted(of_model.items())
    ]


KEPT = (
    "document_type",
    "fingerprint",
    "decode_mode",
    "until",
    "documents",
    "labels",
    "wrong",
    "drawn",
    "drawn_wrong",
)


def keep(actor: Actor, one: Found, because: str, rt: Runtime) -> UUID:
    """Keep the weights, and return their id.  They decide nothing yet: from now on their score is
    computed beside the one that does.

    because: why, where they are not better

    Raises InvalidDecision where there are none, or they are not better and nobody says why.
    """
    check_name(actor.name)
    if one.fit is None:
        raise InvalidDecision("There are too few labels: no weights came out.")
    if not one.is_better and not because.strip():
        raise InvalidDecision(
            "It is not better, and is not kept. To keep it all the same: --because TEXT"
        )
    digest = digest_of(one.fit)
    row = {
        "method": FITTED + digest[:8],
        "digest": digest,
        "weights": one.fit.model_dump(mode="json"),
        "figures": {
            "before": one.before,
            "all": None if one.by_all is None else asdict(one.by_all),
            "drawn": None if one.by_drawn is None else asdict(one.by_drawn),
        },
        "is_better": one.is_better,
        "because": because.strip() or None,
        "who": actor.name,
        **{name: getattr(one, name) for name in KEPT},
    }
    with rt.transaction() as tx:
        return fit_store.save(tx, row)


def _of_model(
    some: Sequence[Label],
    prior: Prior | None,
    key: tuple[str, str],
    *,
    document_type: str | None,
    until: datetime,
) -> Found:
    drawn = [one for one in some if one.drawn]
    origin: dict[str, Any] = {
        "until": until.isoformat(),
        "document_type": document_type,
        "documents": len({one.document for one in some}),
        "prior_worth": WORTH if prior else 0,
    }
    fit = refit(prior, some, fitted_on=origin)
    known = {} if prior is None else {key: prior}
    before = [
        score(one.evidence, DEFAULT) if prior is None else combined(one.evidence, known)
        for one in some
    ]
    after = crossed(prior, some)
    return Found(
        document_type=document_type,
        fingerprint=key[0],
        decode_mode=key[1],
        until=until,
        documents=origin["documents"],
        labels=len(some),
        wrong=sum(not one.right for one in some),
        drawn=len(drawn),
        drawn_wrong=sum(not one.right for one in drawn),
        before=DEFAULT if prior is None else COMBINED,
        fit=fit,
        by_all=compared(some, before, after, of=[True] * len(some)),
        by_drawn=compared(some, before, after, of=[one.drawn for one in some]),
    )


def compared(
    some: Sequence[Label],
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    of: Sequence[bool],
) -> Compared | None:
    """Both scores on the labels that have both; None where these are too few to say anything."""
    rows = [
        (one.right, one.document, old, new)
        for one, old, new, mine in zip(some, before, after, of, strict=True)
        if mine and old is not None and new is not None
    ]
    right = np.array([row[0] for row in rows], bool)
    if len(rows) < FEWEST or right.all() or not right.any():
        return None
    documents = np.unique([row[1] for row in rows], return_inverse=True)[1]
    both = np.array([row[2:] for row in rows], float)  # (rows, before and after)
    measured = [
        {
            name: _with_interval(measure, both[:, at], right, documents)
            for name, measure in MEASURES.items()
        }
        for at in (0, 1)
    ]
    gain = {
        name: _with_interval(_gain_of(name), both, right, documents)
        for name in MEASURES
        if name != "ece"  # so near to 0 that its differences are chance
    }
    return Compared(
        rows=len(rows),
        wrong=int((~right).sum()),
        before=measured[0],
        after=measured[1],
        gain=gain,
    )


def brier(scores: Floats, right: Bools) -> float:
    """The mean squared distance of a score from what is true (Brier 1950)."""
    return float(np.mean((scores - right) ** 2))


MEASURES: Mapping[str, Any] = {
    "auroc": auroc,
    "ece": ece,
    "coverage": lambda scores, right: coverage(scores, right, COVERED),
    "brier": brier,
}


def _gain_of(name: str) -> Any:
    sign = -1.0 if name == "brier" else 1.0  # less of it is better
    measure = MEASURES[name]
    return lambda both, right: sign * (measure(both[:, 1], right) - measure(both[:, 0], right))


def _with_interval(measure: Any, scores: Floats, right: Bools, documents: Any) -> Interval:
    return (measure(scores, right), *interval(measure, scores, right, documents))

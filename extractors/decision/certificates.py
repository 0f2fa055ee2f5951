"""A certificate: a threshold whose promise was tested on rows that were drawn before they were
decided.

A test is planned first: ten thresholds at coverages of scores without any label, and how sure one
wants to be. Then people judge drawn rows, and the thresholds are walked from strict to loose until
one does not hold (fixed sequence testing). "The loosest threshold whose observed error is small
enough" breaks its promise half of the time; this one does in at most ``delta`` of all plans.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from extractors.decision.bounds import upper_bound
from extractors.documents.spec import FieldSpec, Kind

COVERAGES = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.84, 0.87, 0.895)
# Of documents all at the floor or above, too: a band has hardly any wrong ones to leave out.
DOCUMENT_COVERAGES = (*COVERAGES, 1.0)
FLOOR = 0.9  # no threshold lies below: a certificate made on clean pages meets worse ones
UNKNOWN_EFFECT = 1.5  # of batches, until there are enough errors to tell
LEAST_BATCHES, LEAST_ERRORS = 20, 10
DELTA = 0.05  # how often a promise may be broken
MISSED = 0.10  # of all errors, those that people overlook, until it was measured


class Family(StrEnum):
    """What one promise is about: rows of a kind, or whole documents."""

    MONEY = "money"  # amounts, and where they are paid to
    REST = "rest"
    DOCUMENTS = "documents"  # those that no person touches


# the largest share of wrong ones among the rows, or documents, that are accepted
PROMISES: Mapping[Family, float] = {
    Family.MONEY: 0.005,
    Family.REST: 0.01,
    Family.DOCUMENTS: 0.02,
}
MONEY_KINDS = frozenset({Kind.AMOUNT})
MONEY_CHECKSUMS = frozenset({"iban"})


class Band(StrEnum):
    """Documents that read alike, by the mean score of their rows."""

    CLEAR = "clear"  # from 0.99
    FAIR = "fair"  # from 0.85
    POOR = "poor"


BANDS: Sequence[tuple[float, Band]] = ((0.99, Band.CLEAR), (0.85, Band.FAIR))


def band_of(scores: Sequence[float]) -> Band:
    """The band of a document; one without any score reads poorly."""
    mean = math.fsum(scores) / len(scores) if scores else 0.0
    return next((band for least, band in BANDS if mean >= least), Band.POOR)


def all_right(scores: Sequence[float | None]) -> float | None:
    """The score of a whole document: how probable it is that every row of it is right.

    The product, as if errors came independently. With calibrated scores that is enough: of 4,000
    slips with two looks the expected calibration error is below 0.001.

    None where one row has no score, or there is no row.
    """
    known = [score for score in scores if score is not None]
    return math.prod(known) if known and len(known) == len(scores) else None


def family_of(field: FieldSpec) -> Family:
    """What is promised of a field."""
    money = field.kind in MONEY_KINDS or field.checksum in MONEY_CHECKSUMS
    return Family.MONEY if money else Family.REST


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A test of one promise, fixed before any label of it is seen."""

    thresholds: tuple[float, ...]  # strict to loose
    alpha: float  # the promise: the largest share of wrong ones
    delta: float = DELTA
    missed: float = MISSED


@dataclass(frozen=True, slots=True)
class Judged:
    """One drawn row, or document, that people judged."""

    score: float
    wrong: bool
    batch: str  # what arrived together: one upstream's documents of a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a test found."""

    threshold: float | None  # None: not even the strictest one holds
    judged: int  # rows, or documents, at or above the threshold; without one, above the strictest
    wrong: int
    effect: float  # of batches: the counts are divided by it
    bound: float  # the largest share of wrong ones that the counts do not rule out


def plan_of(
    scores: Sequence[float], *, alpha: float, coverages: Sequence[float] = COVERAGES
) -> Plan | None:
    """Thresholds that accept fixed shares of these scores, none below the floor.

    scores: of rows that a score decides, or of documents, without looking at any label

    None when no score reaches the floor.
    """
    ordered = sorted(scores, reverse=True)
    if not ordered or ordered[0] < FLOOR:
        return None
    found = (ordered[math.ceil(share * len(ordered)) - 1] for share in coverages)
    thresholds = sorted({max(one, FLOOR) for one in found}, reverse=True)
    return Plan(thresholds=tuple(thresholds), alpha=alpha)


def walk(plan: Plan, rows: Sequence[Judged]) -> Tested:
    """Walk the thresholds, strict to loose, and stop at the first that does not hold.

    A threshold holds when the exact upper bound of its error, on counts that are divided by the
    design effect, is at most alpha * (1 - missed): people overlook that share of the errors.
    """
    effect = design_effect(plan, rows)
    held: Tested | None = None
    for threshold in plan.thresholds:
        now = _at(threshold, plan, rows, effect)
        if now.bound > plan.alpha * (1 - plan.missed):
            return held or replace(now, threshold=None)
        held = now
    assert held is not None, "a plan has a threshold"
    return held


def _at(threshold: float, plan: Plan, rows: Sequence[Judged], effect: float) -> Tested:
    above = [row for row in rows if row.score >= threshold]
    wrong = sum(row.wrong for row in above)
    bound = upper_bound(wrong / effect, len(above) / effect, confidence=1 - plan.delta)
    return Tested(threshold=threshold, judged=len(above), wrong=wrong, effect=effect, bound=bound)


def design_effect(plan: Plan, rows: Sequence[Judged]) -> float:
    """How much more the error varies than that of rows drawn one by one would; at least 1.

    Of the loosest threshold's rows, which hold the most errors: the variance between batches over
    the binomial one (Kish 1965, with the linearised variance of a ratio). ``UNKNOWN_EFFECT`` until
    there are enough batches and errors to tell.
    """
    batches: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.score >= plan.thresholds[-1]:
            batches[row.batch].append(row.wrong)
    judged = sum(len(each) for each in batches.values())
    wrong = sum(sum(each) for each in batches.values())
    if len(batches) < LEAST_BATCHES or wrong < LEAST_ERRORS or wrong == judged:
        return UNKNOWN_EFFECT
    share = wrong / judged
    between = math.fsum((sum(each) - share * len(each)) ** 2 for each in batches.values())
    variance = between * len(batches) / (len(batches) - 1) / judged**2
    return max(1.0, variance / (share * (1 - share) / judged))


def still_needed(plan: Plan, judged: int, wrong: int, effect: float = UNKNOWN_EFFECT) -> int:
    """How many further rows without an error would make the strictest threshold hold."""
    goal = plan.alpha * (1 - plan.missed)

    def holds(more: int) -> bool:
        counts = wrong / effect, (judged + more) / effect
        return upper_bound(*counts, confidence=1 - plan.delta) <= goal

    low, high = 0, 1
    if holds(0):
        return 0
    while not holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high

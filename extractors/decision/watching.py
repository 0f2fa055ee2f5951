"""Whether what a certificate promised still holds: a detector that looks after every audit, and one
that looks after every document and needs no person. Both forget good times.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import BANDS, FLOOR, Family

ALTERNATIVES = (2.0, 3.0, 5.0, 8.0)  # times the promised share, or the odds of one more
HORIZON = 2_000  # audits, of which at most ``DELTA`` of all runs may alarm falsely
DELTA = 0.05
# A row is doubtful that scores below this: what clear documents have on average, or, where nearly
# every document has such a row, what no certificate could cover.
CUTS = (BANDS[0][0], FLOOR)
MOST_ROWS = 3  # doubtful rows of a document, from where on more of them are as many
LEAST_DOCUMENTS = 60  # of a window, to say what share of them has a doubtful row
MOST_DOUBTFUL = 0.9  # from here on a larger share could hardly be told
SETTLING = 20  # judged rows, or documents, that settle an alarm
# wrong ones of these; of 1 % wrong rows so many are found in 1.7 % of cases, of 2 % wrong documents
# in 0.7 %
CONFIRMED_BY: Mapping[Family, int] = {Family.MONEY: 2, Family.REST: 2, Family.DOCUMENTS: 3}


@dataclass(slots=True)
class Detector:
    """The Shiryaev-Roberts e-detector (Shin, Ramdas and Rinaldo 2023) of a count that is seldom
    large.

    After n counts its statistic is the sum, over every moment at which they may have risen, of the
    likelihood ratio of all counts since; the mean over the alternatives. Each alternative tilts the
    usual distribution exponentially: one more is so many times as probable. Such a ratio rises with
    the count, so that its mean is at most 1 for whatever is not larger than usual in the stochastic
    order (Lehmann 1955), and the expectation of the statistic is at most n: it reaches
    horizon / delta within the horizon with a probability of at most delta. An e-process would lose
    its capital in good times, and see a later change too late.
    """

    usual: tuple[float, ...]  # the largest shares of counts of at least 1, 2 and so on; more is as
    tilts: tuple[float, ...]  # many as these; how many times as probable one more may have become
    horizon: int = HORIZON
    delta: float = DELTA
    _ratios: list[list[float]] = field(init=False)  # by alternative and count
    _sums: list[float] = field(init=False)

    def __post_init__(self) -> None:
        at_least = (1.0, *self.usual, 0.0)
        if not self.usual or not 0 < self.usual[0] < 1 or sorted(at_least)[::-1] != [*at_least]:
            raise ValueError("needs 0 < promised < 1, and shares that do not rise")
        shares = [one - more for one, more in pairwise(at_least)]
        self._ratios = [
            [
                tilt**count / sum(tilt**n * share for n, share in enumerate(shares))
                for count in range(len(shares))
            ]
            for tilt in self.tilts
        ]
        self._sums = [0.0] * len(self.tilts)

    @classmethod
    def of_audits(cls, promised: float) -> Self:
        """Looks for multiples of the promised share of wrong ones."""
        larger = [min(times * promised, 0.99) for times in ALTERNATIVES]
        tilts = [share / (1 - share) * (1 - promised) / promised for share in larger if promised]
        return cls((promised,), tuple(tilts))

    @classmethod
    def of_documents(cls, shares: tuple[float, ...]) -> Self:
        """Looks for multiples of the odds of one more doubtful row."""
        return cls(shares, ALTERNATIVES)

    def ratios(self, count: int) -> Sequence[float]:
        """How many times as probable each alternative makes this count."""
        return [of[min(count, len(self.usual))] for of in self._ratios]

    def see(self, count: int) -> bool:
        """Take one more count, of an audit 1 if it is wrong; returns whether there is an alarm."""
        for at, ratio in enumerate(self.ratios(count)):
            self._sums[at] = (1 + self._sums[at]) * ratio
        return self.alarm

    @property
    def statistic(self) -> float:
        """The mean of the sums; at most n after n counts, on average, while all is as usual."""
        return math.fsum(self._sums) / len(self._sums)

    @property
    def alarm(self) -> bool:
        """Whether it is not as usual, but for ``delta`` of all runs of ``horizon`` counts."""
        return self.statistic >= self.horizon / self.delta


def alarm_after(detector: Detector, counts: Iterable[int]) -> int | None:
    """After how many there is an alarm; None: there is none."""
    return next((n for n, one in enumerate(counts, 1) if detector.see(one)), None)


@dataclass(frozen=True, slots=True)
class Usual:
    """What documents of a window were like."""

    cut: int  # a row is counted that scores below this one of ``CUTS``
    shares: tuple[float, ...]  # the largest ones, of documents with at least 1, 2 and so on


def usual(documents: int, at_least: Sequence[Sequence[int]]) -> Usual | None:
    """What a window of documents allows for: shares that hold at once (95 % confidence, by
    Bonferroni), at the finest cut at which a worse document can be told.

    at_least: by cut, how many documents have at least 1, 2 and so on such rows

    None where it cannot be watched: too few documents, or nearly all of them have such rows.
    """
    if documents < LEAST_DOCUMENTS:
        return None
    for cut, counts in enumerate(at_least):
        each = 1 - DELTA / len(counts)
        shares = tuple(upper_bound(count, documents, confidence=each) for count in counts)
        if shares[0] <= MOST_DOUBTFUL:
            return Usual(cut, shares)
    return None


def below(scores: Sequence[float]) -> tuple[int, ...]:
    """How many of a document's rows score below each cut."""
    return tuple(sum(score < cut for score in scores) for cut in CUTS)


def change_at(detector: Detector, counts: Sequence[int]) -> int:
    """The place from which on larger counts are most likely, 0 to len(counts) - 1."""
    logs = [[math.log(ratio) for ratio in detector.ratios(count)] for count in counts]
    best, found = -math.inf, 0
    for alternative in range(len(detector.tilts)):
        since = 0.0  # log-likelihood ratio of all from ``at`` on
        for at in range(len(counts) - 1, -1, -1):
            since += logs[at][alternative]
            if since > best:
                best, found = since, at
    return found


def confirmed(judged: int, wrong: int, family: Family = Family.REST) -> bool | None:
    """Whether judged rows, or documents, confirm an alarm; None: it takes more of them.

    judged: of the first ``SETTLING`` that were drawn since the change, those that were judged
    family: what the promise is about
    """
    if wrong >= CONFIRMED_BY[family]:
        return True
    return False if judged >= SETTLING else None

"""Whether what a certificate promised still holds: a detector that looks after every audit, and one
that looks after every document and needs no person. Both forget good times.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import FLOOR

ALTERNATIVES = (2.0, 3.0, 5.0, 8.0)  # times the promised share
HORIZON = 2_000  # audits, of which at most ``DELTA`` of all runs may alarm falsely
DELTA = 0.05
DOUBTFUL = FLOOR  # a document is doubtful with a row that scores below this: none could cover it
LEAST_DOCUMENTS = 60  # of a window, to say what share of them is doubtful
MOST_DOUBTFUL = 0.9  # from here on a larger share could hardly be told
SETTLING = 20  # judged rows that settle an alarm
CONFIRMED_BY = 2  # wrong ones of these; of 1 % wrong so many are found in 1.7 % of cases


@dataclass(slots=True)
class Detector:
    """The Shiryaev-Roberts e-detector (Shin, Ramdas and Rinaldo 2023).

    After n audits its statistic is the sum, over every moment at which the error may have risen, of
    the likelihood ratio of all audits since; the mean over the alternatives. While the share of
    wrong ones is at most ``promised`` its expectation is at most n, so that it reaches
    horizon / delta within the horizon with a probability of at most delta. An e-process would lose
    its capital in good times, and see a later change too late.
    """

    promised: float  # the largest share of wrong ones, 0 to 1
    against: tuple[float, ...]  # the larger shares that it looks for
    horizon: int = HORIZON
    delta: float = DELTA
    _sums: list[float] = field(init=False)

    def __post_init__(self) -> None:
        if not 0 < self.promised < 1:
            raise ValueError("needs 0 < promised < 1")
        self._sums = [0.0] * len(self.against)

    @classmethod
    def of_audits(cls, promised: float) -> Self:
        """Looks for multiples of the promised share."""
        return cls(promised, tuple(min(times * promised, 0.99) for times in ALTERNATIVES))

    @classmethod
    def of_documents(cls, promised: float) -> Self:
        """Looks for multiples of its odds: the share of doubtful documents is seldom small."""
        odds = promised / (1 - promised) if 0 < promised < 1 else 0.0
        return cls(promised, tuple(times * odds / (1 + times * odds) for times in ALTERNATIVES))

    def see(self, wrong: bool) -> bool:
        """Count one more; returns whether there is an alarm now."""
        for at, share in enumerate(self.against):
            ratio = share / self.promised if wrong else (1 - share) / (1 - self.promised)
            self._sums[at] = (1 + self._sums[at]) * ratio
        return self.alarm

    @property
    def statistic(self) -> float:
        """The mean of the sums; at most n after n audits, on average, while the promise holds."""
        return math.fsum(self._sums) / len(self._sums)

    @property
    def alarm(self) -> bool:
        """Whether the promise is broken, but for ``delta`` of all runs of ``horizon`` audits."""
        return self.statistic >= self.horizon / self.delta


def alarm_after(detector: Detector, wrong: Iterable[bool]) -> int | None:
    """After how many there is an alarm; None: there is none."""
    return next((n for n, one in enumerate(wrong, 1) if detector.see(one)), None)


def usual_share(documents: int, doubtful: int) -> float | None:
    """The largest share of doubtful documents that a window of them allows for (95 % confidence).

    None where it cannot be watched: too few documents, or nearly all of them are doubtful.
    """
    if documents < LEAST_DOCUMENTS:
        return None
    share = upper_bound(doubtful, documents)
    return share if share <= MOST_DOUBTFUL else None


def change_at(detector: Detector, wrong: Sequence[bool]) -> int:
    """The place from which on a larger share is most likely, 0 to len(wrong) - 1."""
    best, found = -math.inf, 0
    for share in detector.against:
        if_wrong = math.log(share / detector.promised)
        if_right = math.log((1 - share) / (1 - detector.promised))
        since = 0.0  # log-likelihood ratio of all from ``at`` on
        for at in range(len(wrong) - 1, -1, -1):
            since += if_wrong if wrong[at] else if_right
            if since > best:
                best, found = since, at
    return found


def confirmed(judged: int, wrong: int) -> bool | None:
    """Whether judged rows confirm an alarm; None: it takes more of them.

    judged: of the first ``SETTLING`` rows that were drawn since the change, those that were judged
    """
    if wrong >= CONFIRMED_BY:
        return True
    return False if judged >= SETTLING else None

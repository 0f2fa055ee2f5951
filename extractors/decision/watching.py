"""Whether what a certificate promised still holds: a detector that looks after every audit, and
forgets good times.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

ALTERNATIVES = (2.0, 3.0, 5.0, 8.0)  # times the promised share
HORIZON = 2_000  # audits, of which at most ``DELTA`` of all runs may alarm falsely
DELTA = 0.05


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
    horizon: int = HORIZON
    delta: float = DELTA
    _sums: list[float] = field(default_factory=lambda: [0.0] * len(ALTERNATIVES))

    def __post_init__(self) -> None:
        if not 0 < self.promised < 1:
            raise ValueError("needs 0 < promised < 1")

    def see(self, wrong: bool) -> bool:
        """Count one audit; returns whether there is an alarm now."""
        for at, times in enumerate(ALTERNATIVES):
            share = min(times * self.promised, 0.99)
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


def alarm_after(promised: float, wrong: Iterable[bool]) -> int | None:
    """After how many audits there is an alarm; None: there is none."""
    detector = Detector(promised)
    return next((n for n, one in enumerate(wrong, 1) if detector.see(one)), None)

"""Exact bounds on a share, from how many of those that were looked at have it."""

import math

_STEPS = 200  # of a bisection: far more than the 60 that double precision can tell apart
_TERMS = 500  # of the continued fraction; it needs about the square root of the larger parameter
_TINY = 1e-300


def upper_bound(wrong: float, judged: float, *, confidence: float = 0.95) -> float:
    """The largest share of wrong ones that the counts do not rule out; 1 where none was judged.

    Clopper and Pearson (1934): the quantile of the beta distribution with the parameters
    wrong + 1 and judged - wrong. The counts need not be whole: a design effect divides them.

    Raises ValueError unless 0 <= wrong <= judged and 0 < confidence < 1.
    """
    if not 0 <= wrong <= judged or not 0 < confidence < 1:
        raise ValueError("needs 0 <= wrong <= judged and 0 < confidence < 1")
    if wrong == judged:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if beta_cdf(middle, wrong + 1, judged - wrong) < confidence:
            low = middle
        else:
            high = middle
    return high


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, 0 <= x <= 1, a and b above 0.

    By its continued fraction (DLMF 8.17.22), with Lentz's method.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other side converges
        return 1 - beta_cdf(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    product = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d = 1 / _off_zero(1 + part * d)
            c = _off_zero(1 + part / c)
            product *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return product


def _off_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY

"""Two-sample tests from counts: statistic, p-value, and an effect size that does not grow with the rows.

Both sides are samples: where Evidently takes the reference as exact (`chisquare`, `g_test`), 500 rows
on both sides alarm on half of all days at a nominal 5 %. P-values come from `statistics.laws` and, for
rarely used methods, from scipy.special, which is slow to import.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.distances import cumulated
from airflow_mlmon.statistics.laws import chisquare_survival, kolmogorov_survival, normal_survival

_FEWEST_EXPECTED = 5.0
_SMALLEST_CVM = 0.003
_LARGEST_CVM = 12.0
_CVM_TERMS = 12
_LARGEST_RATIO = Fraction(10**300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Result of a drift method on one column.

    Attributes:
        value: Distance, or statistic of the test.
        p_value: P-value under equal distributions; None for a distance.
        effect: Effect size independent of the rows: the distance itself, or the effect that the test
            defines.
    """

    value: float
    p_value: float | None
    effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Rows, sum and sum of squares of one side, in units of the quantum."""

    rows: int
    total: int
    squares: int

    @property
    def scatter(self) -> Fraction:
        """Sum of squares about the mean."""
        return self.squares - Fraction(self.total**2, self.rows)


def ks(reference: Counts, current: Counts) -> Score:
    """Apply the Kolmogorov-Smirnov test to two histograms on the same ascending values.

        D = max |P(x) - Q(x)|  over all x, with P and Q the cumulative shares

    Bins: each value, or each cell of the grid. Smoothing: none. Range: 0 to 1; symmetric. Effect: D.
    P-value: the limit distribution at D * (e + 0.12 + 0.11 / e), e = sqrt(n * m / (n + m)) (Stephens 1970),
    within 0.05 of the exact one at 50 rows a side and 0.02 at 300; ties make it larger.
    Source: scipy.stats.ks_2samp; Evidently's `ks` reports its p-value alone.

    >>> ks(np.array([1, 1, 0]), np.array([0, 1, 1])).value
    0.5
    """
    distance = float(np.max(np.abs(cumulated(reference) - cumulated(current))))
    root = math.sqrt(_effective_rows(reference, current))
    p_value = kolmogorov_survival(distance * (root + 0.12 + 0.11 / root))
    return Score(value=distance, p_value=p_value, effect=distance)


def cramer_von_mises(reference: Counts, current: Counts) -> Score:
    """Apply the Cramér-von Mises test to two histograms on the same ascending values.

        T = n * m / (n + m)**2 * sum of (P(x) - Q(x))**2 over the rows x of both sides

    Bins: each value, or each cell of the grid. Smoothing: none. Range: 0 to n * m / (n + m);
    symmetric. Effect: sqrt(T * (n + m) / (n * m)), the root mean square of P - Q. P-value: the limit
    distribution at T standardised by its mean and variance under equal distributions (Anderson 1962). Source:
    scipy.stats.cramervonmises_2samp with method="asymptotic", equal without ties; with ties, its
    mid-ranks grow with the rows although the shares are equal.

    >>> round(cramer_von_mises(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1])).value, 4)
    0.375
    """
    rows, other = int(reference.sum()), int(current.sum())
    gaps = cumulated(reference) - cumulated(current)
    mean_square = float(np.sum((reference + current) * gaps**2)) / (rows + other)
    total, product = rows + other, rows * other
    statistic = product / total * mean_square
    expected = (1 + 1 / total) / 6
    spread = (total + 1) * (4 * product * total - 3 * (rows**2 + other**2) - 2 * product)
    variance = spread / (45 * total**2 * 4 * product)
    standardised = 1 / 6 + (statistic - expected) / math.sqrt(45 * variance) if variance > 0 else 0.0
    return Score(value=statistic, p_value=_cvm_survival(standardised), effect=math.sqrt(mean_square))


def chisquare(reference: Counts, current: Counts) -> Score:
    """Apply Pearson's chi-square test of homogeneity to two histograms.

        X2 = sum((O - E)**2 / E)  over the bins of both sides, E = bin total * side total / total

    Bins: `drift.bins.Sides.pooled`, which merges bins too rare for the approximation. Smoothing:
    none. Range: 0 to infinity; symmetric. Effect: sqrt(X2 * (n + m) / (4 * n * m)), which is Cramér's V
    when both sides have equal rows. P-value: chi-square with (bins - 1) degrees of freedom. Source:
    scipy.stats.chi2_contingency(correction=False); Evidently's `chisquare` is one-sample.

    >>> score = chisquare(np.array([50, 50]), np.array([25, 75]))
    >>> round(score.value, 4), round(score.p_value, 6), round(score.effect, 4)
    (13.3333, 0.000261, 0.2582)
    """
    observed, expected = _contingency(reference, current)
    statistic = float(np.sum((observed - expected) ** 2 / expected))
    return _counted_score(statistic, reference, current)


def g_test(reference: Counts, current: Counts) -> Score:
    """Apply the likelihood-ratio (G) test of homogeneity to two histograms.

        G = 2 * sum(O * ln(O / E))  over the bins of both sides, E as in `chisquare`

    Bins, smoothing, range, effect and p-value: as in `chisquare`. Source:
    scipy.stats.chi2_contingency(lambda_="log-likelihood", correction=False); Evidently's `g_test` is
    one-sample and compares counts of sides of different size directly.

    >>> round(g_test(np.array([50, 50]), np.array([25, 75])).value, 4)
    13.5288
    """
    from scipy.special import xlogy  # noqa: PLC0415 - slow to import

    observed, expected = _contingency(reference, current)
    statistic = float(max(2 * np.sum(xlogy(observed, observed / expected)), 0.0))
    return _counted_score(statistic, reference, current)


def z(reference: int, rows_reference: int, current: int, rows_current: int) -> Score:
    """Apply the two-proportion z test to the frequency of one value on both sides.

        z = |p - q| / sqrt(s * (1 - s) * (1 / n + 1 / m)),  s the share in both together

    Bins: the alphabetically first value, and all others. Smoothing: none.
    Range: 0 to infinity; symmetric. Effect: |p - q|, 0 to 1. P-value: two-sided, normal. Source:
    Evidently's `z`, which reports the p-value alone.

    >>> score = z(50, 100, 25, 100)
    >>> round(score.value, 4), round(score.p_value, 6), score.effect
    (3.6515, 0.000261, 0.25)
    """
    share = (reference + current) / (rows_reference + rows_current)
    gap = abs(reference / rows_reference - current / rows_current)
    error = math.sqrt(share * (1 - share) * (1 / rows_reference + 1 / rows_current))
    statistic = gap / error if error else 0.0
    return Score(value=statistic, p_value=normal_survival(statistic), effect=gap)


def t_test(reference: Moments, current: Moments) -> Score:
    """Apply Student's two-sample t test to the means, with pooled variance.

        t = |mean - mean'| / (s * sqrt(1 / n + 1 / m)),  s**2 = (S + S') / (n + m - 2)

    with S the sum of squares about a side's own mean. Bins: none, the sums are exact integers on the
    profile schema's quantum. Smoothing: an s below one quantum counts as one. Range: 0 to infinity; symmetric.
    Effect: |mean - mean'| / s (Cohen's d), 1e150 at most. P-value: two-sided, Student's t. Source:
    scipy.stats.ttest_ind, whose p-value Evidently's `t_test` reports.

    >>> side, other = (Moments(rows=50, total=50 * mean, squares=50 * mean**2 + 4900) for mean in (0, 5))
    >>> round(t_test(side, other).value, 4)
    2.5
    """
    from scipy.special import stdtr  # noqa: PLC0415 - slow to import

    freedom = reference.rows + current.rows - 2
    if freedom <= 0:
        return Score(value=0.0, p_value=1.0, effect=0.0)
    # exact until the end, because sums of the largest doubles overflow
    gap = Fraction(reference.total, reference.rows) - Fraction(current.total, current.rows)
    variance = (reference.scatter + current.scatter) / freedom
    effect = math.sqrt(min(gap**2 / max(variance, Fraction(1)), _LARGEST_RATIO))
    statistic = effect / math.sqrt(1 / reference.rows + 1 / current.rows)
    return Score(value=statistic, p_value=float(2 * stdtr(freedom, -statistic)), effect=effect)


def welch_p_value(first: tuple[float, float, int], second: tuple[float, float, int]) -> float | None:
    """Test two means, two-sided, without assuming equal variances (Welch, Biometrika 34, 1947).

    Each side is its mean, the variance of that mean, and its number of values. Different means that do not vary have
    no p-value.

    >>> round(welch_p_value((0.0, 0.01, 100), (0.3, 0.01, 50)), 4), welch_p_value((1.0, 0.0, 9), (1.0, 0.0, 9))
    (0.0358, 1.0)
    """
    from scipy.special import stdtr  # noqa: PLC0415 - slow to import

    (mean, own, rows), (other_mean, other, other_rows) = first, second
    if not own + other:
        return 1.0 if mean == other_mean else None
    # as shares of the sum, whose square may underflow
    share = own / (own + other)
    freedom = 1 / (share**2 / max(rows - 1, 1) + (1 - share) ** 2 / max(other_rows - 1, 1))
    return min(2 * float(stdtr(freedom, -abs(mean - other_mean) / math.sqrt(own + other))), 1.0)


def pool_rare(reference: Counts, current: Counts, *, always_rare: int = 0) -> tuple[Counts, Counts]:
    """Pool the bins with fewer than five expected rows into one, in both histograms.

    The expectation follows from both sides together, so that pooling favours neither. The last
    `always_rare` bins are pooled whatever they expect.
    """
    total = reference + current
    smaller = min(reference.sum(), current.sum())
    is_rare = total * (smaller / total.sum()) < _FEWEST_EXPECTED
    is_rare[len(is_rare) - always_rare :] = True
    first, second = (np.append(side[~is_rare], side[is_rare].sum()) for side in (reference, current))
    held = first + second > 0
    return first[held], second[held]


def _contingency(reference: Counts, current: Counts) -> tuple[Floats, Floats]:
    observed = np.array([reference, current], dtype=np.float64)
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0) / observed.sum()
    return observed, expected


def _counted_score(statistic: float, reference: Counts, current: Counts) -> Score:
    freedom = len(reference) - 1
    p_value = chisquare_survival(freedom, statistic) if freedom else 1.0
    effect = math.sqrt(statistic / (4 * _effective_rows(reference, current)))
    return Score(value=statistic, p_value=p_value, effect=effect)


def _effective_rows(reference: Counts, current: Counts) -> float:
    rows, other = int(reference.sum()), int(current.sum())
    return rows * other / (rows + other)


def _cvm_survival(x: float) -> float:
    """Compute the Cramér-von Mises survival function 1 - F(x) (Csörgő and Faraway 1996, 1.2)."""
    from scipy.special import gammaln, kv  # noqa: PLC0415 - slow to import

    if x < _SMALLEST_CVM:
        return 1.0
    if x > _LARGEST_CVM:
        return 0.0
    k = np.arange(_CVM_TERMS)
    y = 4 * k + 1
    q = y**2 / (16 * x)
    factor = np.exp(gammaln(k + 0.5) - gammaln(k + 1)) / (math.pi**1.5 * math.sqrt(x))
    return float(np.clip(1 - np.sum(factor * np.sqrt(y) * np.exp(-q) * kv(0.25, q)), 0.0, 1.0))

"""Decision on drift between two data sets without a history.

Both conditions are required: the difference is significant (a two-sample test whose p-value is corrected over all
tests of the comparison by Holm's method), and it is large enough (an effect size of at least a limit). Significance
alone would flag negligible differences of many rows, the effect size alone random ones of few rows. Null rates are
tested separately. So is the mean of a vector, beside its norm (`drift.shift`), with a limit of 0.2 standard
deviations.

The variation from day to day is not known here: it needs the history of a monitored model.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.spec.methods import Method

ALPHA = 0.05
MINIMUM_ROWS = 30
EMPTY_LIMIT = 0.05
SHIFT_LIMIT = 0.2
DEFAULT_METHOD = Method.PSI
COMPANIONS = {Kind.NUMERIC: Method.KS, Kind.CATEGORY: Method.CHISQUARE, Kind.VECTOR: Method.KS}
LIMITS = {
    Method.PSI: 0.1,
    Method.JENSENSHANNON: 0.1,
    Method.HELLINGER: 0.1,
    Method.KL_DIV: 0.1,
    Method.TVD: 0.1,
    Method.WASSERSTEIN: 0.1,
    Method.KS: 0.1,
    Method.CRAMER_VON_MISES: 0.05,
    Method.T_TEST: 0.2,
    Method.CHISQUARE: 0.1,
    Method.G_TEST: 0.1,
    Method.Z: 0.05,
}


def correct(p_values: Sequence[float | None]) -> list[float | None]:
    """Apply the Holm step-down correction to p-values; None, for a missing test, stays None.

    >>> correct([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tested = sorted((p_value, place) for place, p_value in enumerate(p_values) if p_value is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p_value, place) in enumerate(tested):
        largest = max(largest, min(1.0, p_value * (len(tested) - rank)))
        corrected[place] = largest
    return corrected

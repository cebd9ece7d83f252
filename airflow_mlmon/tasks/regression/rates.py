"""Mean errors of a group of rows of a regression."""

from __future__ import annotations

from airflow_mlmon.tasks.rate_kind import RateKind
from airflow_mlmon.tasks.rates import GroupRate
from airflow_mlmon.tasks.regression.metrics import column_of
from airflow_mlmon.tasks.regression.residuals import ABSOLUTE, RESIDUAL
from airflow_mlmon.tasks.sums import OutcomeSums


def mean_errors(outcomes: OutcomeSums) -> list[GroupRate]:
    """Return the mean error and the mean absolute error."""
    found = []
    for kind, name in ((RateKind.MEAN_ERROR, RESIDUAL), (RateKind.MAE, ABSOLUTE)):
        column = column_of(outcomes, name)
        if column is not None:
            rate = GroupRate(kind=kind, value=column.mean, rows=column.observed, deviation=column.std or 0.0)
            found.append(rate)
    return found

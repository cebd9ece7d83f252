"""Measures metrics of models and their estimates against the goals: `make bench-models`.

With ARGS="--only cbpe_mae" some of them. Each key is measured by a function of its own, in a module of its own.

    cbpe_times_nannyml   ratio of whole processes, imports and reading included, that take turns: NannyML's CBPE of
                         five metrics in ten chunks, fitted to 1,000,000 labelled rows and asked about 1,000,000
                         others, over ours; theirs once, ours the median of 5 (`cbpe`)
    cbpe_mae             ratio; mean absolute error of our estimates of ROC AUC and accuracy in the ten chunks of
                         NannyML's car loan data, by what the labels then say, over that of NannyML's published
                         estimates; they have six digits (`cbpe`)
    null_alarm_shifts    share of days on which nothing has changed and an estimate, its gap or a shift alarms, beside
                         14 days of the reference; the largest of 200, 1,000 and 5,000 rows, and of 5,000 whose
                         inputs vary from day to day by 0.1 standard deviations (`shifts`)
    power_concept_shift  share of days of 5,000 rows on which a tenth of the labels is turned round, and found
                         (`shifts`)
    added_time_1m_<task> time of the outcome profiles of 1,000,000 rows with labels, in total and by three segments,
                         over that of the profile of 20 features by the same segments, in turns (`added_time`)
    error_<metric>       distance from scikit-learn's value for the same rows, as a share of it; of a quantile of the
                         residual, of its standard deviation (`regression`, `ranking`, `classes`)
    null_alarm_<task>    the largest share, of 200, 1,000 and 5,000 rows, of healthy labelled days with an alarm at a
                         rate of 5 % (`days`); with `_daily`, means vary from day to day by 0.1 standard deviations
    power_<task>         the smallest share, over the faults, of days of 5,000 rows on which a metric of performance is
                         in breach: a loss by 0.5 standard deviations of single rows, of 10 % of its value, for a
                         regression a bias of 0.2 standard deviations of the residual, and of several classes the loss
                         of one in 8 % of the rows
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.benchmarks.measured import Key, measure_keys
from tests.benchmarks.models import added_time, cbpe, classes, ranking, regression, shifts

KEYS: Mapping[str, Key] = {
    **{f"added_time_1m_{task}": Key("<= 0.5", partial(added_time.added_time, task)) for task in added_time.TASKS},
    "cbpe_times_nannyml": Key(">= 10", cbpe.times_nannyml),
    "cbpe_mae": Key("<= 1.0001", cbpe.error),
    "null_alarm_shifts": Key("<= 0.05", shifts.null_alarm),
    "power_concept_shift": Key(">= 0.95", shifts.power),
    **{f"error_{name}": Key("<= 1e-4", partial(classes.error, name)) for name in classes.ERRORS},
    "null_alarm_multiclass": Key("<= 0.05", classes.null_alarm),
    "null_alarm_multiclass_daily": Key("<= 0.05", classes.null_alarm_daily),
    "power_multiclass": Key(">= 0.95", classes.power),
    **{f"error_{name}": Key("<= 1e-4", partial(regression.error, name)) for name in regression.ERRORS},
    "null_alarm_regression": Key("<= 0.05", regression.null_alarm),
    "null_alarm_regression_daily": Key("<= 0.05", regression.null_alarm_daily),
    "power_regression": Key(">= 0.95", regression.power),
    **{f"error_{name}": Key("<= 1e-4", partial(ranking.error, name)) for name in ranking.ERRORS},
    "null_alarm_ranking": Key("<= 0.05", ranking.null_alarm),
    "null_alarm_ranking_daily": Key("<= 0.05", ranking.null_alarm_daily),
    "power_ranking": Key(">= 0.95", ranking.power),
}


if __name__ == "__main__":
    measure_keys("models", (__doc__ or "").splitlines()[0], KEYS)

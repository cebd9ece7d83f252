"""Label coverage, and what is withheld while it is too low."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import EXCLUDED_SHARE, LABEL_COVERAGE
from airflow_mlmon.statistics.intervals import wilson_interval
from airflow_mlmon.tasks.outcome import OutcomeProfile


def measure_under_coverage(
    profile: OutcomeProfile,
    min_coverage: float,
    *,
    of_labels: Sequence[MetricValue],
    performance: Sequence[MetricValue],
) -> list[MetricValue]:
    """Put label coverage and excluded rate beside what was measured, in the order in which they are shown.

    While label coverage is below `min_coverage`, only the coverage has a value: the first labels are not
    representative. The excluded rate is a share of the rows whose outcome is known, and waits until enough are.
    """
    labelled, due = profile.label.observed, profile.rows - profile.excluded
    known = labelled + profile.excluded
    coverage = value_of(LABEL_COVERAGE, labelled, due, "no row is to get a label")
    excluded = share_of(EXCLUDED_SHARE, profile.excluded, known, "no outcome is known")
    if known < min_coverage * profile.rows:
        reason = f"the outcome of {known} of {profile.rows} rows is known, fewer than {min_coverage:.0%}"
        excluded = MetricValue(metric=EXCLUDED_SHARE, value=None, rows=known, reason=reason)
    if not due or labelled / due < min_coverage:
        reason = f"{labelled} of {due} labels received, fewer than {min_coverage:.0%}" if due else coverage.reason
        of_labels, performance = (
            [MetricValue(metric=value.metric, value=None, rows=labelled, reason=reason) for value in values]
            for values in (of_labels, performance)
        )
    return [coverage, *of_labels, excluded, *performance]


def share_of(metric: str, part: int, whole: int, reason: str, *, rows: int | None = None) -> MetricValue:
    """Divide the number of some rows by that of all, with its interval."""
    return value_of(metric, part, whole, reason, rows=rows).within(wilson_interval(part, whole))


def value_of(metric: str, part: float, whole: int, reason: str, *, rows: int | None = None) -> MetricValue:
    """Divide a part by a whole; None with the reason if the whole is zero."""
    return MetricValue(
        metric=metric,
        value=part / whole if whole else None,
        rows=whole if rows is None else rows,
        reason="" if whole else reason,
    )

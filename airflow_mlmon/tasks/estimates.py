"""Performance estimated without labels, of all rows and of each segment, and its gap to what the labels say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from airflow_mlmon.profiles.keys import divides
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metric import Worse
from airflow_mlmon.spec.metrics import ESTIMATION_GAP, LABEL_COVERAGE
from airflow_mlmon.tasks.losses import concept_shift, covariate_shift, estimate_loss
from airflow_mlmon.tasks.outcome import OutcomeProfile
from airflow_mlmon.tasks.parts import WHOLE, OutcomeParts
from airflow_mlmon.tasks.task import Task

# a smaller share of rows of such versions changes little
_UNKNOWN_SHARE = 0.02


def estimate_parts(task: Task, found: OutcomeParts, reference: OutcomeParts | None) -> list[MetricValue]:
    """Estimate the performance of all rows and of each part, by the labels of the same part of the reference."""
    whole = _estimate(task, found, reference, WHOLE)
    if all(value.value is None for value in whole):
        # no part has more
        return whole
    of_parts = (
        replace(value, segment=key) for key in sorted(found.parts) for value in _estimate(task, found, reference, key)
    )
    return [*whole, *of_parts]


def estimation_gaps(estimates: Sequence[MetricValue], measured: Sequence[MetricValue], task: Task) -> list[MetricValue]:
    """Compare estimates with what the labels say, of all rows and of each part.

    The gap is that of the first metric with both, positive where the labels say better than estimated. Its interval is
    that of the estimate: labels drawn as estimated lie within it.
    """
    by_segment: dict[str | None, list[MetricValue]] = {}
    for value in [value for value in estimates if value.metric in task.estimates.values()]:
        by_segment.setdefault(value.segment, []).append(value)
    realised = {(value.metric, value.segment): value for value in measured}
    return [
        replace(_gap(task, found, {name: realised.get((name, segment)) for name in task.estimates}), segment=segment)
        for segment, found in by_segment.items()
    ]


def withhold_unknown(
    values: Sequence[MetricValue], found: OutcomeParts, reference: OutcomeParts | None, version_column: str | None
) -> list[MetricValue]:
    """Withhold verdicts on values of all rows, while versions that the reference lacks serve more than a few of them.

    Such rows are compared with the labels of another model.
    """
    if reference is None or version_column is None:
        return list(values)
    own, known = ([key for key in side.parts if divides(version_column, key)] for side in (found, reference))
    unknown = sorted(set(own) - set(known)) if known else []
    if sum(found.parts[key].rows for key in unknown) <= _UNKNOWN_SHARE * found.whole.rows:
        return list(values)
    note = f"the reference has no rows of {', '.join(unknown)}"
    return [replace(value, withheld=note) if value.segment is None else value for value in values]


def without_part(whole: OutcomeParts, part: OutcomeParts) -> OutcomeParts:
    """Subtract a part of the rows, segment by segment."""
    return OutcomeParts(
        whole=whole.whole - part.whole,
        parts={key: own - part.parts[key] if key in part.parts else own for key, own in whole.parts.items()},
        losses={key: own - part.losses[key] if key in part.losses else own for key, own in whole.losses.items()},
    )


def concept_shifts(
    task: Task,
    found: OutcomeParts,
    reference: OutcomeParts | None,
    measured: Sequence[MetricValue],
    min_coverage: float,
) -> list[MetricValue]:
    """Compare losses with those expected of the same rows, of all and of each part whose labels have come.

    Args:
        task: the kind of model.
        found: the rows.
        reference: those of the reference.
        measured: the metrics of their labels, the label coverage among them.
        min_coverage: smallest label coverage.
    """
    if not task.loss:
        return []
    own = reference.losses if reference else {}
    coverage = {value.segment: value for value in measured if value.metric == LABEL_COVERAGE}
    return [
        replace(
            concept_shift(found.losses.get(key), own.get(key), _shortage(coverage.get(key or None), min_coverage)),
            segment=key or None,
        )
        for key in sorted({WHOLE, *found.losses})
    ]


def _shortage(coverage: MetricValue | None, min_coverage: float) -> str:
    """Return why labels are too few; empty if they are enough."""
    if coverage is None or coverage.value is None:
        return coverage.reason if coverage else "no labels are measured"
    if coverage.value >= min_coverage:
        return ""
    return f"{coverage.value:.0%} of the labels received, fewer than {min_coverage:.0%}"


def _estimate(task: Task, found: OutcomeParts, reference: OutcomeParts | None, key: str) -> list[MetricValue]:
    outcomes = _part(found, key)
    by_labels = _part(reference, key) if reference else None
    losses = found.losses.get(key), reference.losses.get(key) if reference else None
    values = task.estimate(outcomes, by_labels) if outcomes else []
    values += [estimate_loss(task.loss_estimate, *losses)] if task.loss_estimate else []
    values += [covariate_shift(*losses)] if task.loss else []
    if reference is None or by_labels is not None:
        return values
    reason = "the reference has no rows of this segment"
    return [MetricValue(metric=value.metric, value=None, rows=value.rows, reason=reason) for value in values]


def _part(outcomes: OutcomeParts, key: str) -> OutcomeProfile | None:
    return outcomes.whole if key == WHOLE else outcomes.parts.get(key)


def _gap(task: Task, estimates: Sequence[MetricValue], realised: Mapping[str, MetricValue | None]) -> MetricValue:
    reasons = []
    for estimate in estimates:
        name = task.metrics[estimate.metric].estimates
        labelled = realised[name]
        if labelled is None or labelled.value is None or estimate.value is None:
            lack = estimate.reason if estimate.value is None else labelled.reason if labelled else ""
            reasons.append(lack or f"{name} is not measured")
            continue
        is_lower_worse = task.metrics[name].worse is Worse.BELOW
        sign = 1 if is_lower_worse else -1
        ends = [] if None in (estimate.low, estimate.high) else [estimate.low, estimate.high]
        around = sorted(sign * (labelled.value - float(end or 0.0)) for end in ends)
        return MetricValue(
            metric=ESTIMATION_GAP,
            value=sign * (labelled.value - estimate.value),
            rows=labelled.rows,
            low=around[0] if around else None,
            high=around[1] if around else None,
        )
    return MetricValue(metric=ESTIMATION_GAP, value=None, rows=0, reason=reasons[0] if reasons else "no estimate")

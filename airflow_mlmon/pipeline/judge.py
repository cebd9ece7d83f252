"""The step that decides: verdicts on every value, and one transaction that publishes them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_mlmon.alerts.breach import check_alerts, metric_alerts, status_alert
from airflow_mlmon.alerts.judge import judge, status_verdict
from airflow_mlmon.errors import ValidationFailedError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.drift import drift_metrics
from airflow_mlmon.pipeline.performance import Measured, label_metrics, label_results
from airflow_mlmon.pipeline.prepare import Prepared
from airflow_mlmon.pipeline.profile import Profiled, to_night
from airflow_mlmon.pipeline.validate import read_checks
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.summary import summary_metrics
from airflow_mlmon.records import CheckOutcome, Family, MetricValue, Night, Results, Status, Verdict
from airflow_mlmon.spec import Severity
from airflow_mlmon.spec.metrics import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Summary of a judged partition: `days` are those whose results were replaced."""

    status: Status
    message: str
    days: tuple[str, ...]
    alerts: int


def judge_partition(run: Run, prepared: Prepared, profiled: Profiled, measured: Sequence[Measured]) -> Judged:
    """Judge the partition, and the performance of each that labels came for, and publish it all.

    Raises:
        PartitionConflictError: another run has moved the partition, or taken in labels, meanwhile.
        ValidationFailedError: a blocking check failed; everything has been recorded before, and
            the fact `judged` holds the summary.
    """
    run.progress("judging")
    checks = read_checks(run, prepared)
    night = _after_checks(to_night(prepared, layout=profiled.layout, judged=True), checks)
    results = [_prediction_results(run, night, prepared, profiled, checks)]
    results += [_label_results(run, entry, prepared.partition) for entry in measured]
    run.store.publish(
        night,
        results,
        supersedes=prepared.supersedes,
        versions={
            Partition.from_key(run.model, entry.day): entry.version
            for entry in measured
            if entry.day != prepared.partition.key
        },
        deliveries={Partition.from_key(run.model, entry.day): frozenset(entry.deliveries) for entry in measured},
        channels=run.channels,
    )
    judged = Judged(
        status=night.status,
        message=night.message,
        days=tuple(dict.fromkeys([prepared.partition.key, *(entry.day for entry in measured)])),
        alerts=sum(len(entry.alerts) for entry in results),
    )
    if night.status is Status.FAILED:
        raise ValidationFailedError(
            f"{prepared.partition}: {night.message}.", hint="the report shows every check", judged=judged
        )
    return judged


def _after_checks(night: Night, checks: Sequence[CheckOutcome]) -> Night:
    """A failed blocking check makes the night a failed one."""
    blocking = [check for check in checks if check.severity is Severity.BLOCKING and check.passed is False]
    if not blocking:
        return night
    names = ", ".join(
        f"{check.expectation}({check.column})" if check.column else check.expectation for check in blocking
    )
    message = "; ".join(filter(None, (f"blocking checks failed: {names}", night.message)))
    return replace(night, status=Status.FAILED, message=message)


def _prediction_results(
    run: Run, night: Night, prepared: Prepared, profiled: Profiled, checks: Sequence[CheckOutcome]
) -> Results:
    profile = Profile.from_bytes(run.files.read(profiled.uri))
    metrics = [
        *summary_metrics(profile, run.spec),
        MetricValue(metric="rows_quarantined", value=prepared.rows_quarantined, rows=prepared.rows_listed),
        *drift_metrics(run, night.partition, prepared.version),
    ]
    verdicts = [status_verdict(night), *_verdicts(run, night.partition, metrics, Family.PREDICTIONS)]
    alerts = [
        *filter(None, [status_alert(night)]),
        # without rows no check can pass, and the status has said so
        *(check_alerts(night.partition, checks) if night.rows_curated else []),
        *metric_alerts(night.partition, Family.PREDICTIONS, verdicts, run.spec.labels),
    ]
    return Results(
        partition=night.partition,
        family=Family.PREDICTIONS,
        metrics=tuple(metrics),
        verdicts=tuple(verdicts),
        checks=tuple(checks),
        alerts=tuple(alerts),
    )


def _label_results(run: Run, measured: Measured, judged: Partition) -> Results:
    partition = Partition.from_key(run.model, measured.day)
    night = run.store.night(partition)
    if partition != judged and (night is None or not night.judged):
        # history that nobody has run: it gets its values, and no alert
        return label_results(run, measured)
    metrics = label_metrics(run, measured)
    verdicts = _verdicts(run, partition, metrics, Family.LABELS)
    return Results(
        partition=partition,
        family=Family.LABELS,
        metrics=tuple(metrics),
        verdicts=tuple(verdicts),
        alerts=tuple(metric_alerts(partition, Family.LABELS, verdicts, run.spec.labels)),
    )


def _verdicts(run: Run, partition: Partition, metrics: Sequence[MetricValue], family: Family) -> list[Verdict]:
    rules = [rule for rule in run.spec.alerts.rules if METRICS[rule.metric].needs_labels is (family is Family.LABELS)]
    nights = run.spec.history.nights
    past = run.store.history(run.model, [rule.metric for rule in rules], before=partition.day, nights=nights)
    history = {key: [value for _, value in values] for key, values in past.items()}
    return judge(metrics, history, rules, run.spec.history)

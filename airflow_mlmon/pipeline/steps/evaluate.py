"""Step of the evaluation: verdicts on every value, published in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from airflow_mlmon.alerts.breach import check_alerts, metric_alerts, status_alert
from airflow_mlmon.drift.versions import nights_alike
from airflow_mlmon.evaluation.columns import drifted_metrics
from airflow_mlmon.evaluation.rules import judge, status_verdict
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.versions import counts_in, version_counts
from airflow_mlmon.pipeline.deciding.evidence import NightJudgement, UsualJudge
from airflow_mlmon.pipeline.deciding.root_cause import name_causes
from airflow_mlmon.pipeline.deciding.staleness import versions_below
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.arrival import arrival_metrics
from airflow_mlmon.pipeline.steps.drift import PartitionDrift
from airflow_mlmon.pipeline.steps.performance import label_metrics, label_results
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.profile import Profiled, to_night
from airflow_mlmon.pipeline.steps.validate import read_checks
from airflow_mlmon.pipeline.workspace.outcomes import Measured
from airflow_mlmon.profiles.columns.segment import segment_key
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import (
    Alert,
    CheckOutcome,
    Family,
    MetricValue,
    Night,
    Results,
    Status,
    Verdict,
    VerdictState,
)
from airflow_mlmon.spec import AlertRule, Severity
from airflow_mlmon.spec.metrics import DRIFT
from airflow_mlmon.tasks.registry import METRICS
from airflow_mlmon.tasks.summary import summary_metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Summary of an evaluated partition; FAILED if a blocking check failed.

    Attributes:
        status: Its status after the checks.
        message: The reason for a status other than OK.
        days: The days whose results were replaced.
        alerts: Number of published breaches.
    """

    status: Status
    message: str
    days: tuple[str, ...]
    alerts: int


def judge_partition(
    run: Run, prepared: Prepared, profiled: Profiled, drift: PartitionDrift, measured: Sequence[Measured]
) -> Judged:
    """Evaluate the partition, and the performance of each partition whose labels arrived, and publish all results.

    Raises:
        PartitionConflictError: another run has published the partition or received labels meanwhile.
    """
    run.progress("judging")
    checks = read_checks(run, prepared)
    night = _after_checks(to_night(prepared, layout=profiled.layout, judged=True), checks)
    metrics, usual = _judge_rows(run, night, prepared, profiled, drift)
    days = usual.rests_on.union(*(entry.nights for entry in drift.baselines))
    results = [replace(_prediction_results(run, night, metrics, usual, checks), baselines=drift.baselines)]
    results += [_label_results(run, entry, results[0]) for entry in measured]
    run.store.publish(
        night,
        results,
        supersedes=prepared.supersedes,
        versions={
            Partition.from_key(run.model, entry.day): entry.version
            for entry in measured
            if entry.day != prepared.partition.key
        }
        | prepared.rests_on,
        deliveries={Partition.from_key(run.model, entry.day): frozenset(entry.deliveries) for entry in measured},
        bases=versions_below(run, prepared.partition, prepared.version, days),
        channels=run.channels,
        policy=run.policy,
    )
    return Judged(
        status=night.status,
        message=night.message,
        days=tuple(dict.fromkeys([prepared.partition.key, *(entry.day for entry in measured)])),
        alerts=sum(len(entry.alerts) for entry in results),
    )


def _after_checks(night: Night, checks: Sequence[CheckOutcome]) -> Night:
    """Return the day, FAILED if a blocking check failed."""
    blocking = [check for check in checks if check.severity is Severity.BLOCKING and check.passed is False]
    if not blocking:
        return night
    names = ", ".join(
        f"{check.expectation}({check.column})" if check.column else check.expectation for check in blocking
    )
    message = "; ".join(filter(None, (f"blocking checks failed: {names}", night.message)))
    return replace(night, status=Status.FAILED, message=message)


def _judge_rows(
    run: Run, night: Night, prepared: Prepared, profiled: Profiled, drift: PartitionDrift
) -> tuple[list[MetricValue], NightJudgement]:
    """Evaluate the metrics of the rows against the expected values."""
    profile = Profile.from_bytes(run.files.read(profiled.uri))
    metrics = [*summary_metrics(profile, run.spec), *arrival_metrics(prepared), *drift.metrics]
    # without rows everything would be a breach, and the status alerts already
    if not night.rows_curated:
        return metrics, NightJudgement()
    return metrics, UsualJudge(run=run).judge(night.partition, metrics, profile)


def _prediction_results(
    run: Run, night: Night, metrics: Sequence[MetricValue], usual: NightJudgement, checks: Sequence[CheckOutcome]
) -> Results:
    rules = _rules(run, Family.PREDICTIONS)
    of_drift = [rule for rule in rules if rule.metric == DRIFT]
    ruled = _verdicts(run, night.partition, metrics, of_drift) if of_drift else []
    # the number of drifted columns follows from the verdicts on each, and has its own rules
    metrics = [*metrics, *drifted_metrics(metrics, [*ruled, *usual.verdicts])]
    verdicts = [status_verdict(night), *_verdicts(run, night.partition, metrics, rules), *usual.verdicts]
    alerts = [
        *filter(None, [status_alert(night)]),
        # without rows every check would fail, and the status alerts already
        *(check_alerts(night.partition, checks) if night.rows_curated else []),
        *metric_alerts(night.partition, Family.PREDICTIONS, verdicts, run.spec.labels),
    ]
    return Results(
        partition=night.partition,
        family=Family.PREDICTIONS,
        metrics=tuple(metrics),
        verdicts=tuple(verdicts),
        checks=tuple(checks),
        alerts=tuple(name_causes(alerts, usual.incidents)),
    )


def _label_results(run: Run, measured: Measured, predictions: Results) -> Results:
    partition = Partition.from_key(run.model, measured.day)
    night = run.store.night(partition)
    if partition != predictions.partition and (night is None or not night.judged):
        # a filled day of the history gets its values and no alert
        return label_results(run, measured)
    metrics = label_metrics(run, measured)
    usual = UsualJudge(run=run).judge(partition, metrics)
    verdicts = [*_verdicts(run, partition, metrics, _rules(run, Family.LABELS)), *usual.verdicts]
    alerts = metric_alerts(partition, Family.LABELS, verdicts, run.spec.labels)
    before = predictions.alerts if partition == predictions.partition else _stored_alerts(run, partition)
    return Results(
        partition=partition,
        family=Family.LABELS,
        metrics=tuple(metrics),
        verdicts=tuple(verdicts),
        alerts=tuple(name_causes(alerts, usual.incidents, before)),
    )


def _stored_alerts(run: Run, partition: Partition) -> list[Alert]:
    """Return the alerts on the rows of an earlier evaluated day."""
    found = run.store.alerts(run.model, partition.day, partition.day)
    return [alert for alert in found if alert.family is Family.PREDICTIONS]


def _rules(run: Run, family: Family) -> list[AlertRule]:
    return [rule for rule in run.spec.alerts.rules if METRICS[rule.metric].needs_labels is (family is Family.LABELS)]


def _verdicts(
    run: Run, partition: Partition, metrics: Sequence[MetricValue], rules: Sequence[AlertRule]
) -> list[Verdict]:
    """Apply the rules to all rows and, for outputs of the model, to each version too.

    Outputs are comparable only with days of the same versions; if these have changed, each version is evaluated against
    its own days.
    """
    nights = version_counts(run, partition.shift(-run.spec.history.nights).day, partition.day)
    now = counts_in(run.spec, metrics) or nights.get(partition.day, {})
    past = {day: counts for day, counts in nights.items() if day < partition.day}
    unlike = set(past) - nights_alike(past, now)
    whole = [value for value in metrics if value.segment is None]
    verdicts = judge(whole, _history(run, partition, rules, unlike), rules, run.spec.history)
    if not unlike and len(now) <= 1:
        return verdicts
    verdicts = [_explained(verdict) for verdict in verdicts]
    of_model = [rule for rule in rules if METRICS[rule.metric].of_model and rule.history is not None]
    of_model = [rule.model_copy(update={"min": None, "max": None}) for rule in of_model]
    for version in sorted(now):
        segment = segment_key(str(run.spec.version_column), version)
        own = [value for value in metrics if value.segment == segment]
        verdicts += judge(own, _history(run, partition, of_model, segment=segment), of_model, run.spec.history)
    return verdicts


def _explained(verdict: Verdict) -> Verdict:
    """Return the verdict, with a note if days are missing because of a version change."""
    is_lacking = verdict.state is VerdictState.INSUFFICIENT_DATA and verdict.note.startswith("history")
    if is_lacking and METRICS[verdict.metric].of_model:
        return replace(verdict, note=f"{verdict.note}: other versions served the other days, see each version")
    return verdict


def _history(
    run: Run,
    partition: Partition,
    rules: Sequence[AlertRule],
    unlike: Collection[date] = (),
    segment: str | None = None,
) -> dict[tuple[str, str | None], list[float]]:
    """Return the values of the trailing days, without outputs of other versions."""
    names = [rule.metric for rule in rules]
    nights = run.spec.history.nights
    past = run.store.history(run.model, names, before=partition.day, nights=nights, segment=segment)
    return {
        (metric, column): [value for day, value in values if day not in unlike or not METRICS[metric].of_model]
        for (metric, column), values in past.items()
    }

"""Step of the evaluation: verdicts on every value, published in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from airflow_mlmon.alerts.breach import check_alerts, metric_alerts, status_alerts
from airflow_mlmon.alerts.new_values import name_new_values
from airflow_mlmon.causes import add_up_causes
from airflow_mlmon.drift.versions import days_alike
from airflow_mlmon.evaluation.causes import past_causes
from airflow_mlmon.evaluation.columns import drifted_metrics
from airflow_mlmon.evaluation.rules import evaluate_rules, status_verdict
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.versions import counts_in, version_counts
from airflow_mlmon.pipeline.deciding.evidence import PartitionEvaluation, PartitionEvaluator
from airflow_mlmon.pipeline.deciding.root_cause import name_causes
from airflow_mlmon.pipeline.deciding.staleness import versions_below
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.arrival import arrival_metrics
from airflow_mlmon.pipeline.steps.drift import PartitionDrift
from airflow_mlmon.pipeline.steps.performance import label_metrics, label_results
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.profile import Profiled, to_state
from airflow_mlmon.pipeline.steps.rows import row_metrics
from airflow_mlmon.pipeline.steps.validate import read_checks
from airflow_mlmon.pipeline.telemetry import note, observed
from airflow_mlmon.pipeline.workspace.compared_days import keep_compared
from airflow_mlmon.pipeline.workspace.estimates import estimated_metrics
from airflow_mlmon.pipeline.workspace.label_matches import match_metrics
from airflow_mlmon.pipeline.workspace.outcomes import Measured, Told
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import read_profile
from airflow_mlmon.profiles.keys import column_key
from airflow_mlmon.records import (
    Alert,
    CheckOutcome,
    Family,
    MetricValue,
    PartitionState,
    Results,
    Status,
    Verdict,
    VerdictState,
)
from airflow_mlmon.spec import AlertRule, Severity
from airflow_mlmon.spec.metrics import DRIFT, ROWS, STATUS
from airflow_mlmon.tasks.registry import METRICS, task_of
from airflow_mlmon.tasks.titles import metric_title


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Summary of an evaluated partition; FAILED if a blocking check failed or could not be computed.

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


@observed("evaluate_partition")
def evaluate_partition(
    run: Run, prepared: Prepared, profiled: Profiled, drift: PartitionDrift, measured: Sequence[Measured]
) -> Evaluated:
    """Evaluate the partition, and the performance of each partition whose labels arrived, and publish all results.

    Raises:
        PartitionConflictError: another run has published the partition or received labels meanwhile.
    """
    run.progress("evaluating")
    checks = read_checks(run, prepared)
    of_day = next((entry for entry in measured if entry.day == prepared.partition.key), None)
    prepared = _after_matching(prepared, of_day)
    state = _after_checks(to_state(prepared, schema=profiled.schema, evaluated=True), checks)
    estimates = estimated_metrics(run, of_day)
    metrics, expected = _evaluate_rows(run, state, prepared, profiled, [*drift.metrics, *estimates])
    days = expected.rests_on.union(*(entry.days for entry in drift.baselines))
    results = [replace(_prediction_results(run, state, metrics, expected, checks), baselines=drift.baselines)]
    results += [_label_results(run, entry, results[0]) for entry in measured]
    run.store.publish(
        state,
        results,
        supersedes=prepared.supersedes,
        versions={run.partition(entry.day): entry.version for entry in measured if entry.day != prepared.partition.key}
        | prepared.rests_on,
        deliveries={run.partition(entry.day): frozenset(entry.deliveries) for entry in measured},
        bases=versions_below(run, prepared.partition, prepared.version, days),
        channels=run.channels,
        policy=run.policy,
        plan=run.plan,
    )
    note(rows=state.rows_accepted, status=state.status.value)
    return Evaluated(
        status=state.status,
        message=state.message,
        days=tuple(dict.fromkeys([prepared.partition.key, *(entry.day for entry in measured), *prepared.redone])),
        alerts=sum(len(entry.alerts) for entry in results),
    )


def evaluate_labels(run: Run, measured: Measured) -> None:
    """Evaluate the performance of a day whose labels arrived, and publish it alone; the results of its rows stay.

    Raises:
        PartitionConflictError: another run has published the day or received labels meanwhile.
    """
    day = run.partition(measured.day)
    run.store.publish(
        None,
        [_label_results(run, measured)],
        supersedes=None,
        versions={day: measured.version},
        deliveries={day: frozenset(measured.deliveries)},
        channels=run.channels,
        policy=run.policy,
        plan=run.plan,
    )


def _after_matching(prepared: Prepared, measured: Measured | None) -> Prepared:
    """Return the day with what is said of the labels that belong to no prediction."""
    told = measured.told if measured else Told()
    is_incomplete = bool(told.problem) and prepared.status is Status.OK
    return replace(
        prepared,
        status=Status.PARTIAL if is_incomplete else prepared.status,
        message="; ".join(filter(None, (prepared.message, told.problem, told.note))),
        causes=add_up_causes([*prepared.causes, *told.causes]),
    )


def _after_checks(state: PartitionState, checks: Sequence[CheckOutcome]) -> PartitionState:
    """Return the day, FAILED if a blocking check failed, or could not be computed from the rows that there are."""
    blocking = [check for check in checks if check.severity is Severity.BLOCKING]
    failed = ", ".join(_name(check) for check in blocking if check.passed is False)
    broken = [f"blocking check {_name(check)}: {check.error}" for check in blocking if _is_broken(check)]
    if not failed and not broken:
        return state
    message = "; ".join(filter(None, (f"blocking checks failed: {failed}" * bool(failed), *broken, state.message)))
    return replace(state, status=Status.FAILED, message=message)


def _is_broken(check: CheckOutcome) -> bool:
    """Return whether a check could not be computed, although there are rows."""
    return check.passed is None and bool(check.error) and check.rows > 0


def _name(check: CheckOutcome) -> str:
    return f"{check.expectation}({check.column})" if check.column else check.expectation


def _evaluate_rows(
    run: Run, state: PartitionState, prepared: Prepared, profiled: Profiled, others: Sequence[MetricValue]
) -> tuple[list[MetricValue], PartitionEvaluation]:
    """Evaluate the metrics of the rows, drift and estimates among them, against the expected values."""
    profile = read_profile(run, profiled.uri)
    reference = ensure_reference(run, prepared.partition.day)
    of_rows = row_metrics(run, reference, prepared.partition, prepared.version, profile)
    metrics = [*of_rows, *arrival_metrics(run, prepared), *match_metrics(run, prepared.partition), *others]
    # without rows everything would be a breach, and the status alerts already
    if not state.rows_accepted:
        return metrics, PartitionEvaluation()
    evaluation = PartitionEvaluator(run=run).evaluate(state.partition, metrics, profile)
    if evaluation.compared is not None:
        keep_compared(run, reference, state, evaluation.compared)
    return [*metrics, *evaluation.measured], evaluation


def _prediction_results(
    run: Run,
    state: PartitionState,
    metrics: Sequence[MetricValue],
    expected: PartitionEvaluation,
    checks: Sequence[CheckOutcome],
) -> Results:
    rules = _rules(run, Family.PREDICTIONS)
    of_drift = [rule for rule in rules if rule.metric == DRIFT]
    ruled = _verdicts(run, state.partition, metrics, of_drift) if of_drift else []
    # the number of drifted columns follows from the verdicts on each, and has its own rules
    metrics = [*metrics, *drifted_metrics(metrics, _of_columns(run, [*ruled, *expected.verdicts]))]
    verdicts = [status_verdict(state), *_verdicts(run, state.partition, metrics, rules), *expected.verdicts]
    alerts = [
        *status_alerts(state, past_causes(run.store.states(run.model, *_before(run, state.partition)))),
        # without answered rows every check would fail, and the status or the errors alert already
        *(check_alerts(state.partition, checks) if _answered(metrics) else []),
        *name_new_values(
            metric_alerts(state.partition, Family.PREDICTIONS, verdicts, run.spec.labels, checks), metrics
        ),
    ]
    return Results(
        partition=state.partition,
        family=Family.PREDICTIONS,
        metrics=tuple(metrics),
        verdicts=tuple(verdicts),
        checks=tuple(checks),
        alerts=tuple(_as_one(state, name_causes(alerts, expected.incidents, output=_mean_output(run)))),
    )


def _as_one(state: PartitionState, alerts: Sequence[Alert]) -> Sequence[Alert]:
    """Return the alerts of a day without rows as one incident, whose cause is its status."""
    if state.status not in {Status.NO_DATA, Status.QUARANTINED}:
        return alerts
    cause = next(alert.title for alert in alerts if alert.metric == STATUS)
    return [replace(alert, cause=cause) for alert in alerts]


def _before(run: Run, partition: Partition) -> tuple[date, date]:
    """Return the first and the last day of the history of a day."""
    return partition.shift(-run.spec.history.days).day, partition.shift(-1).day


def _answered(metrics: Sequence[MetricValue]) -> int:
    """Return the accepted rows without an error status."""
    return next(value.rows for value in metrics if value.key == (ROWS, None, None))


def _label_results(run: Run, measured: Measured, predictions: Results | None = None) -> Results:
    partition = run.partition(measured.day)
    state = run.store.state(partition)
    own = predictions if predictions is not None and partition == predictions.partition else None
    if own is None and (state is None or not state.evaluated):
        # a filled day of the history gets its values and no alert
        return label_results(run, measured)
    metrics = label_metrics(run, measured)
    expected = PartitionEvaluator(run=run).evaluate(partition, metrics)
    verdicts = [*_verdicts(run, partition, metrics, _rules(run, Family.LABELS)), *expected.verdicts]
    alerts = metric_alerts(partition, Family.LABELS, verdicts, run.spec.labels)
    before = own.alerts if own is not None else _stored_alerts(run, partition)
    return Results(
        partition=partition,
        family=Family.LABELS,
        metrics=tuple(metrics),
        verdicts=tuple(verdicts),
        alerts=tuple(name_causes(alerts, expected.incidents, before, output=_mean_output(run))),
    )


def _mean_output(run: Run) -> str:
    """Return the title of the mean that incidents shift; empty if there is none."""
    found = task_of(run.spec).mean_output(run.spec)
    return metric_title(found[0], run.spec.labels) if found else ""


def _stored_alerts(run: Run, partition: Partition) -> list[Alert]:
    """Return the alerts on the rows of an earlier evaluated day."""
    found = run.store.alerts(run.model, partition.day, partition.day)
    return [alert for alert in found if alert.family is Family.PREDICTIONS]


def _rules(run: Run, family: Family) -> list[AlertRule]:
    # the own metrics of a model without labels follow from its rows
    of_rows = () if run.spec.labels else run.spec.own_metrics
    of_labels = [
        rule for rule in run.spec.alerts.rules if METRICS[rule.metric].needs_labels and rule.metric not in of_rows
    ]
    return of_labels if family is Family.LABELS else [rule for rule in run.spec.alerts.rules if rule not in of_labels]


def _verdicts(
    run: Run, partition: Partition, metrics: Sequence[MetricValue], rules: Sequence[AlertRule]
) -> list[Verdict]:
    """Apply the rules to all rows and, for outputs of the model, to each version too.

    Outputs are comparable only with days of the same versions; if these have changed, each version is evaluated against
    its own days.
    """
    days = version_counts(run, partition.shift(-run.spec.history.days).day, partition.day)
    now = counts_in(run.spec, metrics) or days.get(partition.day, {})
    past = {day: counts for day, counts in days.items() if day < partition.day}
    unlike = set(past) - days_alike(past, now)
    whole = [value for value in metrics if value.segment is None]
    verdicts = evaluate_rules(whole, _history(run, partition, rules, unlike), rules, run.spec.history)
    if not unlike and len(now) <= 1:
        return verdicts
    verdicts = [_explained(verdict) for verdict in verdicts]
    of_model = [rule for rule in rules if METRICS[rule.metric].of_model and rule.history is not None]
    of_model = [rule.model_copy(update={"min": None, "max": None}) for rule in of_model]
    for version in sorted(now):
        segment = column_key(str(run.spec.version_column), version)
        own = [value for value in metrics if value.segment == segment]
        verdicts += evaluate_rules(own, _history(run, partition, of_model, segment=segment), of_model, run.spec.history)
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
    if not rules:
        return {}
    names = [rule.metric for rule in rules]
    days = run.spec.history.days
    past = run.store.history(run.model, names, before=partition.day, days=days, segment=segment)
    return {
        (metric, column): [value for day, value in values if day not in unlike or not METRICS[metric].of_model]
        for (metric, column), values in past.items()
    }


def _of_columns(run: Run, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts on columns of the rows: what is derived of them when they are profiled counts for none."""
    derived = set(run.spec.derived) - set(run.spec.columns)
    return [verdict for verdict in verdicts if verdict.column not in derived]

"""What the store and the workspace hold of a range of days, as records of a bundle: no rows of data, no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.fleet import AuditEntry
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import has_curated
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, delivery_uri
from airflow_mlmon.records import Alert, CheckOutcome, Family, MetricValue, PartitionState, Verdict, VerdictState
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.spec.plan import without_secrets
from airflow_mlmon.store.evidence_store import AlertAction, OutboxMessage

Record = dict[str, Any]
_VERDICT = tuple(item.name for item in fields(Verdict))
_CHECK = tuple(item.name for item in fields(CheckOutcome))
_ALERT = tuple(item.name for item in fields(Alert) if item.name not in {"partition", "lifecycle"})
_MESSAGE = tuple(item.name for item in fields(OutboxMessage))
_TRACKED = tuple(item.name for item in fields(TrackedAlert) if item.name != "model")
# values of a new category stand in the data; its rate does not name them
_METRIC = tuple(item.name for item in fields(MetricValue) if item.name not in {"new_values", "drift", "multivariate"})
_DRIFT = ("method", "baseline", "rows_reference", "note", "mean_shift")


@dataclass(frozen=True, kw_only=True)
class RangeFacts:
    """What was kept of a range of days, read at once; equal facts mean that nothing was published between two reads."""

    states: Mapping[date, PartitionState]
    plans: Mapping[tuple[date, Family], str]
    rests_on: Mapping[date, Mapping[date, str]]
    labels: Mapping[date, frozenset[str]]
    alerts: tuple[Alert, ...]
    incidents: tuple[TrackedAlert, ...]
    actions: tuple[AlertAction, ...]
    audit: tuple[AuditEntry, ...]
    pins: tuple[BaselinePin, ...]

    @cached_property
    def breached(self) -> frozenset[str]:
        """Fingerprints of alerts of the range."""
        return frozenset(alert.fingerprint for alert in self.alerts)


def read_facts(run: Run, first: date, last: date) -> RangeFacts:
    """Read what was kept of a range of days."""
    store, model = run.store, run.model
    alerts = tuple(store.alerts(model, first, last, include_resolved=True))
    names = {alert.fingerprint for alert in alerts}
    return RangeFacts(
        states={state.partition.day: state for state in store.states(model, first, last)},
        plans=store.plans_of_days(model, first, last),
        rests_on=store.evaluation_bases(model, first, last),
        labels={day: frozenset(found) for day, found in store.label_bases(model, first, last).items()},
        alerts=alerts,
        incidents=tuple(
            alert
            for alert in store.tracked_alerts(model)
            if alert.since <= last and (alert.resolved_on is None or alert.resolved_on >= first)
        ),
        # what was done later to an alert of the range belongs to it
        actions=tuple(
            one
            for one in store.alert_actions(model)
            if first <= one.action.day and (one.action.day <= last or one.fingerprint in names)
        ),
        audit=tuple(entry for entry in store.audit(model) if first <= entry.day <= last),
        pins=tuple(pin for pin in store.baselines(model) if pin.first <= last),
    )


def people_records(facts: RangeFacts) -> list[Record]:
    """Return what people did, with their reasons, in the order of time."""
    found = [
        *(_of_action(one) for one in facts.actions),
        *(_of_audit(number, one) for number, one in enumerate(facts.audit, 1)),
        *(_of_pin(pin) for pin in facts.pins),
    ]
    return sorted(found, key=lambda record: (record["at"], record["of"], record["number"]))


def alert_records(facts: RangeFacts) -> Iterator[Record]:
    """Yield the breaches that alerts were raised for, resolved ones too."""
    for alert in facts.alerts:
        state = alert.lifecycle.words if alert.lifecycle else ""
        record = _named(alert, _ALERT) | {"day": alert.partition.key, "fingerprint": alert.fingerprint, "state": state}
        yield _masked(record)


def incident_records(facts: RangeFacts) -> Iterator[Record]:
    """Yield each alert of the range over its days, as it stands."""
    for alert in facts.incidents:
        yield _masked(_named(alert, _TRACKED))


def message_records(run: Run, first: date, last: date) -> Iterator[Record]:
    """Yield the notifications of a range, sent or not, and their channels."""
    for message in run.store.messages(run.model, first, last):
        yield _masked(_named(message, _MESSAGE))


def delivery_records(run: Run, first: date, last: date, facts: RangeFacts) -> Iterator[Record]:
    """Yield the deliveries of labels of the range, and later ones that its performance rests on."""
    used = frozenset[str]().union(*facts.labels.values()) if facts.labels else frozenset()
    for one in run.store.deliveries(run.model, first, date.max):
        if one.partition.day <= last or one.version in used:
            record = {"day": one.partition.key, "version": one.version, "rows": one.rows}
            record["files"] = delivery_uri(run, one.partition, one.version)
            yield _masked(record) | {"used": one.version in used}


def schema_records(run: Run) -> Iterator[Record]:
    """Yield the profile schemas that were pinned, by which days are binned."""
    for number, one in enumerate(run.store.schemas(run.model), 1):
        yield {"number": number, "schema": one.schema_id, "pinned_from": one.fingerprint}


@dataclass(frozen=True, kw_only=True)
class DayRecords:
    """Records of one day, as they were kept.

    Attributes:
        manifest: Account of the files and rows, as it lies in the workspace; empty if it is not there.
        has_rows: Whether its curated rows are still there.
    """

    state: PartitionState
    verdicts: Sequence[Verdict]
    checks: Sequence[CheckOutcome]
    metrics: Sequence[MetricValue]
    compared_with: Sequence[Mapping[str, Any]]
    manifest: bytes
    has_rows: bool

    @property
    def breaches(self) -> int:
        """Number of verdicts outside their limits."""
        return sum(verdict.state is VerdictState.BREACH for verdict in self.verdicts)

    @property
    def has_metrics(self) -> bool:
        """Whether metrics are there beside the numbers of rows, which are never pruned."""
        return any(value.metric != ROWS for value in self.metrics)

    def verdict_records(self) -> Iterator[Record]:
        """Yield the verdicts with the limits that they were evaluated against."""
        return (_named(verdict, _VERDICT) for verdict in self.verdicts)

    def check_records(self) -> Iterator[Record]:
        """Yield the outcomes of the checks."""
        return (_named(check, _CHECK) for check in self.checks)

    def metric_records(self) -> Iterator[Record]:
        """Yield the metrics with their intervals, without values of the data."""
        for value in self.metrics:
            record = _named(value, _METRIC)
            if value.drift is not None:
                record["drift"] = _named(value.drift, _DRIFT)
            if value.multivariate is not None:
                record["multivariate"] = _named(value.multivariate, ("rows_reference", "strongest", "note"))
            yield record


def read_day(run: Run, state: PartitionState) -> DayRecords:
    """Read the records of a day."""
    partition = state.partition
    return DayRecords(
        state=state,
        verdicts=run.store.verdicts(partition),
        checks=run.store.checks(partition),
        metrics=run.store.metric_values(partition),
        compared_with=[facts.to_dict() for facts in run.store.compared_with(partition)],
        manifest=_manifest(run, partition, state.version),
        has_rows=state.version is not None and has_curated(run, partition, state.version),
    )


def state_record(state: PartitionState) -> Record:
    """Return the record of a day."""
    return _masked(
        {
            "status": state.status,
            "evaluated": state.evaluated,
            "version": state.version,
            "schema": state.schema,
            "rows_read": state.rows_read,
            "rows_accepted": state.rows_accepted,
            "rows_quarantined": state.rows_quarantined,
            "message": state.message,
            "arrival": state.arrival and _named(state.arrival, [item.name for item in fields(state.arrival)]),
            "causes": [_named(cause, [item.name for item in fields(cause)]) for cause in state.causes],
        }
    )


def _manifest(run: Run, partition: Partition, version: str | None) -> bytes:
    if version is None:
        return b""
    try:
        stored = run.files.read(run.version_uri(partition, version, MANIFEST))
    except NotFoundError:
        return b""
    content = json.loads(stored)
    masked = _masked(content)
    # as it lies there, so that its hash is that of the file
    return stored if masked == content else json.dumps(masked, indent=1, sort_keys=True).encode()


def _of_action(one: AlertAction) -> Record:
    metric, column, segment = one.subject
    about = {"metric": metric, "column": column, "segment": segment, "fingerprint": one.fingerprint}
    done = _named(one.action, ("kind", "day", "until", "who", "why", "at"))
    return _masked({**done, **about, "of": "alert", "number": one.number, "at": one.action.at.isoformat()})


def _of_audit(number: int, entry: AuditEntry) -> Record:
    done = _named(entry, ("kind", "day", "who", "why", "detail"))
    return _masked({**done, "of": "day", "number": number, "at": entry.at.isoformat()})


def _of_pin(pin: BaselinePin) -> Record:
    done = {"kind": "accept_baseline", "day": pin.first, "who": pin.who, "why": pin.why}
    about = {"version": pin.version, "baseline": pin.baseline.model_dump(mode="json")}
    return _masked({**done, **about, "of": "baseline", "number": pin.number, "at": pin.accepted_at.isoformat()})


def _masked(record: Record) -> Record:
    masked: Record = without_secrets(record)
    return masked


def _named(record: Any, names: Sequence[str]) -> Record:
    return {name: getattr(record, name) for name in names}

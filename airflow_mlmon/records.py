"""Records of a partition: the values that pass from step to step and into the store."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_mlmon.causes import Cause
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.choices import WARNING, Severity

if TYPE_CHECKING:
    # a comparison needs the states but no baseline; it need not import pydantic
    from airflow_mlmon.baselines import BaselineFacts

# metric, column and segment; None for all columns or rows
SubjectKey = tuple[str, str | None, str | None]
_UNIT = "\x1f"


class Status(StrEnum):
    """Status of a partition after its run."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    QUARANTINED = "QUARANTINED"
    NO_DATA = "NO_DATA"
    FAILED = "FAILED"


class Family(StrEnum):
    """Groups of results that are replaced independently of each other.

    Results of the predictions follow from the partition's rows; those of the labels change with each delivery.
    """

    PREDICTIONS = "predictions"
    LABELS = "labels"


class VerdictState(StrEnum):
    """Result of checking a value against its limit."""

    OK = "OK"
    BREACH = "BREACH"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class AlertState(StrEnum):
    """State of an alert; it is pending while too few days in a row have breached."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class AlertEvent(StrEnum):
    """Event of an alert for which a notification is sent."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    RESOLVED = "resolved"


class ActionKind(StrEnum):
    """Action of a person on an alert; to accept is to resolve it and take the change as the new normal."""

    ACKNOWLEDGE = "ack"
    MUTE = "mute"
    RESOLVE = "resolve"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDetail:
    """Details of the drift score of a column.

    Attributes:
        method: Distance that was taken; see `drift.methods`.
        baseline: Title of the baseline.
        rows_reference: Finite values of the baseline; None of one that the first release scored.
        note: Why there is no score, or what to know about it.
        mean_shift: Of a vector, how far its mean has moved; see `drift.shift`.
    """

    method: str
    baseline: str
    rows_reference: int | None = None
    note: str = ""
    mean_shift: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultivariateDetail:
    """Details of the drift score of all features together.

    Attributes:
        rows_reference: Rows of the reference that the classifier saw; None of one that the first release trained.
        strongest: Columns that it relied on most, each with its permutation importance.
        note: Why there is no score, or what to know about it.
    """

    rows_reference: int | None
    strongest: tuple[tuple[str, float], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """Value of a metric.

    Attributes:
        metric: Its name.
        column, segment: The column and the rows that it is about; None stands for all.
        value: The value; None where there is none, which is not zero.
        rows: The rows that it rests on.
        low: Lower end of the 95 % interval of the value; None where it has none, as has `high`.
        high: Upper end.
        constant: Score of the best constant prediction of the reference on the same labels; None if it has none.
        reason: Why there is no value; beside a value, what it is the value of.
        withheld: Why the value is not evaluated, although there is one.
        error_bound: The largest error that its computation can have caused; None of an exact one.
        drift: Of the drift of a column, how it was scored.
        multivariate: Of the drift of all features together, how it was scored.
        new_values: Of a new-category rate, the most frequent new values with their rows; none of a personal column.
    """

    metric: str
    column: str | None = None
    segment: str | None = None
    value: float | None
    rows: int
    low: float | None = None
    high: float | None = None
    constant: float | None = None
    reason: str = ""
    withheld: str = ""
    error_bound: float | None = None
    drift: DriftDetail | None = None
    multivariate: MultivariateDetail | None = None
    new_values: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> SubjectKey:
        """Subject of the value: metric, column and segment."""
        return self.metric, self.column, self.segment

    def within(self, interval: tuple[float, float] | None) -> MetricValue:
        """Return the value with its interval; without one where there is neither."""
        low, high = interval or (None, None)
        return self if self.value is None else replace(self, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """Outcome of one Great Expectations check; holds no values of the data."""

    expectation: str
    column: str | None
    severity: Severity
    passed: bool | None
    rows: int
    unexpected: int | None = None
    observed: str = ""
    expected: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Value with the limits it was evaluated against.

    Attributes:
        p_value: P-value before the correction for multiple tests; None for a fixed limit.
        effect: Effect size in standard units that do not grow with the rows; see `evaluation`.
        expected: Expected value; None for a fixed limit, and where it is not one number.
    """

    metric: str
    column: str | None
    value: float | None
    state: VerdictState
    low: float | None
    high: float | None
    rule: str
    history: int | None = None
    deviations: float | None = None
    note: str = ""
    severity: str = WARNING
    segment: str | None = None
    p_value: float | None = None
    effect: float | None = None
    expected: float | None = None

    @property
    def key(self) -> SubjectKey:
        """Subject of the verdict: metric, column and segment."""
        return self.metric, self.column, self.segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Action of some kind that somebody took on an alert.

    Attributes:
        day: Day after which it takes effect.
        until: Last muted day.
        who: Person who took it.
        why: Reason given.
        at: Time at which it was taken; for information only.
    """

    kind: ActionKind
    day: date
    until: date | None = None
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLifecycle:
    """State of an alert and the event to notify of.

    Attributes:
        state: Current state; in a message, the state after the event.
        since: First breaching day.
        days: Number of breaching days up to the event.
        event: Event to notify of; None where there is none, as on a page.
        resolved_on: Day on which it resolved.
        muted_until: Last muted day.
    """

    state: AlertState
    since: date
    days: int
    event: AlertEvent | None = None
    resolved_on: date | None = None
    muted_until: date | None = None

    @property
    def words(self) -> str:
        """State of the alert in words.

        >>> AlertLifecycle(state=AlertState.OPEN, since=date(2013, 3, 8), days=3).words
        'open since 2013-03-08, 3 days'
        """
        days = "1 day" if self.days == 1 else f"{self.days} days"
        if self.state is AlertState.RESOLVED:
            on = f" on {self.resolved_on}" if self.resolved_on else ""
            return f"resolved{on} after {days}"
        if self.state is AlertState.MUTED:
            return f"muted until {self.muted_until}, open since {self.since}, {days}"
        return f"{self.state} since {self.since}, {days}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Alert raised by a breach.

    Attributes:
        lifecycle: State of the alert that the breach belongs to; None where it is not known yet.
        p_value: P-value of its verdict.
        effect: Effect size of its verdict.
        cause: Title of the likely cause of its incident; its own title where it is the cause.
    """

    partition: Partition
    family: Family
    metric: str
    column: str | None
    severity: str
    title: str
    text: str
    value: float | None
    segment: str | None = None
    p_value: float | None = None
    effect: float | None = None
    cause: str = ""
    lifecycle: AlertLifecycle | None = field(default=None, compare=False)

    @property
    def key(self) -> SubjectKey:
        """Subject of the alert: metric, column and segment."""
        return self.metric, self.column, self.segment

    @property
    def fingerprint(self) -> str:
        """Identifier shared by the alerts of one model, metric, column and segment on every day."""
        return fingerprint_of(self.partition.model, *self.key)


def fingerprint_of(model: str, metric: str, column: str | None, segment: str | None) -> str:
    """Compute the identifier of an alert: a hash of model, metric, column and segment.

    >>> fingerprint_of("flights", "null_rate", "wind_speed", None)
    'fe1916388362143c'
    """
    parts = (model, metric, column or "", segment or "")
    # a separator in a part would make it that of another alert; encoded as the store does, which recomputes it
    name = json.dumps(parts) if any(_UNIT in part for part in parts) else _UNIT.join(parts)
    return hashlib.sha256(name.replace("\x00", "\ufffd").encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Partition as it arrived, before its checks.

    Attributes:
        status: Its status, which a blocking check may overrule.
        message: Reason why it is not OK; a blocking check may add to it.
        files: Files listed.
        labels_delivered: Labels received on its day.
        delay_hours: Hours from its end until all its files were there; None where unknown.
        delay_reason: Reason why it is unknown.
    """

    status: Status
    message: str
    files: int
    labels_delivered: int
    delay_hours: float | None
    delay_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionState:
    """State of one partition: the rows that arrived, the version that is served, and the causes if it is not OK.

    `arrival` is None of the reference, and where the run failed before reading it; `log` is its last run in Airflow.
    """

    partition: Partition
    status: Status
    version: str | None
    schema: str | None
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    message: str = ""
    evaluated: bool = True
    arrival: Arrival | None = None
    causes: tuple[Cause, ...] = ()
    log: str = field(default="", compare=False)

    @property
    def is_counted(self) -> bool:
        """Return whether the run reached the counting of the rows."""
        return self.status is not Status.FAILED or self.version is not None

    @property
    def is_of_reference(self) -> bool:
        """Return whether its rows are those of the reference, and no run has ingested others."""
        return self.version is None and self.schema is not None

    @classmethod
    def failed(cls, partition: Partition, message: str) -> PartitionState:
        """Return the record of a partition whose run failed before anything was known."""
        return cls(
            partition=partition,
            status=Status.FAILED,
            version=None,
            schema=None,
            rows_read=0,
            rows_accepted=0,
            rows_quarantined=0,
            message=message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Results of one family of one partition, replaced as a whole; its drift was compared with `baselines`."""

    partition: Partition
    family: Family
    metrics: tuple[MetricValue, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    alerts: tuple[Alert, ...] = ()
    baselines: tuple[BaselineFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Labels delivered on one day, as they were ingested; `listing` changes with the files that they were read from."""

    partition: Partition
    version: str
    uri: str  # where earlier releases read them
    rows: int
    listing: str = ""

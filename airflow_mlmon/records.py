"""What is said of a night: the values that cross from stage to stage and into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.choices import WARNING, Severity

JsonDict = Mapping[str, Any]
# metric, column and segment; None for all columns or rows
SubjectKey = tuple[str, str | None, str | None]


class Status(StrEnum):
    """What became of a partition."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    QUARANTINED = "QUARANTINED"
    NO_DATA = "NO_DATA"
    FAILED = "FAILED"


class Family(StrEnum):
    """The two groups of results that are replaced apart from each other.

    Results of the predictions follow from the partition's rows; those of the labels change with
    each delivery.
    """

    PREDICTIONS = "predictions"
    LABELS = "labels"


class VerdictState(StrEnum):
    """What a limit says of a value."""

    OK = "OK"
    BREACH = "BREACH"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class AlertState(StrEnum):
    """What has become of an alert; one is pending while too few nights in a row have breached."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class AlertEvent(StrEnum):
    """What people are told of an alert."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    RESOLVED = "resolved"


class ActionKind(StrEnum):
    """What people do about an alert; to accept is to resolve what is the new normal."""

    ACKNOWLEDGE = "ack"
    MUTE = "mute"
    RESOLVE = "resolve"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """One value of one metric.

    Attributes:
        metric: Its name.
        column: The column that it is about; None stands for all.
        segment: The rows that it is about; None stands for all.
        value: The value; None where there is none, which is not zero.
        rows: The rows that it rests on.
        reason: Why there is no value.
        withheld: Why the value is not evaluated, although there is one.
        error_bound: The largest error that its computation can have caused; None of an exact one.
    """

    metric: str
    column: str | None = None
    segment: str | None = None
    value: float | None
    rows: int
    reason: str = ""
    withheld: str = ""
    error_bound: float | None = None
    detail: JsonDict = field(default_factory=dict)

    @property
    def key(self) -> SubjectKey:
        """What it is a value of: metric, column and segment."""
        return self.metric, self.column, self.segment


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What one Great Expectations check found; never with values of the data."""

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
    """A value beside its limits.

    Attributes:
        p_value: How often a value so far out comes by chance, before the correction for the number of tests;
            None of a fixed limit.
        effect: How far it has moved in standard units that do not grow with the rows; see `judgement`.
        usual: What was to be expected; None of a fixed limit, and where it is not one number.
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
    usual: float | None = None

    @property
    def key(self) -> SubjectKey:
        """What it is a verdict on: metric, column and segment."""
        return self.metric, self.column, self.segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody did about an alert.

    Attributes:
        kind: What it was.
        day: The night after which it counts.
        until: The last day that is muted.
        who: Who did it.
        why: The reason that was given.
        at: When it was done; it decides nothing.
    """

    kind: ActionKind
    day: date
    until: date | None = None
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an alert stands: its state, and what of it is told.

    Attributes:
        state: What it is now; in a message, what it was after the event.
        since: The first of its breaching nights.
        nights: How many nights breached, up to the event.
        event: What is told; None where nothing is, as on a page.
        resolved_on: The night on which it resolved.
        muted_until: The last day that is muted.
    """

    state: AlertState
    since: date
    nights: int
    event: AlertEvent | None = None
    resolved_on: date | None = None
    muted_until: date | None = None

    @property
    def words(self) -> str:
        """Where the alert stands, in words.

        >>> Standing(state=AlertState.OPEN, since=date(2013, 3, 8), nights=3).words
        'open since 2013-03-08, 3 nights'
        """
        nights = "1 night" if self.nights == 1 else f"{self.nights} nights"
        if self.state is AlertState.RESOLVED:
            on = f" on {self.resolved_on}" if self.resolved_on else ""
            return f"resolved{on} after {nights}"
        if self.state is AlertState.MUTED:
            return f"muted until {self.muted_until}, open since {self.since}, {nights}"
        return f"{self.state} since {self.since}, {nights}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A breach as people see it.

    Attributes:
        standing: Where the alert stands that the breach belongs to; None where that is not known yet.
        p_value: That of its verdict.
        effect: That of its verdict.
        cause: The title of what is the likely cause of its incident; its own where it is the cause.
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
    standing: Standing | None = field(default=None, compare=False)

    @property
    def key(self) -> SubjectKey:
        """What it is about: metric, column and segment."""
        return self.metric, self.column, self.segment

    @property
    def fingerprint(self) -> str:
        """The same for the same model, metric, column and segment, on every night."""
        return fingerprint_of(self.partition.model, *self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedAlert:
    """One alert from its first breach until it resolved, as it stands now.

    Attributes:
        title: That of its last breach, as are the text, the cause and the value.
        severity: The worst of its breaches.
        since: The first of its breaching nights.
        opened: The night on which it opened.
        last_breached: The last of its breaching nights.
        nights: How many breached.
        acknowledged_by: Who took it on.
        muted_until: The last day on which nobody is told.
        resolved_on: The night on which it resolved.
        resolved_by: Who resolved it; nobody where nights were quiet.
    """

    model: str
    fingerprint: str
    metric: str
    column: str | None
    segment: str | None
    title: str
    text: str
    cause: str
    value: float | None
    state: AlertState
    severity: str
    since: date
    opened: date
    last_breached: date
    nights: int
    acknowledged_by: str = ""
    muted_until: date | None = None
    resolved_on: date | None = None
    resolved_by: str = ""


def fingerprint_of(model: str, metric: str, column: str | None, segment: str | None) -> str:
    """What names an alert.

    >>> fingerprint_of("flights", "null_share", "wind_speed", None)
    '2df0186c7e3d0487'
    """
    name = "\x1f".join((model, metric, column or "", segment or ""))
    # as the store keeps text, so that it can be made anew from what is stored
    return hashlib.sha256(name.replace("\x00", "\ufffd").encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A partition as it came, before its checks.

    Attributes:
        status: Its status, which a blocking check may overrule.
        message: Why it is not OK, which a blocking check may add to.
        files: Files listed.
        labels_delivered: Labels received on its day.
        delay_hours: Hours from its end until all its files were there; None where nobody knows.
        delay_reason: Why nobody knows.
    """

    status: Status
    message: str
    files: int
    labels_delivered: int
    delay_hours: float | None
    delay_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The state of one partition: what arrived, and which version of it is served.

    `arrival` is None of a day of the reference, and where no run came so far.
    """

    partition: Partition
    status: Status
    version: str | None
    layout: str | None
    rows_listed: int
    rows_curated: int
    rows_quarantined: int
    message: str = ""
    judged: bool = True
    arrival: Arrival | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the run came so far as to count the rows."""
        return self.status is not Status.FAILED or self.version is not None

    @property
    def is_of_reference(self) -> bool:
        """Whether its rows are those of the reference, and no run has taken in others."""
        return self.version is None and self.layout is not None

    @classmethod
    def failed(cls, partition: Partition, message: str) -> Night:
        """A night of which nothing is known but that its run failed."""
        return cls(
            partition=partition,
            status=Status.FAILED,
            version=None,
            layout=None,
            rows_listed=0,
            rows_curated=0,
            rows_quarantined=0,
            message=message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One family of results of one partition, replaced as a whole."""

    partition: Partition
    family: Family
    metrics: tuple[MetricValue, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The labels that were delivered on one day, as they were taken in."""

    partition: Partition
    version: str
    uri: str
    rows: int

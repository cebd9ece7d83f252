"""Assignment of the likely cause to each alert of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.causes import CauseKind
from airflow_mlmon.evaluation.incidents import Incident
from airflow_mlmon.lifecycle.incidents import BY_ITSELF
from airflow_mlmon.quality.infer import measured_metric
from airflow_mlmon.records import Alert, SubjectKey
from airflow_mlmon.spec.choices import CRITICAL
from airflow_mlmon.spec.metrics import (
    CHECK_PREFIX,
    LABEL_MATCH_RATE,
    NULL_RATE,
    QUARANTINED_SHARE,
    ROWS,
    STATUS,
    STATUS_PREFIX,
    UNSAMPLED_ROWS,
)
from airflow_mlmon.tasks.registry import METRICS

_LENGTH = 250
# what says that rows are missing, or too many
_VOLUME = frozenset({ROWS, UNSAMPLED_ROWS, STATUS, QUARANTINED_SHARE})
_UNREADABLE = f"{STATUS_PREFIX}{CauseKind.VALUES}"
# what says that ids of labels belong to no prediction
_IDS = (None, CauseKind.LABEL_IDS)


# incident and place in it, with its cause in words; and column and segment
_Place = tuple[tuple[int, int], str]
_Subject = tuple[str | None, str | None]


def name_causes(
    alerts: Sequence[Alert], incidents: Sequence[Incident], before: Sequence[Alert] = (), *, output: str = ""
) -> list[Alert]:
    """Assign the likely cause to the alerts, and sort those of an incident together, the cause first.

    A breach of a rule or a check joins the incident of its column, or of the number of rows. Without one it is its own
    cause, or that of others on the same, and comes first; but alerts on the model's outputs follow from the first
    incident, also if a rule set their limits.

    Args:
        alerts: those of one family of results.
        incidents: their groups, the most severe first.
        before: earlier alerts of the same day in their order, found before its labels were received; they may explain
            its performance.
        output: title of the metric that the incidents' shifts are of.
    """
    causes, joined = _of_incidents(alerts, incidents, output)
    _join_others(alerts, incidents, causes, joined)
    # a day fails at a blocking check for what that check says
    blocking = [alert for alert in alerts if alert.metric.startswith(CHECK_PREFIX) and alert.severity == CRITICAL]
    for check in blocking[:1]:
        causes[STATUS, None, None] = causes.get(check.key, ((0, 0), check.title))
    alone = ((0, 0), "")
    ordered = sorted(alerts, key=lambda alert: causes.get(alert.key, alone)[0])
    found = [replace(alert, cause=causes.get(alert.key, alone)[1]) for alert in ordered]
    likely = _likely_cause(before)
    first = likely or _likely_cause([alert for alert in found if not _is_of_model(alert)])
    return [
        replace(alert, cause=(likely or alert.cause or first if _is_of_model(alert) else alert.cause) or alert.title)
        for alert in found
    ]


def _of_incidents(
    alerts: Sequence[Alert], incidents: Sequence[Incident], output: str
) -> tuple[dict[SubjectKey, _Place], dict[_Subject, _Place]]:
    """Return the place and the cause of each breach of the incidents, and the same by what a breach is about."""
    titles = {alert.key: alert.title for alert in alerts}
    reason = next((alert for alert in alerts if _is_of_quarantine(alert)), None)
    causes: dict[SubjectKey, _Place] = {}
    joined: dict[_Subject, _Place] = {}
    for position, incident in enumerate(incidents, 1):
        words = f"{titles.get(incident.cause.key, incident.cause.metric)}{_consequence(incident, output)}"
        if reason is not None and incident.cause.metric == QUARANTINED_SHARE:
            # more rows are quarantined than before, for this reason
            words = reason.title
            causes[reason.key] = (position, -1), plain(words, _LENGTH)
        for place, breach in enumerate(incident.breaches):
            causes[breach.key] = (position, place), plain(words, _LENGTH)
            subject = _subject_of(breach.metric, breach.column, breach.segment)
            if subject is not None:
                joined.setdefault(subject, ((position, len(incident.breaches)), plain(words, _LENGTH)))
    return causes, joined


def _join_others(
    alerts: Sequence[Alert],
    incidents: Sequence[Incident],
    causes: dict[SubjectKey, _Place],
    joined: dict[_Subject, _Place],
) -> None:
    """Add the breaches of rules and checks, and the causes of the status, to the incidents that they belong to."""
    for alert in alerts:
        if alert.key in causes or _is_of_model(alert):
            continue
        # a day fails for another reason than its number of rows
        has_failed = alert.metric == STATUS and alert.severity == CRITICAL
        subject = None if has_failed else _subject_of(*alert.key)
        if alert.metric == _UNREADABLE:
            causes |= _of_unreadable(alert, incidents, causes)
        elif subject is not None and alert.metric.startswith(STATUS_PREFIX):
            # of several causes none follows from another
            causes[alert.key] = joined.get(subject, ((0, 0), alert.title))
        elif subject is not None:
            causes[alert.key] = joined.setdefault(subject, ((0, 0), alert.title))


def _is_of_quarantine(alert: Alert) -> bool:
    """Return whether an alert says why rows were quarantined."""
    if not alert.metric.startswith(STATUS_PREFIX):
        return False
    kind = CauseKind(alert.metric.removeprefix(STATUS_PREFIX))
    return kind.is_of_rows and kind is not CauseKind.FILES


def _of_unreadable(
    alert: Alert, incidents: Sequence[Incident], causes: Mapping[SubjectKey, _Place]
) -> dict[SubjectKey, _Place]:
    """Return the incident of the nulls that values which could not be read have become; empty if there is none."""
    for incident in incidents:
        for breach in incident.breaches:
            if breach.metric == NULL_RATE and breach.column and repr(breach.column) in alert.text:
                (position, _), words = causes[breach.key]
                return {alert.key: ((position, len(incident.breaches)), words)}
    return {}


def _subject_of(metric: str, column: str | None, segment: str | None) -> tuple[str | None, str | None] | None:
    """Return the column and the segment that an alert or a breach is about, neither for the number of rows."""
    if column is not None:
        return column, segment
    if metric == LABEL_MATCH_RATE:
        return _IDS
    if metric.startswith(STATUS_PREFIX):
        kind = CauseKind(metric.removeprefix(STATUS_PREFIX))
        return (None, None) if kind.is_of_rows else _IDS if kind is CauseKind.LABEL_IDS else None
    measured = measured_metric(metric.removeprefix(CHECK_PREFIX)) or metric
    return (None, None) if measured in _VOLUME and segment is None else None


def _likely_cause(alerts: Sequence[Alert]) -> str:
    """Return the cause of the most severe incident, which is the first."""
    return next((alert.cause for alert in alerts if alert.p_value is not None and alert.cause), "")


def _is_of_model(alert: Alert) -> bool:
    return alert.metric in METRICS and METRICS[alert.metric].of_model


def _consequence(incident: Incident, output: str) -> str:
    if incident.shift is None:
        return ""
    source = ", by its attributions" if incident.is_attributed else ""
    return f"{BY_ITSELF}{output or 'mean output'} by {incident.shift:+.3g}{source})"

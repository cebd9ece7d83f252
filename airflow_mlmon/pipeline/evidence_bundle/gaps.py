"""What a bundle lacks of its days, each with the reason: what nobody can show is said, and not left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.fleet import AuditKind
from airflow_mlmon.partition import date_range
from airflow_mlmon.pipeline.evidence_bundle.content import DayRecords, RangeFacts
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What is missing of a day, and why."""

    day: date
    what: str
    why: str


def absent_day(run: Run, day: date, forgotten: Collection[date]) -> Gap:
    """Return why a day has no record."""
    if day < run.spec.start:
        return Gap(day=day, what="the day", why=f"before the start of the monitoring, {run.spec.start}")
    if run.spec.end is not None and day > run.spec.end:
        return Gap(day=day, what="the day", why=f"after the end of the monitoring, {run.spec.end}")
    if day in forgotten:
        return Gap(day=day, what="the day", why="it was forgotten; see what people did")
    return Gap(day=day, what="the day", why="it was not run")


def forgotten_days(facts: RangeFacts, first: date, last: date) -> frozenset[date]:
    """Return the days that somebody has forgotten and nobody has run since."""
    forgotten = frozenset(entry.day for entry in facts.audit if entry.kind is AuditKind.FORGET)
    return forgotten & (frozenset(date_range(first, last)) - facts.states.keys())


def gaps_of(run: Run, day: DayRecords, facts: RangeFacts) -> Iterator[Gap]:
    """Yield what is missing of a day that has a record."""
    state, on = day.state, day.state.partition.day
    if state.is_of_reference:
        yield Gap(day=on, what="rows, files and verdicts", why="a day of the reference, which no run has taken in")
        return
    if not state.evaluated:
        yield Gap(day=on, what="verdicts", why="it was profiled as history, and not evaluated")
    if state.version is None:
        yield Gap(day=on, what="rows and files", why="the run failed before it had read them")
        return
    if not day.manifest:
        yield Gap(day=on, what="manifest", why="it is not in the workspace")
    if not day.has_rows and state.rows_accepted:
        yield Gap(day=on, what="curated rows in the workspace", why=_pruned(run.spec.retention.rows))
    if day.verdicts and not day.has_metrics:
        yield Gap(day=on, what="metrics", why=_pruned(run.spec.retention.metrics))
    families = (Family.PREDICTIONS, *((Family.LABELS,) if facts.labels.get(on) else ()))
    for family in families if state.evaluated else ():
        if (on, family) not in facts.plans:
            why = "it was evaluated before plans were kept; known are the limits in its verdicts"
            yield Gap(day=on, what=f"plan of the {family}", why=why)


def _pruned(age: int | None) -> str:
    by = "an earlier retention, or by hand" if age is None else f"the retention of {age} days"
    return f"deleted by {by}"

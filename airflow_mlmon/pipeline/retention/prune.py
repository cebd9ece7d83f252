"""Pruning of what is stored of old days: first a plan, which says what is deleted and what is kept for which reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from airflow_mlmon.partition import DAY
from airflow_mlmon.pipeline.retention.files import StoredFiles, list_stored
from airflow_mlmon.pipeline.retention.holds import Hold, hold
from airflow_mlmon.pipeline.retention.notice import write_notice
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.spec.retention import Stored
from airflow_mlmon.tracing import TracedPool

# which versions served when is told by the numbers of rows of all days
_LASTING_METRICS = (ROWS,)
_JUST_WRITTEN, _JUST = "it was written within a day", timedelta(days=1)
_REPLACED = frozenset({Stored.PAGES, Stored.EVIDENTLY})
_DELETERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What is pruned of one kind.

    Attributes:
        stored: The kind.
        age: Its age by the spec, in days.
        files: The files to delete.
        records: The number of records to delete in the store, by day: metrics, or bases of verdicts.
        kept: By reason, the days that are older and are kept nevertheless; a reference has none.
    """

    stored: Stored
    age: int
    files: tuple[StoredFiles, ...] = ()
    records: Mapping[date, int] = field(default_factory=dict)
    kept: Mapping[str, frozenset[date]] = field(default_factory=dict)

    @property
    def days(self) -> tuple[date, ...]:
        """Return the days of which something is deleted."""
        return tuple(sorted({one.day for one in self.files if one.day is not None} | self.records.keys()))

    @property
    def objects(self) -> int:
        """Return the number of files to delete."""
        return sum(len(one.objects) for one in self.files)

    @property
    def size(self) -> int:
        """Return the bytes of the files to delete."""
        return sum(one.size for one in self.files)


def plan_pruning(run: Run, now: datetime) -> list[Pruning]:
    """Find what is older than the spec says and nothing rests on, of each kind that has an age; nothing is deleted.

    Args:
        run: the model.
        now: the time from which ages count.
    """
    ages = {stored: age for stored in Stored if (age := run.spec.retention.age(stored)) is not None}
    if not ages:
        return []
    run.progress("listing the workspace")
    found, past = list_stored(run), _Past(run=run, now=now, holds=hold(run))
    return [past.plan(stored, age, [one for one in found if one.stored is stored]) for stored, age in ages.items()]


def prune(run: Run, plan: Sequence[Pruning]) -> None:
    """Delete what was planned, but for what was written since; a second call deletes what a broken one has left."""
    for pruning in plan:
        run.progress(f"pruning {pruning.stored}")
        with TracedPool(_DELETERS) as pool:
            for _ in pool.map(partial(_delete, run), pruning.files):
                pass
        if pruning.stored is Stored.METRICS:
            run.store.delete_metrics(run.model, list(pruning.records), keep=_LASTING_METRICS)
        if pruning.stored is Stored.BASES:
            run.store.delete_bases(run.model, list(pruning.records))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What is stored of a model, and what of it is kept."""

    run: Run
    now: datetime
    holds: Sequence[Hold]

    def plan(self, stored: Stored, age: int, found: Sequence[StoredFiles]) -> Pruning:
        """Divide what is older than an age into what is pruned and what is kept."""
        last = self.now.date() - age * DAY
        files, records = [], {}
        kept: dict[str, set[date]] = {}
        for one in found:
            if _counts_from(one) > last:
                continue
            if reason := self._reason(one):
                kept.setdefault(reason, set()).update({one.day} if one.day else ())
            else:
                files.append(one)
        for day, count in self._records_until(stored, last).items():
            if reason := self._reason_of_day(stored, day):
                kept.setdefault(reason, set()).add(day)
            else:
                records[day] = count
        return Pruning(
            stored=stored,
            age=age,
            files=tuple(files),
            records=records,
            kept={reason: frozenset(days) for reason, days in kept.items()},
        )

    def _records_until(self, stored: Stored, last: date) -> dict[date, int]:
        if stored is Stored.METRICS:
            return self.run.store.count_metrics(self.run.model, last, leave_out=_LASTING_METRICS)
        return self.run.store.count_bases(self.run.model, last) if stored is Stored.BASES else {}

    def _reason(self, files: StoredFiles) -> str:
        """Return the reason for which files are kept; empty if they are not."""
        if files.written > self.now - _JUST:
            return _JUST_WRITTEN
        if files.day is None:
            return ""
        if files.stored is Stored.SUPERSEDED:
            return next((one.reason for one in self.holds if files.version in one.versions.get(files.day, ())), "")
        # labels are kept as long as the rows that they may belong to
        labels = self.run.spec.labels
        reach = labels.reach if files.version and labels else 0
        days = (files.day - back * DAY for back in range(reach + 1))
        return next((reason for day in days if (reason := self._reason_of_day(files.stored, day))), "")

    def _reason_of_day(self, stored: Stored, day: date) -> str:
        return next((one.reason for one in self.holds if one.holds(stored, day)), "")


def _counts_from(files: StoredFiles) -> date:
    """Return the day from which the age of files counts; a version that is not served may be under way."""
    return files.written.date() if files.stored is Stored.SUPERSEDED or files.day is None else files.day


def _delete(run: Run, files: StoredFiles) -> None:
    """Delete files, or put a notice in their place; not if a run that is under way has written one of them again."""
    folders = {item.uri.rpartition("/")[0] for item in files.objects}
    written = {item.uri: item.modified for folder in folders for item in run.files.list(f"{folder}/")}
    if any(written.get(item.uri, item.modified) != item.modified for item in files.objects):
        return
    for item in files.objects:
        notice = write_notice(item.uri, str(files.day)) if files.stored in _REPLACED else b""
        if notice:
            run.files.write(item.uri, notice)
        else:
            run.files.delete(item.uri)

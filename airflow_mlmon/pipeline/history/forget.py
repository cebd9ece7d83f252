"""Removal of a day that was run by mistake: from the store, the workspace, the pages and Druid.

The store comes first, in one transaction with the entry of the audit trail: what it does not name, nothing reads. All
that follows can be repeated, and a second call does what a broken one has left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from airflow_mlmon.archive.curation.reasons import ACCEPTED_BEFORE
from airflow_mlmon.druid.answers import TaskState
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.load import Patience, empty_partition
from airflow_mlmon.errors import ConfigError, NotFoundError, StateError
from airflow_mlmon.fleet import AuditEntry, AuditKind
from airflow_mlmon.partition import DAY, Partition, date_range
from airflow_mlmon.pipeline.baselines.accept import next_day
from airflow_mlmon.pipeline.baselines.in_force import EntryState, list_baselines
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.druid.content import DatasourceDay, place_uri, places_of, task_id_of
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.pipeline.workspace.reference import latest_reference
from airflow_mlmon.storage import StoredObject
from airflow_mlmon.store.forgetting import ForgottenDay

# pages link to those of the days around theirs, and to those whose performance they show
_LINKED = range(-1, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was removed of a day, and what is left to do.

    Attributes:
        partition: The day.
        stored: What the store had of it; nothing if an earlier call has removed it.
        filled: Days that were profiled as its history alone, which go with it.
        files: Number of the files in the workspace, pages among them.
        size: Bytes of these files.
        datasources: Druid's datasources that served it.
        stale: Days whose verdicts rested on it.
        refused: Days on which rows were refused because their ids were accepted on it.
        bundles: Number of evidence bundles that have it, and keep it.
    """

    partition: Partition
    stored: ForgottenDay
    filled: tuple[Partition, ...]
    files: int
    size: int
    datasources: tuple[str, ...]
    stale: tuple[date, ...]
    refused: tuple[date, ...]
    bundles: int

    @property
    def detail(self) -> str:
        """Say in words what was removed."""
        stored, state = self.stored, self.stored.state
        record = "not run" if state is None else f"{state.status}, version {state.version}, {state.rows_accepted} rows"
        told = f"{stored.sent} messages sent, {stored.withdrawn} withdrawn" if stored.sent or stored.withdrawn else ""
        labels = "its labels stay" if stored.keeps_labels else "its labels" if stored.has_delivery else ""
        files = f"{self.files} files of {self.size} bytes"
        druid = f"Druid: {', '.join(self.datasources)}" if self.datasources else ""
        filled = f"{len(self.filled)} days of its history alone" if self.filled else ""
        bundles = f"{self.bundles} evidence bundles still have it" if self.bundles else ""
        return "; ".join(filter(None, (record, stored.results, told, labels, filled, files, druid, bundles)))


def forget_day(
    run: Run, partition: Partition, *, who: str, why: str, at: datetime, patience: Patience | None = None
) -> Forgotten:
    """Remove a day as if it had never been run, and keep in the audit trail who did so and why.

    Verdicts of other days that rested on it stay, are marked as stale, and can be evaluated again. Labels that were
    delivered on it stay if the performance of another day rests on them: they are facts of that day. Run again, the
    day is like any other; within the history of a later run, that run profiles it again.

    Args:
        run: the model.
        partition: the day.
        who: the person who takes it back.
        why: the reason.
        at: the time.
        patience: time-outs of Druid.

    Raises:
        ConfigError: a text is empty.
        StateError: a baseline or the reference rests on the day, or Druid is loading it; nothing is removed.
        NotFoundError: nothing is stored of the day.
        ServiceError: Druid or the workspace does not reply; a second call does the rest.
    """
    for name, text in (("who", who), ("why", why)):
        if not text.strip():
            raise ConfigError(f"A day is forgotten by a name and for a reason; {name} is empty.")
    if reason := _explain_hold(run, partition):
        raise StateError(f"{partition} cannot be forgotten: {reason[0]}.", hint=reason[1], partition=partition.key)
    planned = _plan(run, partition)
    places = [place for place in places_of(run, [partition]).values() if place.datasource.name in planned.datasources]
    if planned.stored.state is None and not planned.files and not _was_forgotten(run, partition):
        raise NotFoundError(f"Nothing is stored of {partition}.", hint="`mlmon status` lists the days of a model")
    client = _connect(run, places)

    def write_entry(stored: ForgottenDay) -> AuditEntry:
        words = replace(planned, stored=stored).detail
        return AuditEntry(
            kind=AuditKind.FORGET, day=partition.day, who=who.strip(), why=why.strip(), detail=words, at=at
        )

    run.progress("the store")
    stored = run.store.forget_day(partition, write_entry, run.policy, filled=planned.filled)
    if client is not None:
        run.progress("Druid")
        for place in places:
            empty_partition(client, place.datasource.name, partition, patience=patience)
    run.progress("the workspace")
    for item in list(_files_of(run, planned.filled, partition, keeps_labels=stored.keeps_labels)):
        run.files.delete(item.uri)
    stale = _stale_after(run, partition)
    write_pages(run, _linked_days(run, partition, stale))
    return replace(planned, stored=stored, stale=stale)


def _plan(run: Run, partition: Partition) -> Forgotten:
    """Find what there is of a day."""
    filled = tuple(_filled_for(run, partition))
    stored = run.store.find_day(partition, filled)
    items = list(_files_of(run, filled, partition, keeps_labels=stored.keeps_labels))
    loaded = [place for place in places_of(run, [partition]).values() if run.files.list(place_uri(run, place, ""))]
    return Forgotten(
        partition=partition,
        stored=stored,
        filled=filled,
        files=len(items),
        size=sum(item.size for item in items),
        datasources=tuple(place.datasource.name for place in loaded),
        stale=(),
        refused=tuple(_days_that_refused(run, partition)),
        bundles=sum(one.first <= partition.day <= one.last for one in run.store.bundles(run.model)),
    )


def _explain_hold(run: Run, partition: Partition) -> tuple[str, str] | None:
    """Return why a day cannot be taken back and what to do about it; None if nothing that lasts rests on it.

    A trailing baseline lasts for no day: the next days are compared with others.
    """
    day = partition.day
    for entry in list_baselines(run.spec, run.store.baselines(run.model), next_day(run)):
        dates = entry.baseline.dates
        if dates is None or entry.state is EntryState.REPLACED or not dates.first <= day <= dates.last:
            continue
        whose = "".join(f" of {one}" for one in (entry.version or entry.column,) if one)
        title = f"{entry.baseline.title()}, {entry.state},"
        if entry.pin is None:
            return (
                f"the baseline{whose} of the spec, {title} has this day",
                "change `baseline` in the spec, or accept another with `mlmon baseline accept`",
            )
        return (
            f"the baseline{whose} that {entry.pin.who} accepted, {title} has this day",
            "accept another with `mlmon baseline accept` first",
        )
    try:
        reference, _ = latest_reference(run)
    except NotFoundError:
        return None
    if day in reference.days:
        return (
            f"it is a day of the reference, {reference.period}, from which the profile schema is pinned",
            "choose other files as `reference` in the spec",
        )
    return None


def _was_forgotten(run: Run, partition: Partition) -> bool:
    return any(one.kind is AuditKind.FORGET and one.day == partition.day for one in run.store.audit(run.model))


def _connect(run: Run, places: Sequence[DatasourceDay]) -> DruidClient | None:
    """Return Druid if it serves the day; asked before anything is removed.

    Raises:
        StateError: Druid is loading the day, or cannot be reached from here.
        ServiceError: Druid does not reply.
    """
    if not places:
        return None
    if run.druid is None:
        raise StateError(f"Druid serves {places[0].key}, and this run has no access to it.")
    client = run.druid.connect()
    for place in places:
        for item in run.files.list(place_uri(run, place, "")):
            status = client.task_status(task_id_of(item.uri.rpartition("/")[2]))
            if status is not None and status.state is TaskState.RUNNING:
                raise StateError(f"Druid is loading {place.key}.", hint="wait until its task has ended")
    return client


def _filled_for(run: Run, partition: Partition) -> Iterator[Partition]:
    """Yield the days that were profiled as history of a day, and are that of no other evaluated day.

    Of a day that is gone, whose removal was broken off, they are gone from the store too.
    """
    back = max(run.spec.history.days, run.spec.duplicates.days if run.spec.duplicates else 0)
    states = run.store.states(run.model, partition.shift(-back).day, partition.shift(back).day)
    if partition.day not in {state.partition.day for state in states}:
        known = {state.partition for state in states}
        yield from (past for offset in range(back, 0, -1) if (past := partition.shift(-offset)) not in known)
        return
    evaluated = {state.partition.day for state in states if state.evaluated} - {partition.day}
    for state in states:
        day = state.partition.day
        is_history = day < partition.day and not state.evaluated and not state.is_of_reference
        if is_history and evaluated.isdisjoint(date_range(day, day + back * DAY)):
            yield state.partition


def _files_of(
    run: Run, filled: Sequence[Partition], partition: Partition, *, keeps_labels: bool
) -> Iterator[StoredObject]:
    """Yield the files of a day: its versions, scratch, labels, what was found of it in labels, Druid's, its pages."""
    key = partition.key
    folders = [run.uri("partitions", one.key) for one in (partition, *filled)]
    folders += [run.uri("shards", key), run.report_uri(key)]
    folders += [place_uri(run, place, "").rstrip("/") for place in places_of(run, [partition]).values()]
    if not keeps_labels:
        folders.append(run.uri("deliveries", key))
    for folder in folders:
        yield from run.files.list(f"{folder}/")
    for item in run.files.list(f"{run.uri('deliveries')}/"):
        # the rows of the day that labels belong to, of its own or of a later delivery
        is_counted = f"/deliveries/{key}/" in item.uri and not keeps_labels
        if f".in-{key}." in item.uri.rpartition("/")[2] and not is_counted:
            yield item
    for item in run.files.list(f"{run.report_uri()}/"):
        if item.uri.endswith(f"/against-{key}.html") and f"/{key}/" not in item.uri:
            yield item


def _days_that_refused(run: Run, partition: Partition) -> Iterator[date]:
    """Yield the served days on which ids were refused as accepted on a day: nowhere are their rows after it is gone."""
    if run.spec.duplicates is None:
        return
    reason = f"{ACCEPTED_BEFORE} on {partition.day}"
    last = partition.shift(run.spec.duplicates.days).day
    for state in run.store.states(run.model, partition.day + DAY, last):
        if state.version is None:
            continue
        try:
            manifest = json.loads(run.files.read(run.version_uri(state.partition, state.version, MANIFEST)))
        except NotFoundError:
            continue
        if reason in manifest["quarantined"]:
            yield state.partition.day


def _stale_after(run: Run, partition: Partition) -> tuple[date, ...]:
    """Return the days whose verdicts rested on a day."""
    stale = stale_days(run, partition.day + DAY, date.max)
    return tuple(day for day, bases in stale.items() if partition.day in bases)


def _linked_days(run: Run, partition: Partition, stale: Sequence[date]) -> list[Partition]:
    """Return the evaluated days whose pages name a day or link to its page."""
    near = run.store.states(run.model, partition.shift(_LINKED[0]).day, partition.shift(_LINKED[-1]).day)
    days = {state.partition.day for state in near if state.evaluated and state.partition != partition}
    return [run.partition(day) for day in sorted(days.union(stale))]

"""Step of Druid: load what the store has for some days, and verify that it is served.

The store's pointer defines a day's content. It is read before and after a load, so that the newest content wins and
not the last writer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.flags import add_flag_dimensions
from airflow_mlmon.druid.ingestion import build_ingestion_task
from airflow_mlmon.druid.load import (
    MOST_ROUNDS,
    Begun,
    DruidLoad,
    Load,
    NotServed,
    Patience,
    await_tasks,
    begin_load,
    build_load_error,
    count_served,
    empty_partition,
    finish_load,
)
from airflow_mlmon.druid.requirements import check_cluster, explain_lost_nulls
from airflow_mlmon.druid.sql import replace_statement
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.druid.content import (
    DatasourceContent,
    DatasourceDay,
    Input,
    check_workspace,
    make_input,
    places_of,
    reason_to_leave,
    tag_of,
    write_input,
)
from airflow_mlmon.pipeline.druid.files import apply_noted_rules, delete_inputs, note_loaded
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec.druid import DruidIngestion

log = logging.getLogger(__name__)

_KEEP_NULLS = "To keep them, set druid.generic.useDefaultValueForNull=false in every service, and load the days again."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """Load that Druid is processing, serialisable for XCom and triggers."""

    task_id: str
    version: str
    rows: int
    attempt: int
    was_over: bool
    flagged: Sequence[str] = ()

    @property
    def content(self) -> DatasourceContent:
        """Return the rows that it loads."""
        return DatasourceContent(rows=self.rows, version=self.version, flagged=tuple(self.flagged))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Progress of the loads of a day, by datasource and day.

    `done` are served, `left` are not loaded, with the reason, `open` are processed by Druid, and `waiting` have not
    started; `tags` identify the content of each, and `rounds` count the restarts. `warning` describes what Druid does
    not store of the rows.
    """

    done: Mapping[str, DruidLoad] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    open: Mapping[str, OpenTask] = field(default_factory=dict)
    waiting: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 0
    warning: str = ""

    @property
    def task_ids(self) -> list[str]:
        """Return the ids of Druid's tasks."""
        return [task.task_id for task in self.open.values()]

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Ingest:
        """Restore a progress from `to_dict`."""
        done = {key: DruidLoad(**load) for key, load in content["done"].items()}
        opened = {key: OpenTask(**task) for key, task in content["open"].items()}
        return cls(**{**content, "done": done, "open": opened})


class DruidIngest:
    """Loader of the rows, metrics and profiles of some days: `begin`, then `advance` after each end of a task.

    Args:
        run: the model's run.
        client: the cluster.
        days: the partition, and the days whose results it replaced.
        clear_number: number of times that the Airflow run was cleared.
        today: the day from which the retention counts.
        patience: time-outs of the waits.
    """

    def __init__(
        self,
        run: Run,
        client: DruidClient,
        days: Iterable[Partition],
        *,
        clear_number: int = 0,
        today: date,
        patience: Patience | None = None,
    ) -> None:
        self._run = run
        self._client = client
        self._places = places_of(run, list(dict.fromkeys(days)))
        self._clear_number = clear_number
        self._today = today
        self._patience = patience or Patience()

    def begin(self) -> Ingest:
        """Submit a task for everything that Druid does not serve yet.

        Raises:
            ConfigError: Druid lacks a feature that the spec needs.
            ServiceError: Druid does not reply, or rejects a task.
        """
        check_workspace(self._run)
        check_cluster(self._client, self._run.spec.druid)
        apply_noted_rules(self._run, self._client)
        warning = explain_lost_nulls(self._client)
        if warning:
            log.warning("%s. %s", warning, _KEEP_NULLS)
        return self._settle(Ingest(waiting=list(self._places), warning=warning))

    def advance(self, ingest: Ingest) -> Ingest:
        """Verify the loads whose tasks have ended, and start the remaining ones.

        Raises:
            ServiceError: a task failed, is still running, or read no rows, or its rows are not served.
            PartitionConflictError: other content replaces a load repeatedly.
        """
        done, again = dict(ingest.done), {}
        for key, task in ingest.open.items():
            begun = self._begun(key, task)
            if self._is_stale(ingest, key):
                continue  # load the store's current content instead
            found = finish_load(self._client, begun, self._patience)
            if isinstance(found, DruidLoad):
                done[key] = found
                note_loaded(self._run, self._places[key], task.content, tag=ingest.tags[key])
                delete_inputs(self._run, self._client, self._places[key])
            else:
                if ingest.rounds >= MOST_ROUNDS:
                    raise build_load_error(self._places[key].day, found)
                with make_input(self._run, self._places[key]) as made:
                    again[key] = self._begin_task(key, made, first=begun.attempt + 1)
        return self._settle(replace(ingest, done=done, open=again, rounds=ingest.rounds + bool(again)))

    def wait(self, ingest: Ingest) -> Ingest:
        """Wait until the open tasks have ended, then advance.

        Raises:
            MlmonError: as `advance` does.
        """
        await_tasks(self._client, ingest.task_ids, self._patience)
        return self.advance(ingest)

    def _settle(self, ingest: Ingest) -> Ingest:
        """Start waiting loads; after the last, check if the store has changed meanwhile."""
        while True:
            ingest = self._begin_waiting(ingest)
            if ingest.open:
                return ingest
            stale = [key for key in ingest.tags if self._is_stale(ingest, key)]
            if not stale:
                return ingest
            if ingest.rounds >= MOST_ROUNDS:
                raise build_load_error(self._places[stale[0]].day, NotServed.REPLACED)
            done = {key: load for key, load in ingest.done.items() if key not in stale}
            left = {key: reason for key, reason in ingest.left.items() if key not in stale}
            ingest = replace(ingest, done=done, left=left, waiting=stale, rounds=ingest.rounds + 1)

    def _is_stale(self, ingest: Ingest, key: str) -> bool:
        return tag_of(self._run, self._places[key]) != ingest.tags[key]

    def _begin_waiting(self, ingest: Ingest) -> Ingest:
        done, left, opened = dict(ingest.done), dict(ingest.left), dict(ingest.open)
        tags, waiting = dict(ingest.tags), list(ingest.waiting)
        # SQL tasks may block each other by waiting for workers: only one at a time
        most = 1 if self._run.spec.druid.ingestion is DruidIngestion.SQL else len(self._places)
        while waiting and len(opened) < most:
            key = waiting.pop(0)
            place = self._places[key]
            tags[key] = tag_of(self._run, place)
            match reason_to_leave(self._run, place, self._today) or self._begin_place(key, place):
                case OpenTask() as task:
                    opened[key] = task
                case DruidLoad() as load:
                    done[key] = load
                case str() as reason:
                    left[key] = reason
                    self._run.progress(f"{key} is not changed in Druid: {reason}")
        return replace(ingest, done=done, left=left, open=opened, waiting=waiting, tags=tags)

    def _begin_place(self, key: str, place: DatasourceDay) -> OpenTask | DruidLoad | str:
        with make_input(self._run, place) as made:
            if made.content.rows:
                self._run.progress(f"loading {made.content.rows} rows of {key} into Druid")
                return self._begin_task(key, made)
        if not count_served(self._client, place.datasource.name, place.day).rows:
            return "it has no rows, in the store and in Druid"
        self._run.progress(f"{key} has no rows any more: deleting it in Druid")
        emptied = empty_partition(self._client, place.datasource.name, place.day, patience=self._patience)
        delete_inputs(self._run, self._client, place)
        return emptied

    def _begin_task(self, key: str, made: Input, *, first: int = 1) -> OpenTask:
        load = self._load(key, made.content)
        begun = begin_load(
            self._client,
            load,
            lambda name: hand_in(self._run, self._client, self._places[key], made, name),
            first=first,
        )
        return OpenTask(
            task_id=begun.task_id,
            version=load.version,
            rows=load.rows,
            attempt=begun.attempt,
            was_over=begun.was_over,
            flagged=made.content.flagged,
        )

    def _begun(self, key: str, task: OpenTask) -> Begun:
        return Begun(load=self._load(key, task.content), attempt=task.attempt, was_over=task.was_over)

    def _load(self, key: str, content: DatasourceContent) -> Load:
        return load_of(self._run, self._places[key], content, clear_number=self._clear_number)


def load_of(run: Run, place: DatasourceDay, content: DatasourceContent, *, clear_number: int = 0) -> Load:
    """Return the load of a place's content."""
    return Load(
        datasource=add_flag_dimensions(place.datasource, content.flagged),
        partition=place.day,
        version=content.version,
        rows=content.rows,
        clear_number=clear_number,
        ingestion=run.spec.druid.ingestion,
    )


def hand_in(run: Run, client: DruidClient, place: DatasourceDay, made: Input, task_id: str) -> None:
    """Write the input of a task, and submit the task in the form that the spec configures."""
    urls, version = write_input(run, place, made, task_id), made.content.version
    datasource = add_flag_dimensions(place.datasource, made.content.flagged)
    workers = min(run.spec.druid.workers, len(urls))
    if run.spec.druid.ingestion is DruidIngestion.SQL:
        statement = replace_statement(datasource, place.day, input_urls=urls, version=version)
        client.submit_sql(task_id, statement, workers=workers)
    else:
        client.submit(
            build_ingestion_task(task_id, datasource, place.day, input_urls=urls, version=version, workers=workers)
        )

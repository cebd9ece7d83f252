"""Operator that ingests a partition into Druid, and its link to Druid's console."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink, Context, conf
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.types import TaskInstanceKey

from airflow_mlmon.lineage import Data
from airflow_mlmon.operators.base import PartitionOperator, to_json
from airflow_mlmon.partition import Partition

if TYPE_CHECKING:
    from airflow_mlmon.druid.client import DruidClient
    from airflow_mlmon.pipeline.druid.load import DruidIngest, Ingest
    from airflow_mlmon.pipeline.run import Run

_LONGEST_WAIT = timedelta(hours=1)


class DruidConsoleLink(BaseOperatorLink):
    """Link from an Airflow task to its task in Druid's console."""

    name = "Druid console"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the URL of the Druid task; Airflow asks when the task defers or ends, and keeps it."""
        return str(getattr(operator, "console_url", ""))


class DruidIngestOperator(PartitionOperator):
    """Ingest the curated partition, its metrics and its profile into Druid, and wait until they can be queried.

    Skipped if the connection of the spec does not exist.

    Args:
        evaluated: summary of the evaluated partition, with the days whose results were replaced.
        deferrable: wait in the triggerer, not in a worker; by default Airflow's `default_deferrable`.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.CURATED, Data.RESULTS)
    writes: ClassVar[tuple[Data, ...]] = (Data.DRUID,)
    decides_day: ClassVar[bool] = False
    operator_extra_links = (DruidConsoleLink(),)
    template_fields: Sequence[str] = ("partition", "spec_path", "evaluated")

    def __init__(
        self,
        *,
        evaluated: Any,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.evaluated = evaluated
        self.deferrable = deferrable
        self.console_url = ""
        self._stop: Callable[[], None] | None = None

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Return task id, rows and segments by datasource and day, and a warning if Druid does not keep nulls."""
        client = self._client(run)
        ingest = self._ingest(run, client, partition, context)
        return self._finish(run, partition, client, ingest, ingest.begin)

    def resume(self, context: Context, event: Any) -> Any:
        """Resume when the trigger has fired; its event holds the state of the ingestion, and Druid its progress."""
        return self.perform(context, partial(self._resume_step, state=event["state"]))

    def on_kill(self) -> None:
        """Cancel the running Druid tasks."""
        if self._stop is not None:
            self._stop()

    def _resume_step(self, run: Run, partition: Partition, context: Context, state: dict[str, Any]) -> dict[str, Any]:
        from airflow_mlmon.pipeline.druid.load import Ingest  # noqa: PLC0415 - heavy

        client = self._client(run)
        ingest, reached = self._ingest(run, client, partition, context), Ingest.from_dict(state)
        self._note(client, reached)
        return self._finish(run, partition, client, ingest, partial(ingest.advance, reached), is_resumed=True)

    def _client(self, run: Run) -> DruidClient:
        from airflow_mlmon.hooks.connection import find_connection  # noqa: PLC0415 - heavy
        from airflow_mlmon.hooks.run import connect_druid  # noqa: PLC0415 - heavy

        conn_id = run.spec.druid.connection
        if find_connection(conn_id) is None:
            raise AirflowSkipException(f"Not ingested into Druid: connection {conn_id!r} does not exist.")
        return connect_druid(run.spec.druid)

    def _ingest(self, run: Run, client: DruidClient, partition: Partition, context: Context) -> DruidIngest:
        from airflow_mlmon.pipeline.druid.load import DruidIngest  # noqa: PLC0415 - heavy

        days = [run.partition(day) for day in self.evaluated["days"]]
        clear_number = getattr(context["dag_run"], "clear_number", 0) or 0
        today = datetime.now(UTC).date()
        return DruidIngest(run, client, [partition, *days], clear_number=clear_number, today=today)

    def _finish(
        self,
        run: Run,
        partition: Partition,
        client: DruidClient,
        ingest: DruidIngest,
        go_on: Callable[[], Ingest],
        *,
        is_resumed: bool = False,
    ) -> dict[str, Any]:
        from airflow_mlmon.pipeline.telemetry import note, observing  # noqa: PLC0415 - heavy

        # what is deferred ends its span before, as it goes on in another process
        with observing(run, partition, "load_druid", is_resumed=is_resumed):
            state = go_on()
            while state.open and not self.deferrable:
                self._note(client, state)
                state = ingest.wait(state)
            note(rows=sum(load.rows for load in state.done.values()))
        if state.open:
            self._note(client, state)
            self._defer(run.spec.druid.connection, state)
        if not state.done:
            raise AirflowSkipException("Not ingested into Druid: there are no rows to load or to replace.")
        loads = {key: to_json(load) for key, load in state.done.items()}
        return loads | ({"warning": state.warning} if state.warning else {})

    def _note(self, client: DruidClient, state: Ingest) -> None:
        """Remember where Druid's tasks are shown, and how they are cancelled."""
        self.console_url = f"{client.base_url}/unified-console.html#tasks/task_id~{quote(state.task_ids[0])}"
        self._stop = lambda: client.shutdown_all(state.task_ids)

    def _defer(self, conn_id: str, state: Ingest) -> None:
        from airflow_mlmon.triggers.druid import DruidTasksTrigger  # noqa: PLC0415 - heavy

        deadline = time.time() + _LONGEST_WAIT.total_seconds()
        trigger = DruidTasksTrigger(conn_id=conn_id, task_ids=state.task_ids, deadline=deadline, state=state.to_dict())
        self.defer(trigger=trigger, method_name="resume")

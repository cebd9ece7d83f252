"""Base of all operators: partition, run, and the one place where errors become Airflow's."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.dag_run import find_log_url, find_timely_partition, is_silent
from airflow_mlmon.lineage import Data
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.tracing import say_export_failures_once

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_mlmon.pipeline.run import Run


class PartitionOperator(BaseOperator):
    """Step of one model's partition.

    Args:
        spec_path: spec file of the model.
        partition: day to process, YYYY-MM-DD; by default that of the DAG run.
    """

    template_fields: Sequence[str] = ("partition", "spec_path")
    ui_color = "#e8f0ee"
    # data of the day that the step reads and writes, for OpenLineage
    reads: ClassVar[tuple[Data, ...]] = ()
    writes: ClassVar[tuple[Data, ...]] = ()
    # whether a failure of this step fails the partition; not after it has been evaluated and published
    decides_day: ClassVar[bool] = True

    def __init__(self, *, spec_path: str, partition: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec_path = spec_path
        self.partition = partition
        self._day: Partition | None = None
        self._result: Any = None

    @abstractmethod
    def run_step(self, run: Run, partition: Partition, context: Context) -> Any:
        """Run the step and return its result for XCom."""

    def execute(self, context: Context) -> Any:
        """Run the step."""
        return self.perform(context, self.run_step)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:  # noqa: ARG002 - the provider's signature
        """Describe to OpenLineage what the step has read and written; its provider asks if it is installed."""
        if self._day is None:
            return None
        from airflow_mlmon.operators.openlineage import describe_lineage  # noqa: PLC0415 - heavy, and optional

        with self._opened(is_silent=True) as run:
            writes = () if self._result is None else self.writes
            return describe_lineage(run, self._day, self.content_of(run, self._day), reads=self.reads, writes=writes)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Describe to OpenLineage what the step has read, and what it has written before it failed."""
        return self.get_openlineage_facets_on_complete(task_instance)

    def content_of(self, run: Run, partition: Partition) -> str | None:
        """Return the version of the curated rows that the step was about; None if there is none."""
        state = run.store.state(partition)
        return state.version if state else None

    def perform(self, context: Context, step: Callable[[Run, Partition, Context], Any]) -> Any:
        """Run a step, or the rest of it; our errors become Airflow's here and nowhere else."""
        with airflow_errors(), self._opened(is_silent=is_silent(context), log_url=find_log_url(context)) as run:
            self._day = find_timely_partition(run.spec, context, self.partition, now=datetime.now(UTC))
            from airflow_mlmon.pipeline.telemetry import marking  # noqa: PLC0415 - heavy

            say_export_failures_once()
            # the span under way is that of Airflow's task
            with marking(self._day):
                self._result = self._run_recorded(step, run, self._day, context)
            return self._result

    @contextmanager
    def _opened(self, *, is_silent: bool, log_url: str = "") -> Iterator[Run]:
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy
        from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415 - heavy

        with open_run(
            load_spec(self.spec_path),
            read_airflow_settings(),
            self._log_progress,
            is_silent=is_silent,
            log_url=log_url,
        ) as run:
            yield run

    def _log_progress(self, message: str) -> None:
        self.log.info("%s", message)

    def _run_recorded(
        self, step: Callable[[Run, Partition, Context], Any], run: Run, partition: Partition, context: Context
    ) -> Any:
        """Run the step; on a final failure record the partition as FAILED, with an alert."""
        try:
            return step(run, partition, context)
        except AirflowException:
            raise  # e.g. skipped, or already evaluated and published
        except Exception as error:
            if self.decides_day:
                self.record_final(run, partition, context, error)
            raise

    def record_final(self, run: Run, partition: Partition, context: Context, error: Exception) -> bool:
        """Record the partition as FAILED and return True, unless the task will be tried again."""
        from airflow_mlmon.pipeline.steps.failure import record_failure  # noqa: PLC0415 - heavy

        is_final = _is_last_try(context) or (isinstance(error, MlmonError) and not error.retryable)
        if is_final:
            unforeseen = f"{self.task_id}: {type(error).__name__}; see the log of the task"
            record_failure(run, partition, str(error) if isinstance(error, MlmonError) else unforeseen)
        return is_final


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Let an error of ours that no retry can mend fail the task at once."""
    try:
        yield
    except MlmonError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error


def to_json(summary: Any) -> dict[str, Any]:
    """Convert a summary to plain JSON for XCom."""
    content: dict[str, Any] = json.loads(json.dumps(asdict(summary), default=str))
    return content


def _is_last_try(context: Context) -> bool:
    task_instance: Any = context["ti"]
    return bool(task_instance.try_number > task_instance.max_tries)

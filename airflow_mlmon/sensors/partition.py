"""Sensor of a day's complete predictions, with a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.dag_run import find_partition
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec


class PartitionSensor(BaseSensorOperator):
    """Wait for the day's marker file, at most `wait_hours` after the day's end.

    Without a marker in the spec it waits those hours. After the deadline the day is processed as it is, and an absent
    one gets status NO_DATA, so a backfill never waits.

    Args:
        spec_path: spec file of the model.
        partition: day to wait for, YYYY-MM-DD; by default that of the DAG run.
    """

    template_fields: Sequence[str] = ("partition",)

    def __init__(self, *, spec_path: str, partition: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec_path = spec_path
        self.partition = partition

    def poke(self, context: Context) -> bool:
        """Return whether the day can be processed."""
        try:
            spec = load_spec(self.spec_path)
            partition = find_partition(spec.model, context, self.partition, spec.day_zone)
            deadline = partition.end + timedelta(hours=spec.predictions.deadline_hours)
            if datetime.now(UTC) >= deadline:
                return True
            return spec.predictions.ready is not None and self._is_ready(spec, partition)
        except MlmonError as error:
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error

    def _is_ready(self, spec: ModelSpec, partition: Partition) -> bool:
        from airflow_mlmon.archive.readiness import explain_unready  # noqa: PLC0415 - heavy
        from airflow_mlmon.hooks.storage import open_storage  # noqa: PLC0415

        predictions = spec.predictions
        store = open_storage().at(predictions.paths[0], predictions.connection)
        return not explain_unready(store, predictions, partition, datetime.now(UTC))

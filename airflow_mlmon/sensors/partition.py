"""Sensor of a day's complete predictions, with a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator, Context, conf
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.dag_run import find_timely_partition
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.triggers.partition import PartitionTrigger, is_complete


class PartitionSensor(BaseSensorOperator):
    """Wait until the day is complete (`ready`), at most `wait_hours` after the day's end.

    Without `ready` in the spec it waits those hours. After the deadline the day is processed as it is, and an absent
    one gets status NO_DATA, so a backfill never waits.

    Args:
        spec_path: spec file of the model.
        partition: day to wait for, YYYY-MM-DD; by default that of the DAG run.
        deferrable: wait in the triggerer, not in a worker; by default Airflow's `default_deferrable`.
    """

    template_fields: Sequence[str] = ("partition", "spec_path")

    def __init__(
        self,
        *,
        spec_path: str,
        partition: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec_path = spec_path
        self.partition = partition
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Wait in the worker or, if deferrable, in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        if not self.poke(context):
            spec = load_spec(self.spec_path)
            trigger = PartitionTrigger.of_day(spec, self._find_partition(spec, context), float(self.poke_interval))
            self.defer(trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.timeout))
        return None

    def resume(self, context: Context, event: Any) -> None:  # noqa: ARG002 - Airflow's signature
        """Look again when the trigger has fired: the day may have been reopened, and errors are reported here."""
        self.execute(context)

    def poke(self, context: Context) -> bool:
        """Return whether the day can be processed."""
        try:
            spec = load_spec(self.spec_path)
            return is_complete(spec, self._find_partition(spec, context), datetime.now(UTC))
        except MlmonError as error:
            if error.retryable:
                raise
            raise AirflowFailException(str(error)) from error

    def _find_partition(self, spec: ModelSpec, context: Context) -> Partition:
        return find_timely_partition(spec, context, self.partition, now=datetime.now(UTC))

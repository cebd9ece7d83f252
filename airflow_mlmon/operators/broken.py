"""Operator in the DAG of a spec that cannot be loaded."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException


class RefuseSpecOperator(BaseOperator):
    """Fail with the mistakes of a spec that cannot be loaded, and record them for the page of all models.

    Args:
        model: name of the model.
        spec_path: the file.
        error: the mistakes, one a line.
    """

    ui_color = "#f6d9d5"

    def __init__(self, *, model: str, spec_path: str, error: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.spec_path = spec_path
        self.error = error

    def execute(self, context: Context) -> Any:  # noqa: ARG002 - Airflow's signature
        """Record the mistakes, and fail without another try."""
        try:
            self._record()
        except Exception:
            # the spec is what has to be mended
            self.log.exception("The mistakes of %s were not recorded", self.spec_path)
        raise AirflowFailException(self.error)

    def _record(self) -> None:
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy
        from airflow_mlmon.store.metric_store import MetricStore  # noqa: PLC0415 - heavy

        with MetricStore(read_airflow_settings().store) as store:
            store.register_error(self.model, self.spec_path, self.error)

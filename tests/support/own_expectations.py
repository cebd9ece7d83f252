"""Expectations that a user has registered: of values, of a column, and of the whole table."""

from __future__ import annotations

from typing import Any

import great_expectations as gx
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    column_condition_partial,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

ROWS = 60


class ValuesEven(ColumnMapMetricProvider):
    condition_metric_name = "column_values.even"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, **_: Any) -> Any:  # noqa: N805 - the decorator hands the class over
        return column % 2 == 0


class ExpectColumnValuesToBeEven(ColumnMapExpectation):
    map_metric = "column_values.even"


class RowsOfAll(TableMetricProvider):
    metric_name = "table.filled_cells"

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, **_: Any) -> int:  # noqa: N805
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        return int(frame.notna().sum().sum())


class ExpectTableToBeFilled(BatchExpectation):
    metric_dependencies = ("table.filled_cells",)
    domain_keys = ("batch_id",)
    success_keys = ()

    def _validate(self, metrics: Any, **_: Any) -> Any:
        found = metrics["table.filled_cells"]
        return {"success": found == 5 * ROWS, "result": {"observed_value": found}}


class ExpectColumnMaxToBeOdd(gx.expectations.ExpectColumnMaxToBeBetween):
    def _validate(self, metrics: Any, **_: Any) -> Any:
        found = metrics["column.max"]
        return {"success": found % 2 == 1, "result": {"observed_value": found}}

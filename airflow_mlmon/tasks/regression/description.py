"""Description of a regression."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.disparities import MAE_DIFFERENCE, MEAN_ERROR_DIFFERENCE
from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.tasks.contrast import Contrasted
from airflow_mlmon.tasks.rate_kind import RateKind
from airflow_mlmon.tasks.regression.table import (
    INTERVAL_COVERAGE,
    INTERVAL_WIDTH,
    LABEL_MEAN,
    MEAN_ERROR,
    METRICS,
    PINBALL_LOSS,
    PREDICTION_MEAN,
)
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.statistics.arrays import Floats
    from airflow_mlmon.tasks.contrast import Contrast, Difference
    from airflow_mlmon.tasks.outcome import OutcomeSchema
    from airflow_mlmon.tasks.outcome_table import OutcomeTable
    from airflow_mlmon.tasks.rates import GroupRate
    from airflow_mlmon.tasks.sums import OutcomeSums

_NUMBERS = (ColumnType.FLOAT, ColumnType.DECIMAL, ColumnType.INTEGER)
_ROLES = (Role.PREDICTION, Role.LOWER, Role.UPPER, Role.QUANTILE)
# what each metric of labels needs beside the prediction; of two bounds one is enough to say that the other is missing
_NEEDS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        INTERVAL_COVERAGE: frozenset({Role.LOWER, Role.UPPER}),
        INTERVAL_WIDTH: frozenset({Role.LOWER, Role.UPPER}),
        PINBALL_LOSS: frozenset({Role.QUANTILE}),
    }
)


class Regression(Task):
    """A model that predicts a number, perhaps with an interval around it or quantiles.

    Attributes:
        roles: Roles that its columns have.
        levels: Levels of its quantiles, in the order of the spec.
    """

    name: ClassVar[str] = "regression"
    loss: ClassVar[str] = "absolute error"
    loss_estimate: ClassVar[str] = "estimated_mae"
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]] = MappingProxyType(dict.fromkeys(_ROLES, _NUMBERS))
    needs: ClassVar[tuple[tuple[Role, ...], ...]] = ((Role.PREDICTION,),)
    keys: ClassVar[frozenset[str]] = frozenset({"fairness"})
    looks: ClassVar[Mapping[Role | None, str]] = MappingProxyType(
        {
            Role.PREDICTION: "a number",
            Role.LOWER: "never above the prediction",
            Role.UPPER: "never below the prediction",
            Role.QUANTILE: "a number",
            None: "a number of many values",
        }
    )
    ranges: ClassVar[Mapping[Role, tuple[float, float]]] = MappingProxyType({})
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    headline: ClassVar[tuple[str, ...]] = (PREDICTION_MEAN, MEAN_ERROR, "mae", "r2")
    evaluated: ClassVar[tuple[str, ...]] = (
        PREDICTION_MEAN,
        LABEL_MEAN,
        MEAN_ERROR,
        "mae",
        "r2",
        "estimated_mae",
    )
    version_headline: ClassVar[tuple[str, ...]] = (MEAN_ERROR, "mae", "rmse", "r2")
    contrasts: ClassVar[Mapping[str, Contrasted]] = MappingProxyType(
        {
            "mae": Contrasted(),
            MEAN_ERROR: Contrasted(),
            "mse": Contrasted(),
            INTERVAL_COVERAGE: Contrasted(needs=Role.LOWER, is_share=True),
            LABEL_MEAN: Contrasted(),
        }
    )
    disparities: ClassVar[Mapping[str, tuple[RateKind, ...]]] = MappingProxyType(
        {
            MEAN_ERROR_DIFFERENCE: (RateKind.MEAN_ERROR,),
            MAE_DIFFERENCE: (RateKind.MAE,),
        }
    )
    counting: ClassVar[None] = None

    def __init__(self, roles: Collection[Role] = _ROLES, levels: tuple[float, ...] = ()) -> None:
        """Describe regressions with columns of these roles, and quantiles of these levels."""
        self.roles = frozenset(roles)
        self.levels = levels

    def bind(self, spec: ModelSpec) -> Regression:
        """Return the task with the roles and the levels of the quantiles of a spec."""
        levels = [spec.columns[name].quantile for name in spec.columns_of(Role.QUANTILE)]
        roles = {column.role for column in spec.columns.values()}
        return Regression(roles, tuple(level for level in levels if level is not None))

    @property
    def label_type(self) -> ColumnType:
        """Return the type of the label."""
        return ColumnType.FLOAT

    @property
    def label_metrics(self) -> tuple[str, ...]:
        """Return the metrics that need labels in display order, without those of outputs that the model lacks."""
        return tuple(name for name in super().label_metrics if self.roles & _NEEDS.get(name, self.roles))

    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:  # noqa: ARG002 - all are numbers
        """Say whether they are numbers that are neither flags nor classes."""
        from airflow_mlmon.tasks.regression.look import is_amount  # noqa: PLC0415 - heavy

        return is_amount(values)

    def follows_from(self, role: Role, main: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:
        """Say whether a bound lies on its side of the prediction in every row."""
        from airflow_mlmon.tasks.regression.look import is_beside  # noqa: PLC0415 - heavy

        return role in (Role.LOWER, Role.UPPER) and is_beside(values, main, is_above=role is Role.UPPER)

    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:
        """Pin the derived columns and the deciles of the prediction."""
        from airflow_mlmon.tasks.regression.outcome import pin_residuals  # noqa: PLC0415 - heavy

        return pin_residuals(outputs, joined, self.levels)

    def arrange(self, joined: pa.Table, schema: OutcomeSchema) -> pa.Table:  # noqa: ARG002 - of any schema
        """Return the columns that are read, as doubles."""
        from airflow_mlmon.tasks.regression.residuals import arrange_rows  # noqa: PLC0415 - heavy

        return arrange_rows(joined, self.levels)

    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> OutcomeSums:
        """Profile what predictions joined with their labels say."""
        from airflow_mlmon.tasks.regression.outcome import profile_residuals  # noqa: PLC0415 - heavy

        return profile_residuals(joined, schema, self.levels)

    def summarise_outputs(self, part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
        """Measure the mean prediction."""
        from airflow_mlmon.tasks.regression.outputs import summarise_predictions  # noqa: PLC0415 - heavy

        return summarise_predictions(part, spec)

    def compare_outputs(self, before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
        """Compare the mean predictions of two versions."""
        from airflow_mlmon.tasks.regression.outputs import compare_predictions  # noqa: PLC0415 - heavy

        return compare_predictions(before, after, spec)

    def measure(self, outcomes: Any, min_coverage: float) -> list[MetricValue]:
        """Measure every metric that needs labels."""
        from airflow_mlmon.tasks.regression.metrics import measure_residuals  # noqa: PLC0415 - heavy

        return measure_residuals(outcomes, min_coverage, self.label_metrics)

    def losses(self, joined: pa.Table) -> Floats:
        """Return the absolute error of each prediction with a label."""
        from airflow_mlmon.tasks.regression.residuals import absolute_errors  # noqa: PLC0415 - heavy

        return absolute_errors(joined)

    def scales(self, outcomes: Any) -> Mapping[str, float]:
        """Return the standard deviations of residual and label."""
        from airflow_mlmon.tasks.regression.metrics import scales_of  # noqa: PLC0415 - heavy

        return scales_of(outcomes)

    def label_rates(self, outcomes: Any) -> list[GroupRate]:
        """Return the rates of a group of rows that need labels."""
        from airflow_mlmon.tasks.regression.rates import mean_errors  # noqa: PLC0415 - heavy

        return mean_errors(outcomes)

    def constant_scores(self, outcomes: Any, reference: Any) -> Mapping[str, float]:
        """Score the mean and the median of the reference's labels."""
        from airflow_mlmon.tasks.regression.constant import score_central_labels  # noqa: PLC0415 - heavy

        return score_central_labels(outcomes, reference)

    def tables(self, outcomes: Any, reference: Any) -> tuple[OutcomeTable, ...]:
        """Show the residual by decile of the prediction."""
        from airflow_mlmon.tasks.regression.deciles import table_residuals  # noqa: PLC0415 - heavy

        return table_residuals(outcomes, reference)

    def compare(self, before: Any, after: Any, min_coverage: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""
        from airflow_mlmon.tasks.regression.contrast import compare_residuals  # noqa: PLC0415 - heavy

        return compare_residuals(before, after, min_coverage, self.label_metrics)

    def contrast(self, metric: str, rows: Any, others: Any, *, min_coverage: float, minimum_rows: int) -> Contrast:
        """Compare a metric between some rows and others, with its p-value."""
        from airflow_mlmon.tasks.regression.contrast import contrast_residuals  # noqa: PLC0415 - heavy

        return contrast_residuals(metric, rows, others, min_coverage=min_coverage, minimum_rows=minimum_rows)

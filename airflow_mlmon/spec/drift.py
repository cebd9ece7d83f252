"""Spec section `drift`: the methods that measure drift."""

from __future__ import annotations

from pydantic import Field

from airflow_mlmon.spec.methods import Method
from airflow_mlmon.spec.section import Section


class ColumnMethod(Section):
    """Drift method of one column."""

    method: Method = Field(description="Distance or test, named as in Evidently.")


class Drift(Section):
    """Drift methods."""

    method: Method = Field(default=Method.PSI, description="Distance or test of the columns, named as in Evidently.")
    columns: dict[str, ColumnMethod] = Field(
        default_factory=dict, description="Methods of single columns, by the column's name."
    )
    quantile: float | None = Field(
        default=None,
        gt=0.5,
        lt=1,
        exclude=True,
        description="No longer has an effect: `alerts.evaluation` decides whether a column has drifted.",
    )

    multivariate: bool = Field(
        default=False,
        description="Train a classifier on samples to compare all features jointly with the reference.",
    )

    outliers: float | None = Field(
        default=None,
        gt=0,
        le=0.2,
        description="Share of the reference's rows that count as outlying, such as 0.01. With it, an isolation forest "
        "of the reference's sample measures the outlier_rate of each day's.",
    )

    @property
    def methods(self) -> dict[str, str]:
        """Methods of the columns that have one of their own."""
        return {name: column.method for name, column in self.columns.items()}

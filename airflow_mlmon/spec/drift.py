"""How drift is measured, as the spec says it."""

from __future__ import annotations

from pydantic import Field

from airflow_mlmon.spec.methods import Method
from airflow_mlmon.spec.section import Section


class ColumnMethod(Section):
    """How the drift of one column is measured."""

    method: Method = Field(description="Distance or test, by evidently's name.")


class Drift(Section):
    """How drift is measured."""

    method: Method = Field(default=Method.PSI, description="Distance or test per column, by evidently's name.")
    columns: dict[str, ColumnMethod] = Field(
        default_factory=dict, description="Columns that are measured by another method, by name."
    )
    quantile: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="A column has drifted above this quantile of the reference nights' own scores.",
    )

    multivariate: bool = Field(
        default=False,
        description="Whether a classifier compares all features together too, on samples, with the reference.",
    )

    @property
    def methods(self) -> dict[str, str]:
        """The methods of the columns that have one of their own."""
        return {name: column.method for name, column in self.columns.items()}

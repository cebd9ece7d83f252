"""Spec section `fairness`: for whom the model works, by protected columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.section import Section, UnknownNameError


class Fairness(Section):
    """Protected columns, whose values are compared as groups and are segments too."""

    columns: tuple[str, ...] = Field(
        min_length=1, description="Protected columns: category, string, boolean or integer; one may be personal: hash."
    )
    reference_group: Mapping[str, str] = Field(
        default_factory=dict,
        description="Value that the others of a column are compared with; by default all with all, as fairlearn does.",
    )
    names: Mapping[str, str] = Field(
        default_factory=dict, description="Names of values on pages and in alerts, such as those of hashed ones."
    )
    minimum: int = Field(
        default=30, ge=2, description="Fewest rows of a group and rate; with fewer it is 'not enough data'."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: the same column is listed twice")
        for column in self.reference_group:
            if column not in self.columns:
                raise UnknownNameError(f"reference_group.{column}", column, self.columns)
        return self

    def name_of(self, value: str) -> str:
        """Return the name of a value."""
        return self.names.get(value, value)

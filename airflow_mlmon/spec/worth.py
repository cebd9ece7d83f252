"""Spec section of what right and wrong predictions are worth."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from airflow_mlmon.spec.section import Section


class Worth(Section):
    """Worth of a row by its label and its predicted class, in any unit; a cost is negative."""

    true_positive: float = Field(
        default=0, allow_inf_nan=False, description="Worth of a positive label predicted positive."
    )
    false_positive: float = Field(
        default=0, allow_inf_nan=False, description="Worth of a negative label predicted positive."
    )
    false_negative: float = Field(
        default=0, allow_inf_nan=False, description="Worth of a positive label predicted negative."
    )
    true_negative: float = Field(
        default=0, allow_inf_nan=False, description="Worth of a negative label predicted negative."
    )

    @property
    def cells(self) -> Mapping[str, float]:
        """Worth of a row of each cell of the confusion matrix."""
        return self.model_dump()

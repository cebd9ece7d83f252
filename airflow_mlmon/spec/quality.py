"""Spec section `quality`: checks of the curated partition."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.section import Section


class Check(Section):
    """Great Expectations check of the curated partition."""

    expectation: str = Field(
        pattern=r"^expect_[a-z0-9_]+$",
        description="Name of the expectation, such as expect_column_values_to_be_between.",
    )
    column: str | None = Field(default=None, description="Column it checks; none for the whole table.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Its other arguments, named as in Great Expectations."
    )
    severity: Severity = Field(
        default=Severity.WARNING,
        description="blocking (the partition fails, also if it cannot be computed), warning or recorded.",
    )

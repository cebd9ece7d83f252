"""Spec section `history`: the trailing window that a partition is compared with."""

from __future__ import annotations

from pydantic import Field

from airflow_mlmon.spec.section import Section


class History(Section):
    """Trailing window that a partition is compared with."""

    days: int = Field(default=28, ge=3, le=400, description="Length of the trailing window in days.")
    minimum: int = Field(default=14, ge=3, description="Fewest days; with fewer the verdict is 'not enough data'.")

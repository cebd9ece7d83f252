"""How prediction ids that come again on another day are recognised, as the spec says it."""

from __future__ import annotations

from pydantic import Field

from airflow_mlmon.spec.section import Section


class Duplicates(Section):
    """Whether a prediction id that was taken on a day before is one row too many."""

    days: int = Field(
        ge=1,
        le=400,
        description="A row whose id was taken on one of so many days before is quarantined; "
        "without `duplicates` only one of the same day is.",
    )
    redis: str | None = Field(
        default=None,
        description="Airflow connection of a Redis that spares the workspace the reading of past ids (`[redis]`).",
    )

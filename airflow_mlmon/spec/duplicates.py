"""Spec section `duplicates`: prediction ids repeated on another day."""

from __future__ import annotations

from pydantic import Field

from airflow_mlmon.spec.section import Section


class Duplicates(Section):
    """Detection of prediction ids already accepted on an earlier day."""

    days: int = Field(
        ge=1,
        le=400,
        description="Quarantine rows whose id was accepted on one of this many days before; "
        "without `duplicates` only repeats within a day are.",
    )
    redis: str | None = Field(
        default=None,
        description="Airflow connection of a Redis that caches past ids, so that they are not read from the workspace "
        "(extra `[redis]`).",
    )

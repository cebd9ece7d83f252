"""Spec section `retention`: how long what is stored of a day is kept."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from airflow_mlmon.spec.section import Section


class Stored(StrEnum):
    """Kind of what is stored of a day and may be pruned; the values are keys of the section."""

    ROWS = "rows"
    QUARANTINE = "quarantine"
    PAGES = "pages"
    EVIDENTLY = "evidently"
    DRUID_INPUTS = "druid_inputs"
    METRICS = "metrics"
    BASES = "bases"
    SUPERSEDED = "superseded"


def _age(description: str) -> int | None:
    found: int | None = Field(default=None, ge=1, description=description)
    return found


class Retention(Section):
    """Ages in days from which `mlmon prune` deletes what is stored of a day; without an age it is kept."""

    rows: int | None = _age(
        "Curated rows, with their samples and the hashes of their ids, and the labels delivered for them."
    )
    quarantine: int | None = _age("Rows that were refused.")
    pages: int | None = _age("Pages of days; a notice takes their place.")
    evidently: int | None = _age("Evidently's page beside the page of a day.")
    druid_inputs: int | None = _age("Files that were written for Druid to read, and that no load has deleted.")
    metrics: int | None = _age("Metrics in the store, but for the numbers of rows; verdicts and alerts stay.")
    bases: int | None = _age(
        "Record in the store of which versions of other days the verdicts of a day rest on; without it, verdicts are "
        "not found stale when such a day is run again."
    )
    superseded: int | None = _age(
        "Versions of days, deliveries and references that a later one has replaced; counted from their writing."
    )

    def age(self, stored: Stored) -> int | None:
        """Return the age from which a kind is pruned; None if it is kept."""
        age: int | None = getattr(self, stored)
        return age

"""Content of a day's page on its captured rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSummary:
    """Captured rows of a day.

    Attributes:
        rows: Rows of captured files.
        lacking: Rows that the service logged and the archive lacks.
        unknown: Rows that may be lost beside them, at most.
        processes: Processes of the service.
        losses: Rows that the archive lacks, by reason.
        note: What is not known.
        protected: Columns by what was done to them before they left the service.
        keys: Ids of the keys with which columns were hashed.
    """

    rows: int
    lacking: int
    unknown: int
    processes: int
    losses: Mapping[str, int]
    note: str = ""
    protected: Mapping[str, tuple[str, ...]]
    keys: tuple[str, ...] = ()

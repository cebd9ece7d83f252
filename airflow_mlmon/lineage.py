"""Records of the data that a step reads and writes, as lineage tools show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Data(StrEnum):
    """Kind of data that a step of a day reads or writes."""

    ARCHIVE = "archive"
    REFERENCE = "reference"
    LABELS = "labels"
    CURATED = "curated"
    PROFILE = "profile"
    RESULTS = "results"
    DRUID = "druid"
    PAGES = "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """Facts of the values of a column; extremes of a personal column, and of one that has none, are None."""

    type: str
    nulls: int | None = None
    distinct: int | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """Facts of a set of data.

    Attributes:
        namespace: Where it is, as OpenLineage names it: `s3://bucket`, `file`, `postgres://host:port`.
        name: Its name there.
        version: Version of its content; None if it has none.
        rows: Rows; None if unknown.
        size: Bytes; None if unknown.
        files: Files; None if it is not in files, or unknown.
    """

    namespace: str
    name: str
    version: str | None = None
    rows: int | None = None
    size: int | None = None
    files: int | None = None
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionFacts:
    """Result of one check or of one verdict; `passed` is None where there was not enough data."""

    name: str
    kind: str
    column: str | None
    passed: bool | None
    is_blocking: bool
    expected: str = ""
    actual: str = ""

"""Vocabulary of a spec, importable without pydantic."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

MAX_DIMENSION = 65_536
# values of a side below which no test says anything
MINIMUM_ROWS = 30

# severity of a breach and its alert; the severity of a failed check is `Severity`
AlertSeverity = Literal["critical", "warning"]
CRITICAL: Final = "critical"
WARNING: Final = "warning"


class Correction(StrEnum):
    """Error rate that the correction for multiple tests controls."""

    FAMILY_WISE = "family_wise"
    FALSE_DISCOVERY = "false_discovery"


class ColumnType(StrEnum):
    """Type of a column, which decides how its values are read and profiled."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"
    CATEGORY = "category"
    TIMESTAMP = "timestamp"
    DECIMAL = "decimal"
    VECTOR = "vector"


class Role(StrEnum):
    """Role of a column."""

    FEATURE = "feature"
    ID = "id"
    TIME = "time"
    VERSION = "version"
    SCORE = "score"
    PREDICTION = "prediction"
    PROBABILITY = "probability"
    LOWER = "lower"
    UPPER = "upper"
    QUANTILE = "quantile"
    RANK = "rank"
    GROUP = "group"
    ITEM = "item"
    ATTRIBUTION = "attribution"
    OPERATIONAL = "operational"
    TEXT = "text"
    TRACE = "trace"
    IGNORED = "ignored"


# what a model puts out, in the order of pages
OUTPUT_ROLES = (
    Role.SCORE,
    Role.PREDICTION,
    Role.PROBABILITY,
    Role.LOWER,
    Role.UPPER,
    Role.QUANTILE,
    Role.RANK,
)
# roles that several columns may have
SHARED_ROLES = frozenset(
    {
        Role.FEATURE,
        Role.TEXT,
        Role.IGNORED,
        Role.PROBABILITY,
        Role.QUANTILE,
        Role.ATTRIBUTION,
        Role.OPERATIONAL,
    }
)
# roles whose columns only some kinds of model know
TASK_ROLES = frozenset({*OUTPUT_ROLES, Role.GROUP, Role.ITEM})


class PersonalData(StrEnum):
    """Treatment of a personal column before anything is written."""

    DROP = "drop"
    HASH = "hash"


class Severity(StrEnum):
    """Consequence of a failed check."""

    BLOCKING = "blocking"
    WARNING = "warning"
    RECORDED = "recorded"


class FileFormat(StrEnum):
    """Format of the files of an archive."""

    PARQUET = "parquet"
    JSON_LINES = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    AVRO = "avro"
    ORC = "orc"
    DELTA = "delta"


class EvidentlyForm(StrEnum):
    """Form in which Evidently's report of a day is written, beside the day's own page."""

    AUTO = "auto"
    PAGE = "page"
    JSON = "json"
    NONE = "none"

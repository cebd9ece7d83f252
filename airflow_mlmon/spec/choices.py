"""The words that a spec chooses from; importing them loads no pydantic."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

MAX_DIMENSION = 65_536

# how bad a breach is, and so its alert; what a failed check does is another thing
AlertSeverity = Literal["critical", "warning"]
CRITICAL: Final = "critical"
WARNING: Final = "warning"


class ColumnType(StrEnum):
    """How the values of a column are read and profiled."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"
    CATEGORY = "category"
    TIMESTAMP = "timestamp"
    DECIMAL = "decimal"
    VECTOR = "vector"


class Role(StrEnum):
    """What a column is for."""

    FEATURE = "feature"
    ID = "id"
    TIME = "time"
    VERSION = "version"
    SCORE = "score"
    PREDICTION = "prediction"
    IGNORED = "ignored"


class PersonalData(StrEnum):
    """What happens to a personal column before anything is written."""

    DROP = "drop"
    HASH = "hash"


class Severity(StrEnum):
    """What a failed check does."""

    BLOCKING = "blocking"
    WARNING = "warning"
    RECORDED = "recorded"

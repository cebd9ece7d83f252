"""Schema of the captured rows: the part of a model's spec that capture needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# roles of the columns that a model's answer fills, in the order in which a single value is of one of them
OUTPUT_ROLES = ("score", "prediction", "probability", "lower", "upper", "quantile", "rank")
# type of a label, whatever the kind of model: the values are written as they are
LABEL = "label"
TYPES = ("float", "integer", "decimal", "boolean", "string", "category", "timestamp", "vector", LABEL)
TEXTS = ("string", "category")
FORMATS = ("parquet", "jsonl")


class CaptureError(ValueError):
    """A spec or an argument with which nothing can be captured; raised when a capture is opened, never by `log`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedColumn:
    """Column of the archive, as the spec of the model declares it.

    Attributes:
        name: name of the column.
        type: type of its values, as in the spec.
        role: role of the column, as in the spec.
        personal: `drop` or `hash`, for personal data.
        truncate: characters that are kept of each text.
        generalise: step, or period of time, to which each value is rounded down.
        dimension: length of the vectors.
        unit: unit of times that are numbers.
        classes: texts that stand for false and true.
        feature: feature of an attribution.
    """

    name: str
    type: str
    role: str = "feature"
    personal: str | None = None
    truncate: int | None = None
    generalise: float | str | None = None
    dimension: int | None = None
    unit: str | None = None
    classes: tuple[str, str] | None = None
    feature: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no value can be written as."""
        where = f"predictions.columns.{self.name}"
        if self.type not in TYPES:
            raise CaptureError(f"{where}.type: {self.type!r} is unknown; valid are {', '.join(TYPES[:-1])}")
        if self.personal not in (None, "drop", "hash"):
            raise CaptureError(f"{where}.personal: {self.personal!r} is unknown; valid are drop, hash")
        if self.type == "vector" and (not self.dimension or self.personal == "hash"):
            raise CaptureError(f"{where}: a vector needs its `dimension`, and cannot be hashed")
        if self.truncate is not None and self.type not in TEXTS:
            raise CaptureError(f"{where}.truncate: only for type string or category, not {self.type}")
        if self.generalise is not None and not self._is_step(self.generalise):
            raise CaptureError(f"{where}.generalise: {self.generalise!r} is no step of type {self.type}")

    def _is_step(self, step: Any) -> bool:
        if self.type == "timestamp":
            return step in ("hour", "day", "month", "year")
        kinds: tuple[type, ...] = {"integer": (int,), "float": (int, float)}.get(self.type, ())
        return isinstance(step, kinds) and not isinstance(step, bool) and step > 0  # type: ignore[operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSchema:
    """Columns of a model's archive, and where it lies.

    Attributes:
        model: name of the model.
        path: path of the archive with its placeholders, as one of `predictions.path`.
        format: `parquet` or `jsonl`.
        columns: the columns by name, in the order of the spec.
        path_zone: time zone of the days and hours in the path.
        timezone: time zone of times without one; None if they are refused.
        latency_ms: column of the latency in milliseconds.
        latency_s: column of the latency in seconds.
        status: column of the status of a request.
        success: status of a request that was answered.
        failure: status of a request that failed.
        ranges: least and greatest expected value of features, None for no bound.
        labels: archive of the labels, with the id, the label and the outcome as its columns.
    """

    model: str
    path: str
    columns: Mapping[str, CapturedColumn]
    format: str = "parquet"
    path_zone: str = "UTC"
    timezone: str | None = None
    latency_ms: str | None = None
    latency_s: str | None = None
    status: str | None = None
    success: str = "200"
    failure: str = "500"
    ranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    labels: CaptureSchema | None = None

    def __post_init__(self) -> None:
        """Refuse an archive whose files capture cannot write."""
        if self.format not in FORMATS:
            raise CaptureError(f"format: capture writes parquet or jsonl, not {self.format}")
        if len(self.with_role("time")) > 1 or len(self.with_role("id")) > 1 or len(self.with_role("version")) > 1:
            raise CaptureError("predictions.columns: several columns have the role id, time or version")

    def with_role(self, role: str) -> tuple[str, ...]:
        """Return the names of the columns with a role."""
        return tuple(name for name, column in self.columns.items() if column.role == role)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns of the model's answer: the one that a single value is of first."""
        return tuple(name for role in OUTPUT_ROLES for name in self.with_role(role))

    @property
    def attributed(self) -> tuple[str, ...]:
        """Features that may have an attribution, in the order of the spec."""
        return tuple(
            name for name, column in self.columns.items() if column.role in ("feature", "text") and not column.personal
        )

    @property
    def kept(self) -> dict[str, CapturedColumn]:
        """The columns that are written: all but the personal ones that are dropped."""
        return {name: column for name, column in self.columns.items() if column.personal != "drop"}

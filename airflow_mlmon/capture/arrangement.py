"""Arrangement of what a service logs as one row: copied, bounded in bytes, in the order of the columns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from airflow_mlmon.capture.arrays import NOT_A_VECTOR, Vector
from airflow_mlmon.capture.schema import CaptureError, CaptureSchema
from airflow_mlmon.capture.values import Unkept

# the longest vector that the monitoring reads
_LONGEST_VECTOR = 65_536
# immutable and small
_FIXED = frozenset({float, int, bool, type(None)})
_SCALARS = (int, float, Decimal, date)
_BASE_BYTES, _BYTES_OF_VALUE = 250, 34
_UNREADABLE = Unkept("cannot be read")


class UnarrangedError(Exception):
    """What was logged is no row; its text is the reason."""


class Arrangement:
    """Order of the columns of a row, and where each argument of `log` goes.

    Args:
        schema: the columns.
        tags: values that all rows have.
        longest: most characters of a text.

    Raises:
        CaptureError: a tag is no column.
    """

    def __init__(self, schema: CaptureSchema, tags: Mapping[str, Any], longest: int) -> None:
        columns = schema.kept
        self.names = tuple(columns)
        self._at = {name: number for number, name in enumerate(self.names)}
        self._known = frozenset(schema.columns)
        self._longest = longest
        self._vectors = frozenset(self._at[name] for name, column in columns.items() if column.type == "vector")
        self._bytes = _BASE_BYTES + _BYTES_OF_VALUE * len(columns)
        self._id, self._time, self._version = (self._first(schema, role) for role in ("id", "time", "version"))
        self._trace, self._status = self._first(schema, "trace"), self._at.get(schema.status or "")
        self._outputs = tuple(name for name in schema.outputs if name in self._at)
        self._probabilities = schema.with_role("probability")
        self._attributed = schema.attributed
        self._attributions = {
            column.feature: self._at[name]
            for name, column in columns.items()
            if column.role == "attribution" and column.feature
        }
        self._attribution_vector = next(
            (self._at[name] for name in schema.with_role("attribution") if columns[name].type == "vector"), None
        )
        self._keys = tuple(name for name, column in columns.items() if column.role not in ("label", "outcome", "time"))
        self._label, self._outcome = (next(iter(schema.with_role(role)), None) for role in ("label", "outcome"))
        self._latency = self._at.get(schema.latency_ms or schema.latency_s or "")
        self._is_in_seconds = schema.latency_ms is None
        self._tags = [(self._tagged(name), value) for name, value in tags.items()]

    def _first(self, schema: CaptureSchema, role: str) -> int | None:
        return next((self._at[name] for name in schema.with_role(role) if name in self._at), None)

    def _tagged(self, name: str) -> int:
        if name not in self._at:
            raise CaptureError(
                f"tags: {name!r} is no column of the spec that is kept; declare it, for example"
                f" `{name}: {{type: category}}`"
            )
        return self._at[name]

    @property
    def has_status(self) -> bool:
        """Whether the status of a request is a column."""
        return self._status is not None

    def arrange(self, features: Mapping[str, Any]) -> list[Any]:
        """Return the values of the features, and of any other column among them, in the order of the columns."""
        values = list(map(features.get, self.names))
        for at, value in self._tags:
            values[at] = value
        return values

    def arrange_label(self, key: Any, label: Any, outcome: Any) -> list[Any]:
        """Return the values of a label, with its id, or the columns of the labels that it is joined on."""
        values = self.arrange(key if isinstance(key, Mapping) else {self._keys[0]: key})
        self.set_columns(values, {self._label: label, self._outcome: outcome})
        return values

    def unknown(self, given: Mapping[Any, Any]) -> set[Any]:
        """Return those names of values that are no columns of the spec."""
        return given.keys() - self._known

    def is_known(self, features: Mapping[str, Any]) -> bool:
        """Return whether all features are columns of the spec."""
        return features.keys() <= self._known

    def take_id(self, values: list[Any], key: Any) -> Any:
        """Return the id of a row: the given one, or that among its features; None if there is none."""
        return key if key is not None or self._id is None else values[self._id]

    def take_time(self, values: list[Any], at: Any) -> Any:
        """Return the time of a row: the given one, or that among its features; None if there is none."""
        return at if at is not None or self._time is None else values[self._time]

    def set_key(self, values: list[Any], key: str | None, microseconds: int) -> None:
        """Set the id and the time of a row."""
        if self._id is not None:
            values[self._id] = key
        if self._time is not None:
            values[self._time] = microseconds

    def set_beside(
        self, values: list[Any], version: Any, latency_ms: float | None, status: Any, trace: str | None
    ) -> None:
        """Set what is known of the request beside features and answer, where there is a column for it."""
        if version is not None and self._version is not None:
            values[self._version] = version
        if latency_ms is not None and self._latency is not None:
            values[self._latency] = latency_ms / 1_000 if self._is_in_seconds else latency_ms
        if status is not None and self._status is not None:
            values[self._status] = status
        if trace is not None and self._trace is not None:
            values[self._trace] = trace

    def set_prediction(self, values: list[Any], prediction: Any) -> None:
        """Set the outputs: from a mapping by column, from one value each of several columns, or from a single value.

        Raises:
            UnarrangedError: there are other outputs than the spec has.
        """
        if isinstance(prediction, Mapping):
            self.set_columns(values, prediction)
            return
        prediction = plain_value(prediction)
        single = self._at[self._outputs[0]] if self._outputs else None
        if single is None:
            raise UnarrangedError("no_output")
        several = list(prediction) if isinstance(prediction, list | tuple) else None
        if several is None or single in self._vectors:
            values[single] = prediction
        elif len(several) == 1:
            values[single] = several[0]
        else:
            self._set_several(values, several)

    def _set_several(self, values: list[Any], several: Sequence[Any]) -> None:
        """Set one value of each output, or of each probability."""
        names = self._outputs if len(several) == len(self._outputs) else self._probabilities
        if len(several) != len(names):
            raise UnarrangedError("other_outputs")
        for name, value in zip(names, several, strict=True):
            values[self._at[name]] = value

    def set_columns(self, values: list[Any], given: Mapping[Any, Any]) -> None:
        """Set values by the names of their columns; those of no column are passed over."""
        for name, value in given.items():
            if (at := self._at.get(name)) is not None:
                values[at] = value

    def set_attributions(self, values: list[Any], attributions: Any) -> None:
        """Set attributions: a mapping by feature, or a sequence in the order of the spec's features.

        Raises:
            UnarrangedError: there are other attributions than features.
        """
        if not isinstance(attributions, Mapping):
            found = plain_value(attributions)
            if not isinstance(found, list | tuple) or len(found) != len(self._attributed):
                raise UnarrangedError("other_attributions")
            attributions = dict(zip(self._attributed, found, strict=True))
        if self._attribution_vector is not None:
            values[self._attribution_vector] = [attributions.get(name) for name in self._attributed]
        for name, at in self._attributions.items():
            if name in attributions:
                values[at] = attributions[name]

    def bound(self, values: list[Any]) -> int:
        """Replace what is mutable or too large, in place, and return about how many bytes the row takes."""
        size, longest = self._bytes, self._longest
        for at, value in enumerate(values):
            kind = type(value)
            if kind in _FIXED:
                continue
            if kind is str and len(value) <= longest:
                size += len(value)
                continue
            values[at], more = self._bounded(value, is_vector=at in self._vectors)
            size += more
        return size

    def _bounded(self, value: Any, *, is_vector: bool) -> tuple[Any, int]:
        try:
            found = _to_vector(value) if is_vector else _to_scalar(value)
        except Exception:  # noqa: BLE001 - values of any library, which may do anything
            return _UNREADABLE, 0
        if isinstance(found, Vector):
            return found, len(found.content)
        if isinstance(found, str | bytes):
            is_short = len(found) <= self._longest
            return (found, len(found)) if is_short else (Unkept(f"is longer than {self._longest} characters"), 0)
        return found, _BYTES_OF_VALUE


def plain_value(value: Any) -> Any:
    """Return an array or a tensor as a list, and one of its values as a plain one of Python."""
    if hasattr(value, "tolist") and not isinstance(value, array):
        return value.tolist()
    return value


def _to_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    name = type(value).__name__
    if name in ("NAType", "NaTType"):
        return None
    if name == "datetime64":
        # nanoseconds would become a number
        value = value.astype("datetime64[us]")
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if name == "longdouble":
        value = float(value)
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, str | bytes):
        return value
    return value if isinstance(value, _SCALARS) else Unkept(f"is of type {type(value).__name__}")


def _to_vector(value: Any) -> Any:
    if value is None or isinstance(value, Vector):
        return value
    kind = getattr(getattr(value, "dtype", None), "str", "")
    if getattr(value, "ndim", 1) != 1 or isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
        return Unkept(NOT_A_VECTOR)
    if len(value) > _LONGEST_VECTOR:
        return Unkept(f"is longer than {_LONGEST_VECTOR} numbers")
    if kind in ("<f4", "<f8"):
        return Vector("f" if kind == "<f4" else "d", value.tobytes())
    try:
        return Vector("d", array("d", plain_value(value)).tobytes())
    except (TypeError, ValueError, OverflowError):
        return Unkept(NOT_A_VECTOR)

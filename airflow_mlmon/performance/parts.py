"""The labelled profiles of all rows and of the parts of each segment, stored together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

import pyarrow as pa

from airflow_mlmon.performance.labelled import LabelledProfile, profile_labels
from airflow_mlmon.performance.metrics import measure
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.columns.segment import is_too_many, segment_key
from airflow_mlmon.profiles.engine.division import count_values, split
from airflow_mlmon.profiles.layout import SegmentLayout
from airflow_mlmon.records import MetricValue

KIND = b"MLMS"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledParts:
    """What is kept of predictions and their labels, in sum and by segment.

    Attributes:
        whole: All rows.
        parts: The rows of each value of each segment, by what they are called.
    """

    whole: LabelledProfile
    parts: Mapping[str, LabelledProfile]

    def __post_init__(self) -> None:
        """Lock the parts."""
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))

    def to_bytes(self) -> bytes:
        """All of them as bytes that are the same on every platform."""
        writer = ByteWriter()
        writer.blob(self.whole.to_bytes())
        writer.integer(len(self.parts))
        for key in sorted(self.parts):
            writer.text(key)
            writer.blob(self.parts[key].to_bytes())
        return writer.seal(KIND, VERSION)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` wrote.

        Raises:
            StateError: the bytes are something else, damaged, or of a later format.
        """
        reader = ByteReader(data, KIND, VERSION)
        whole = LabelledProfile.from_bytes(reader.blob())
        parts = {reader.text(): LabelledProfile.from_bytes(reader.blob()) for _ in range(reader.integer())}
        return cls(whole=whole, parts=parts)


def profile_label_parts(joined: pa.Table, rows: pa.Table, segments: Sequence[SegmentLayout]) -> LabelledParts:
    """The labelled profiles of predictions joined with their labels.

    Args:
        joined: One row per prediction, as `profile_labels` takes it.
        rows: The same predictions in the same order, with the columns of the segments.
        segments: How they are divided.

    Raises:
        SchemaMismatchError: a column is absent or of another type.
    """
    whole = profile_labels(joined)
    parts: dict[str, LabelledProfile] = {}
    for segment in segments:
        if is_too_many(segment, count_values(rows, segment)):
            parts[segment_key(segment.name, None)] = whole
        else:
            parts |= {
                segment_key(segment.name, value): profile_labels(own) for value, own in split(joined, segment, by=rows)
            }
    return LabelledParts(whole=whole, parts=parts)


def sum_label_parts(found: Iterable[LabelledParts]) -> LabelledParts:
    """What is kept of the rows of any number of them, also of none."""
    whole, parts = LabelledProfile.empty(), dict[str, LabelledProfile]()
    for one in found:
        whole += one.whole
        for key, part in one.parts.items():
            parts[key] = parts[key] + part if key in parts else part
    return LabelledParts(whole=whole, parts=parts)


def measure_parts(found: LabelledParts, min_share: float) -> list[MetricValue]:
    """Every metric that needs labels, of all rows and of each part; see `measure`."""
    return [
        *measure(found.whole, min_share),
        *(replace(value, segment=key) for key in sorted(found.parts) for value in measure(found.parts[key], min_share)),
    ]

"""Comparisons of one day with the reference, as they are stored: later days read them instead of making them again.

They follow from the profile of the day and that of the reference alone, and neither ever changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from airflow_mlmon.drift.shift import MeanShift
from airflow_mlmon.evaluation.evidence import ColumnEvidence, Comparisons, bins_for
from airflow_mlmon.evaluation.shape import Distinct, Peak, ScaledMoments, ValueShape
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.codec.hours import read_hours, write_hours
from airflow_mlmon.profiles.hours import Hours
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema

# increase it when a comparison of the same profiles has another result, or more is stored of it
FORMAT = 1
_KIND = b"MLME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Comparison of a column, with the number of its bins, and whether the day is part of the reference."""

    bins: int
    is_part: bool
    evidence: ColumnEvidence | None

    def to_json(self) -> list[Any]:
        """Convert to JSON-compatible objects, without what is said of the reference alone."""
        made, one = (self.bins, self.is_part), self.evidence
        if one is None:
            return [*made]
        shape = one.shape
        return [
            *made,
            *(one.rows, one.base_rows, one.place, one.scale, one.statistic, one.freedom),
            [one.shift.value, one.shift.dimension, one.shift.dimensions, one.shift.p_value] if one.shift else None,
            _of_moments(shape.moments),
            _of_peak(shape.peak),
            _of_peak(shape.trough),
            [shape.distinct.log_ratio, shape.distinct.variance] if shape.distinct else None,
        ]

    @classmethod
    def from_json(cls, content: Sequence[Any]) -> Self:
        """Restore from `to_json`."""
        bins, is_part, *held = content
        if not held:
            return cls(bins=bins, is_part=is_part, evidence=None)
        rows, base_rows, place, scale, statistic, freedom, shift, moments, peak, trough, distinct = held
        return cls(
            bins=bins,
            is_part=is_part,
            evidence=ColumnEvidence(
                rows=rows,
                base_rows=base_rows,
                place=place,
                scale=scale,
                statistic=statistic,
                freedom=freedom,
                shift=MeanShift(value=shift[0], dimension=shift[1], dimensions=shift[2], p_value=shift[3])
                if shift
                else None,
                shape=ValueShape(
                    moments=_to_moments(moments),
                    peak=_to_peak(peak),
                    trough=_to_peak(trough),
                    distinct=Distinct(log_ratio=distinct[0], variance=distinct[1]) if distinct else None,
                ),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedDay:
    """Comparisons of the columns of a day with the reference, and what else its evaluation asks of past days.

    Attributes:
        rows: Rows of the day.
        hours: Its rows and values by hour.
        columns: The comparison of each column of which the reference has a value.
    """

    rows: int
    hours: Hours | None
    columns: Mapping[str, Compared]

    @classmethod
    def unmade(cls, profile: Profile) -> Self:
        """Return a day without comparisons."""
        return cls(rows=profile.rows, hours=profile.hours, columns={})

    @classmethod
    def of(cls, profile: Profile, reference: Profile, *, is_part: bool, comparisons: Comparisons | None = None) -> Self:
        """Compare a day, which may be part of the reference, each column with as many bins as it fills."""
        comparisons = comparisons or Comparisons()
        columns = {}
        for name, base in reference.columns.items():
            if name in profile.columns and base.observed:
                column = profile.columns[name]
                bins = bins_for(column.observed, base.observed)
                found = comparisons.compare(base, bins, column, is_part=is_part)
                columns[name] = Compared(bins=bins, is_part=is_part, evidence=found)
        return cls(rows=profile.rows, hours=profile.hours, columns=columns)

    def to_bytes(self) -> bytes:
        """Encode the comparisons."""
        writer = ByteWriter()
        writer.integer(self.rows)
        writer.text(json.dumps({name: one.to_json() for name, one in self.columns.items()}, separators=(",", ":")))
        write_hours(writer, self.hours)
        return writer.seal(_KIND, FORMAT)

    @classmethod
    def from_bytes(cls, data: bytes, schema: ProfileSchema) -> Self:
        """Decode what `to_bytes` wrote of a day with this profile schema.

        Raises:
            StateError: the bytes are no comparisons, are damaged, or have a later format.
        """
        reader = ByteReader(data, _KIND, FORMAT)
        rows, columns = reader.integer(), json.loads(reader.text())
        return cls(
            rows=rows,
            columns={name: Compared.from_json(content) for name, content in columns.items()},
            hours=read_hours(reader, schema),
        )


def _of_moments(found: ScaledMoments | None) -> list[float] | None:
    return [found.mean, found.deviation, found.kurtosis, found.low, found.high] if found else None


def _to_moments(content: Sequence[float] | None) -> ScaledMoments | None:
    if content is None:
        return None
    mean, deviation, kurtosis, low, high = content
    return ScaledMoments(mean=mean, deviation=deviation, kurtosis=kurtosis, low=low, high=high)


def _of_peak(found: Peak | None) -> list[Any] | None:
    return [found.at, found.rows, found.base_rows, found.excess, found.places, found.value] if found else None


def _to_peak(content: Sequence[Any] | None) -> Peak | None:
    if content is None:
        return None
    at, rows, base_rows, excess, places, value = content
    return Peak(at=at, rows=rows, base_rows=base_rows, excess=excess, places=places, value=value)

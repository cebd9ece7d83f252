"""Deterministic samples of rows, and of each reference day against the other days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.engine.hash_sample import SAMPLE_ROWS, sample_by_hash, shorten_texts
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Rows of the reference and rows of a day."""

    reference: pa.Table
    current: pa.Table


def sample(table: pa.Table, id_column: str, rows: int = SAMPLE_ROWS) -> pa.Table:
    """Draw at most `rows` rows by the hash of their prediction id, always the same."""
    return (
        shorten_texts(table)
        if table.num_rows <= rows
        else sample_by_hash(table, hash_ids(table.column(id_column)), rows)
    )


def days_of(table: pa.Table, time_column: str, zone: str) -> pa.ChunkedArray:
    """Return the day of each row in a zone."""
    return pc.cast(table.column(time_column).cast(pa.timestamp("us", zone)), pa.date32())


def without_day(table: pa.Table, spec: ModelSpec, day: date) -> pa.Table:
    """Return the rows of all other days, so that a day is not compared with itself."""
    return table.filter(
        pc.fill_null(pc.not_equal(days_of(table, spec.time_column, spec.day_zone), day), fill_value=True)
    )


def left_out_days(table: pa.Table, spec: ModelSpec, most: int) -> Iterator[tuple[date, Samples]]:
    """Yield each day with a sample of its rows beside one of all the others, for at most `most` days, evenly spread."""
    days = days_of(table, spec.time_column, spec.day_zone)
    id_column = spec.id_column
    found = sorted(pc.unique(days.drop_null()).to_pylist())
    # twice the rows, so that enough are left without one day
    others = sample(table, id_column, 2 * SAMPLE_ROWS)
    for place in spread(len(found), most):
        samples = Samples(
            reference=sample(without_day(others, spec, found[place]), id_column),
            current=sample(table.filter(pc.equal(days, found[place])), id_column),
        )
        yield found[place], samples


def spread(days: int, most: int) -> list[int]:
    """Return the positions of at most `most` days, evenly spread.

    >>> spread(9, 3), spread(2, 3), spread(9, 0)
    ([0, 4, 8], [0, 1], [])
    """
    return [round(place) for place in np.linspace(0, days - 1, min(most, days)).tolist()]

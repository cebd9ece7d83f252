"""Encoding of the hours of a profile: matrices of counts, and the sums.

What most columns have in common is left out: rows that are those of the day, and values that none lacks.
"""

from __future__ import annotations

import numpy as np

from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.hours import HOURS, Hours, named_columns
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.statistics.arrays import Counts


def write_hours(writer: ByteWriter, hours: Hours | None) -> None:
    """Write the hours of a profile, or their absence."""
    writer.integer(hours is not None)
    if hours is None:
        return
    writer.counts(hours.rows)
    # of each column the rows that it lacks, so that zeros are stored
    _write_matrix(writer, hours.rows - hours.held)
    _write_matrix(writer, hours.missing)
    _write_matrix(writer, _held_of_summed(hours) - hours.observed)
    if hours.totals:
        writer.integers(hours.totals)


def read_hours(reader: ByteReader, schema: ProfileSchema) -> Hours | None:
    """Read the hours that `write_hours` wrote of a profile with this schema."""
    if not reader.integer():
        return None
    names, summed = named_columns(schema)
    rows = reader.array(np.int64)
    held = rows - _read_matrix(reader, len(names))
    missing = _read_matrix(reader, len(names))
    lacking = _read_matrix(reader, len(summed))
    places = [names.index(name) for name in summed]
    return Hours(
        names=names,
        summed=summed,
        rows=rows,
        held=held,
        missing=missing,
        observed=held[places] - lacking,
        totals=reader.integers() if summed else (),
    )


def _held_of_summed(hours: Hours) -> Counts:
    return hours.held[[hours.names.index(name) for name in hours.summed]]


def _write_matrix(writer: ByteWriter, matrix: Counts) -> None:
    writer.counts(matrix[matrix.any(axis=1)].ravel())
    writer.counts(np.flatnonzero(matrix.any(axis=1)))


def _read_matrix(reader: ByteReader, columns: int) -> Counts:
    held = reader.array(np.int64).reshape(-1, HOURS)
    matrix = np.zeros((columns, HOURS), dtype=np.int64)
    matrix[reader.array(np.int64)] = held
    return matrix

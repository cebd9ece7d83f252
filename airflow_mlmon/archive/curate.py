"""Curation of the rows of a partition: each row is accepted, or quarantined with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.errors import find_repeated_errors
from airflow_mlmon.archive.texts import derive_texts
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.tasks.operations import mark_errors

REASON = "quarantine_reason"


class Curated(NamedTuple):
    """Accepted rows, quarantined rows with their reason in an additional column, and accepted rows of errors."""

    rows: pa.Table
    quarantine: pa.Table
    errors: pa.Table


def curate(table: pa.Table, spec: ModelSpec, partition: Partition | None) -> Curated:
    """Accept the rows with an id, a time in the partition and every required value, once each.

    The first of several rows with one id is accepted, in the order of the files. Without `partition` (for the
    reference) any time is accepted, also none. A vector must have its dimension and no null element, or be null
    where it is not required; one with a NaN or infinite element is accepted, like such a number, and counted
    separately in the profile. A text is replaced by the columns derived from it. Of a row with an error status only the
    time is demanded: the model has given no answer.
    """
    is_error = mark_errors(table, spec).to_numpy(zero_copy_only=False)
    reasons = np.full(table.num_rows, None, dtype=object)
    for fault in _faults(table, spec, partition):
        mask = fault.bad.to_numpy(zero_copy_only=False)
        mask = mask if fault.of_errors else mask & ~is_error
        reasons[mask & (reasons == None)] = fault.reason  # noqa: E711 - compared element by element
    good = np.flatnonzero((reasons == None) & ~is_error)  # noqa: E711
    repeated = good[_repeats(table.column(spec.id_column).take(pa.array(good)))]
    reasons[repeated] = f"{spec.id_column} is a duplicate"
    failed = np.flatnonzero((reasons == None) & is_error)  # noqa: E711
    copied = failed[find_repeated_errors(table.take(pa.array(failed)), spec)]
    reasons[copied] = "an error is listed twice"
    is_taken = reasons == None  # noqa: E711
    with_reason = table.append_column(REASON, pa.array(reasons, pa.string()))
    parts = Curated(
        rows=table.filter(pa.array(is_taken & ~is_error)),
        quarantine=with_reason.filter(pa.array(~is_taken)),
        errors=table.filter(pa.array(is_taken & is_error)),
    )
    return Curated(*(derive_texts(part, spec.texts) for part in parts))


def quarantine_repeats(curated: Curated, repeats: Mapping[date, np.ndarray]) -> Curated:
    """Quarantine rows whose id was accepted on an earlier day; `repeats` holds their positions by that day."""
    if not repeats:
        return curated
    rows, quarantine, errors = curated
    is_taken = np.ones(rows.num_rows, dtype=bool)
    for day, positions in repeats.items():
        is_taken[positions] = False
        reasons = pa.repeat(f"the prediction id was already accepted on {day}", len(positions))
        quarantine = pa.concat_tables([quarantine, rows.take(pa.array(positions)).append_column(REASON, reasons)])
    return Curated(rows.filter(pa.array(is_taken)), quarantine, errors)


def count_reasons(quarantine: pa.Table) -> dict[str, int]:
    """Count the quarantined rows by reason."""
    counts = quarantine.column(REASON).value_counts()
    return {entry["values"]: entry["counts"] for entry in counts.to_pylist()}


class _Fault(NamedTuple):
    """Reason to quarantine some rows; `of_errors` is True if it holds for rows with an error status too."""

    reason: str
    bad: pa.ChunkedArray
    of_errors: bool = False


def malformed_reasons(vector: str, spec: ModelSpec) -> tuple[str, str]:
    """Return the reasons for which a row is quarantined because of a vector: its length, or a null element."""
    return f"{vector} is not a vector of dimension {spec.columns[vector].dimension}", f"{vector} has a null element"


def _faults(table: pa.Table, spec: ModelSpec, partition: Partition | None) -> Iterator[_Fault]:
    required = [spec.id_column, spec.time_column]
    required += [name for name, column in spec.predictions.columns.items() if column.required and name not in required]
    if partition is None:
        required.remove(spec.time_column)
    for name in required:
        yield _Fault(f"{name} is empty", pc.is_null(table.column(name)), of_errors=name == spec.time_column)
    for name in spec.vectors:
        wrong_length, null_element = malformed_reasons(name, spec)
        other = pc.not_equal(pc.list_value_length(table.column(name)), spec.columns[name].dimension)
        yield _Fault(wrong_length, pc.fill_null(other, fill_value=False))
        yield _Fault(null_element, _has_empty_element(table.column(name)))
    if partition is not None:
        times = table.column(spec.time_column)
        outside = pc.or_(pc.less(times, pa.scalar(partition.start)), pc.greater_equal(times, pa.scalar(partition.end)))
        outside = pc.fill_null(outside, fill_value=False)
        yield _Fault(f"{spec.time_column} is outside the day", outside, of_errors=True)


def _has_empty_element(vectors: pa.ChunkedArray) -> pa.ChunkedArray:
    masks = []
    for chunk in vectors.chunks:
        mask = np.zeros(len(chunk), dtype=bool)
        elements = chunk.flatten()
        if elements.null_count:
            mask[pc.list_parent_indices(chunk).filter(elements.is_null()).to_numpy()] = True
        masks.append(pa.array(mask))
    return pa.chunked_array(masks, pa.bool_())


def _repeats(ids: pa.ChunkedArray) -> np.ndarray:
    """Return the positions of all but the first occurrence of each value."""
    codes = ids.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    repeated = np.ones(len(codes), dtype=bool)
    repeated[np.unique(codes, return_index=True)[1]] = False
    return np.flatnonzero(repeated)

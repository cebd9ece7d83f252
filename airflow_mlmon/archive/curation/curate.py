"""Curation of rows: each one is accepted, or quarantined with a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.reasons import EMPTY, OUTSIDE
from airflow_mlmon.archive.curation.texts import derive_texts
from airflow_mlmon.archive.envelopes.reserved import REASON
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.tables.schema import Fault
from airflow_mlmon.tasks.operations import mark_errors

TOO_LATE = "later than lateness_days"

_Mask = npt.NDArray[np.bool_]


class SortedRows(NamedTuple):
    """Accepted rows, quarantined rows with their reason in an additional column, and accepted rows of errors."""

    rows: pa.Table
    quarantine: pa.Table
    errors: pa.Table


def curate(
    table: pa.Table,
    spec: ModelSpec,
    partition: Partition | None,
    faults: Sequence[Fault] = (),
    refused: pa.ChunkedArray | None = None,
    *,
    dropped: Collection[str] = (),
) -> SortedRows:
    """Accept the rows with an id, a time in the partition and every required value.

    Without `partition` (for the reference) any time is accepted, also none. A vector must have its dimension and no
    null element, or be null where it is not required; one with a NaN or infinite element is accepted, like such a
    number, and counted separately in the profile. A text is replaced by the columns derived from it. Of a row with an
    error status only the time is demanded: the model has given no answer.

    Args:
        table: rows with the declared columns.
        spec: the model.
        partition: the day.
        faults: values that could not be read; in a required column they are the reason to quarantine the row.
        refused: reasons for which the envelope refuses rows, null for the others.
        dropped: columns that were dropped before the rows came here; no value of them is demanded.
    """
    is_error = mark_errors(table, spec).to_numpy(zero_copy_only=False)
    codes = np.zeros(table.num_rows, dtype=np.int16)
    reasons: list[str | None] = [None]
    required = [name for name in required_columns(spec, partition) if name not in dropped]
    for fault in _faults(table, spec, partition, required=required, faults=faults, refused=refused):
        bad = (codes == 0) & fault.bad
        if not fault.of_errors:
            bad &= ~is_error
        if bad.any():
            reasons.append(fault.reason)
            codes[bad] = len(reasons) - 1
    if not codes.any() and not is_error.any():
        parts = SortedRows(table, add_reason(table.slice(0, 0), ""), table.slice(0, 0))
    else:
        is_taken = codes == 0
        texts = pa.array(reasons, pa.string()).take(pa.array(codes))
        parts = SortedRows(
            rows=table.filter(pa.array(is_taken & ~is_error)),
            quarantine=table.append_column(REASON, texts).filter(pa.array(~is_taken)),
            errors=table.filter(pa.array(is_taken & is_error)),
        )
    return SortedRows(*(derive_texts(part, spec.texts) for part in parts)) if spec.texts else parts


def add_reason(table: pa.Table, reason: str) -> pa.Table:
    """Add the column of the reason for which rows are quarantined."""
    return table.append_column(REASON, pa.repeat(pa.scalar(reason, pa.string()), table.num_rows))


def count_reasons(quarantine: pa.Table) -> dict[str, int]:
    """Count the quarantined rows by reason."""
    counts = quarantine.column(REASON).value_counts()
    return {entry["values"]: entry["counts"] for entry in counts.to_pylist()}


def required_columns(spec: ModelSpec, partition: Partition | None) -> list[str]:
    """Return the columns without whose value a row is quarantined; the reference needs no times."""
    required = [spec.id_column] if partition is None else [spec.id_column, spec.time_column]
    columns = spec.predictions.columns
    return required + [
        name for name, column in columns.items() if column.required and name not in {spec.id_column, spec.time_column}
    ]


class _RowFault(NamedTuple):
    """Reason to quarantine some rows; `of_errors` is True if it holds for rows with an error status too."""

    reason: str
    bad: _Mask
    of_errors: bool = False


def malformed_reasons(vector: str, spec: ModelSpec) -> tuple[str, str]:
    """Return the reasons for which a row is quarantined because of a vector: its length, or a null element."""
    return f"{vector} is not a vector of dimension {spec.columns[vector].dimension}", f"{vector} has a null element"


def outside_reason(spec: ModelSpec) -> str:
    """Return the reason for which a row of another day is quarantined."""
    return f"{spec.time_column} {OUTSIDE}"


def _faults(
    table: pa.Table,
    spec: ModelSpec,
    partition: Partition | None,
    *,
    required: Sequence[str],
    faults: Sequence[Fault],
    refused: pa.ChunkedArray | None,
) -> Iterator[_RowFault]:
    if refused is not None:
        for reason in pc.unique(refused.drop_null()).to_pylist():
            yield _RowFault(reason, _to_mask(pc.equal(refused, reason)))
    for fault in faults:
        if fault.column in required:
            yield _RowFault(fault.reason, fault.rows, of_errors=fault.column == spec.time_column)
    for name in required:
        if table.column(name).null_count:
            yield _RowFault(f"{name} {EMPTY}", _to_mask(pc.is_null(table.column(name))), name == spec.time_column)
    for name in spec.vectors:
        wrong_length, null_element = malformed_reasons(name, spec)
        yield _RowFault(
            wrong_length, _to_mask(pc.not_equal(pc.list_value_length(table.column(name)), spec.columns[name].dimension))
        )
        yield _RowFault(null_element, _has_empty_element(table.column(name)))
    if partition is not None:
        times = table.column(spec.time_column)
        before, after = pc.less(times, pa.scalar(partition.start)), pc.greater_equal(times, pa.scalar(partition.end))
        if spec.predictions.lateness_days:
            # those of later days have been handed over before
            yield _RowFault(TOO_LATE, _to_mask(before), of_errors=True)
        yield _RowFault(outside_reason(spec), _to_mask(pc.or_(before, after)), of_errors=True)


def _to_mask(flags: pa.ChunkedArray) -> _Mask:
    mask: _Mask = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False)
    return mask


def _has_empty_element(vectors: pa.ChunkedArray) -> _Mask:
    masks = [np.zeros(0, dtype=np.bool_)]
    for chunk in vectors.chunks:
        mask = np.zeros(len(chunk), dtype=np.bool_)
        elements = chunk.flatten()
        if elements.null_count:
            mask[pc.list_parent_indices(chunk).filter(elements.is_null()).to_numpy()] = True
        masks.append(mask)
    return np.concatenate(masks)

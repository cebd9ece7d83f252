"""Decoding of CSV payloads, whose values have no names: their order is that of the spec."""

from __future__ import annotations

import csv
import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from airflow_mlmon.archive.envelopes.decoded import UNDECODABLE, Decoded
from airflow_mlmon.archive.envelopes.sides import Side


def decode_csv(bodies: pa.Array, side: Side, expected: npt.NDArray[np.int64] | None = None) -> Decoded:
    """Decode CSV bodies: all at once where they are plain, else one by one."""
    return _decode_at_once(bodies, side) or _decode_each(bodies, side, expected)


def _decode_at_once(bodies: pa.Array, side: Side) -> Decoded | None:
    texts = pc.ascii_rtrim(bodies, "\r\n")
    counts = pc.add(pc.count_substring(texts, "\n"), 1)
    commas = pc.count_substring(texts, ",")
    is_plain = pc.equal(commas, pc.multiply(counts, side.width - 1))
    is_odd = pc.match_substring_regex(texts, r'["\x00]|\n\r?\n|^\r?\n|^$')
    header = ",".join(slot.name for slot in side.slots)
    if not pc.all(pc.and_not(pc.and_not(is_plain, is_odd), pc.starts_with(texts, header))).as_py():
        return None
    numbers = counts.to_numpy(zero_copy_only=False).astype(np.int64)
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(texts)], texts), "\n")[0].as_buffer()
    names = [str(n) for n in range(side.width)]
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=["", *side.null_texts], strings_can_be_null=True
    )
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(joined),
            pyarrow.csv.ReadOptions(column_names=names, block_size=max(joined.size + 1, 1 << 16)),
            pyarrow.csv.ParseOptions(ignore_empty_lines=False),
            convert,
        )
        columns = _assign([column.combine_chunks() for column in table.columns], side)
    except pa.ArrowInvalid:
        return None
    return (
        Decoded(numbers, np.full(len(texts), None, dtype=object), columns) if table.num_rows == numbers.sum() else None
    )


def _decode_each(bodies: pa.Array, side: Side, expected: npt.NDArray[np.int64] | None) -> Decoded:
    counts = np.zeros(len(bodies), dtype=np.int64)
    reasons = np.full(len(bodies), None, dtype=object)
    rows: list[list[str | None]] = []
    for n, body in enumerate(bodies.cast(pa.binary()).to_pylist()):
        try:
            found = _parse(body.decode(), side, 0 if expected is None else int(expected[n]))
        except (ValueError, csv.Error):
            reasons[n] = UNDECODABLE
        else:
            counts[n] = len(found)
            rows += found
    values = [pa.array([row[n] for row in rows], pa.string()) for n in range(side.width)]
    return Decoded(counts, reasons, _assign(values, side) if rows else {})


def _parse(text: str, side: Side, expected: int) -> list[list[str | None]]:
    """Parse the rows of one body.

    Raises:
        ValueError: a row has another number of values than the side, or a vector has one that is not a number.
    """
    rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    if rows and rows[0] == [slot.name for slot in side.slots]:
        rows = rows[1:]
    if len(rows) == 1 and expected > 1 and len(rows[0]) == expected * side.width:
        # some containers answer all rows of a request in one line
        rows = [rows[0][start : start + side.width] for start in range(0, len(rows[0]), side.width)]
    if not rows or any(len(row) != side.width for row in rows):
        raise ValueError(f"not rows of {side.width} values")
    start = 0
    for slot in side.slots:
        if slot.is_vector:
            for row in rows:
                [float(value) for value in row[start : start + slot.width] if value and value not in side.null_texts]
        start += slot.width
    return [[None if not value or value in side.null_texts else value for value in row] for row in rows]


def _assign(values: list[pa.Array], side: Side) -> dict[str, pa.Array]:
    """Assign columns by position; the elements of a vector stand beside each other."""
    columns, start = {}, 0
    for slot in side.slots:
        own = values[start : start + slot.width]
        start += slot.width
        if slot.is_vector:
            elements = np.stack([value.cast(pa.float64()).to_numpy(zero_copy_only=False) for value in own], axis=1)
            is_null = np.stack([value.is_null().to_numpy(zero_copy_only=False) for value in own], axis=1)
            flat = pa.array(elements.ravel(), mask=is_null.ravel())
            fixed = pa.FixedSizeListArray.from_arrays(flat, slot.width)
            columns[slot.name] = fixed.cast(pa.list_(pa.float64()))
        else:
            columns[slot.name] = own[0]
    return columns

"""Columns derived from the predictions and labels of a regression, in blocks that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.values.reading import read_numbers
from airflow_mlmon.statistics.arrays import Flags, Floats

LABEL = "label"
PREDICTION = "prediction"
RESIDUAL = "residual"
ABSOLUTE = "absolute_error"
SQUARED = "squared_error"
PERCENTAGE = "percentage_error"
SQUARED_LOG = "squared_log_error"
WIDTH = "interval_width"
PINBALL = "pinball_loss"
LOWER, UPPER, QUANTILE = "lower", "upper", "quantile"
_OUTPUTS = (PREDICTION, LOWER, UPPER)

_BLOCK = 1 << 15
# fourth powers of such numbers are doubles still; nothing that was measured is so large
_ABSURD = 1e30

Block = Mapping[str, Floats]


def derive_blocks(joined: pa.Table, levels: Sequence[float]) -> Iterator[Block]:
    """Yield the derived columns of the labelled predictions, beside their outputs; at least one block.

    Columns of outputs that the model lacks are absent.

    Raises:
        SchemaMismatchError: a column is absent or of another type.
    """
    rows = _labelled(joined, levels)
    for start in range(0, max(len(rows[LABEL]), 1), _BLOCK):
        with np.errstate(all="ignore"):
            yield _derive({name: values[start : start + _BLOCK] for name, values in rows.items()}, levels)


def arrange_rows(joined: pa.Table, levels: Sequence[float]) -> pa.Table:
    """Return the rows with their outputs as doubles, NaN where there is none, and without outputs that none has."""
    unread = () if levels else (QUANTILE,)
    found = {name: joined.column(name) for name in joined.column_names if name not in (*_OUTPUTS, *unread)}
    read = [name for name in _OUTPUTS if name == PREDICTION or _has(joined, name)]
    return pa.table(found | {name: read_doubles(joined, name) for name in read})


def absolute_errors(joined: pa.Table) -> Floats:
    """Compute the absolute error of each prediction; NaN without a label, and where it is beyond any number."""
    errors = np.abs(read_doubles(joined, PREDICTION) - read_doubles(joined, LABEL))
    return np.where(_is_labelled(joined) & (errors <= _ABSURD), errors, np.nan)


def read_doubles(rows: pa.Table, name: str) -> Floats:
    """Return the values of a column as doubles; NaN where there is none."""
    column = _column(rows, name)
    if pa.types.is_float64(column.type):
        found: Floats = column.to_numpy()
        return found
    is_held: Flags = column.is_valid().to_numpy()
    values = np.full(len(column), np.nan)
    values[is_held] = read_numbers(column, name).values
    return values


def _labelled(joined: pa.Table, levels: Sequence[float]) -> dict[str, Floats]:
    """Read the outputs and labels of the labelled predictions."""
    rows = {name: read_doubles(joined, name) for name in (LABEL, PREDICTION)}
    if _has(joined, LOWER) and _has(joined, UPPER):
        rows |= {name: read_doubles(joined, name) for name in (LOWER, UPPER)}
    if levels and _has(joined, QUANTILE):
        rows[QUANTILE] = _quantiles(joined, levels)
    is_labelled = _is_labelled(joined)
    return rows if is_labelled.all() else {name: values[is_labelled] for name, values in rows.items()}


def _derive(rows: Block, levels: Sequence[float]) -> dict[str, Floats]:
    label, prediction = rows[LABEL], rows[PREDICTION]
    residual = prediction - label
    residual[(np.abs(residual) > _ABSURD) | (np.abs(label) > _ABSURD)] = np.inf
    absolute = np.abs(residual)
    percentage = absolute / np.abs(label)
    # a label of 0 has no percentage, not even of an error of 0
    percentage[label == 0] = np.inf
    ratio = np.log((1 + prediction) / (1 + label))
    ratio *= ratio
    ratio[(prediction <= -1) | (label <= -1)] = np.inf
    derived = {
        **rows,
        RESIDUAL: residual,
        ABSOLUTE: absolute,
        SQUARED: absolute * absolute,
        PERCENTAGE: percentage,
        SQUARED_LOG: ratio,
    }
    if LOWER in rows:
        derived[WIDTH] = rows[UPPER] - rows[LOWER]
    if QUANTILE in rows:
        derived[PINBALL] = _pinball(rows[QUANTILE], label, levels)
    return derived


def _pinball(quantiles: Floats, label: Floats, levels: Sequence[float]) -> Floats:
    """Compute the mean pinball loss over the levels, of each row."""
    losses = np.zeros(len(label))
    for at, level in enumerate(levels):
        distance = label - quantiles[:, at]
        losses += np.maximum(level * distance, (level - 1) * distance)
    return losses / len(levels)


def _quantiles(joined: pa.Table, levels: Sequence[float]) -> Floats:
    column = _column(joined, QUANTILE).combine_chunks()
    if not pa.types.is_fixed_size_list(column.type) or column.type.list_size != len(levels):
        raise SchemaMismatchError(
            f"Column 'quantile' of the joined labels is of type {column.type}, not a list of {len(levels)} doubles.",
            column=QUANTILE,
            type=str(column.type),
        )
    values = column.cast(pa.list_(pa.float64(), len(levels))).flatten().fill_null(np.nan)
    found: Floats = values.to_numpy(zero_copy_only=False).reshape(joined.num_rows, len(levels))
    return found


def _is_labelled(joined: pa.Table) -> Flags:
    excluded = pc.fill_null(_column(joined, "excluded"), fill_value=False)
    found: Flags = pc.and_not(_column(joined, LABEL).is_valid(), excluded).to_numpy()
    return found


def _has(joined: pa.Table, name: str) -> bool:
    """Say whether an output that not every model has holds a value."""
    return name in joined.column_names and joined.column(name).null_count < joined.num_rows


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise SchemaMismatchError(f"The joined labels lack column {name!r}.", column=name)
    return table.column(name)

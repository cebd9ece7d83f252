"""Outcome profile of a regression: columns derived from predictions and labels, beside exact sums.

The residual is the prediction minus the label. Every column is profiled over the labelled predictions; one that is
NaN or beyond any number that was measured is counted there and is in no sum. Products of labels and residuals, from
which the variance of ratios follows, are sums in units of the spreads that the schema pins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.engine.pinning import pin_column
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.exact import sum_quantised
from airflow_mlmon.profiles.values.reading import Numbers, read_numbers
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.statistics.arrays import Flags, Floats
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.sums import OutcomeSums, in_units

LABEL = "label"
RESIDUAL = "residual"
ABSOLUTE = "absolute_error"
SQUARED = "squared_error"
PERCENTAGE = "percentage_error"
SQUARED_LOG = "squared_log_error"
WIDTH = "interval_width"
PINBALL = "pinball_loss"

_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
# a quantum is about this share of the spread of a column
_FINENESS = 2.0**-21
# fourth powers of such numbers are doubles still; nothing that was measured is so large
_ABSURD = 1e30


def pin_residuals(
    outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None, levels: Sequence[float]
) -> OutcomeSchema:
    """Pin the derived columns from the reference's labels, or without them from the scale of its predictions."""
    prediction = outputs.get(Role.PREDICTION)
    found = {} if joined is None else _derive(joined, levels)
    is_labelled = RESIDUAL in found and bool(np.isfinite(found[RESIDUAL]).any())
    has_bounds = {Role.LOWER, Role.UPPER} <= set(outputs) or WIDTH in found
    has_quantiles = bool(levels) and (Role.QUANTILE in outputs or PINBALL in found)
    if is_labelled:
        columns = {name: pin_column(name, ColumnType.FLOAT, [pa.array(values)]) for name, values in found.items()}
    else:
        columns = _unlabelled(prediction.schema if isinstance(prediction, NumericProfile) else None)
    names = [LABEL, RESIDUAL, ABSOLUTE, SQUARED, PERCENTAGE, SQUARED_LOG]
    names += [WIDTH] * has_bounds + [PINBALL] * has_quantiles
    own = tuple(columns.get(name) or replace(columns[ABSOLUTE], name=name) for name in names)
    return OutcomeSchema(columns=own, edges=_edges(prediction, joined))


def profile_residuals(joined: pa.Table, schema: OutcomeSchema, levels: Sequence[float]) -> OutcomeSums:
    """Profile predictions joined with their labels.

    Args:
        joined: One row per prediction, with the columns prediction, lower, upper, label (numbers or null), quantile (a
            list of doubles, or null) and excluded (boolean). The label of an excluded row is ignored.
        schema: Pinned schema.
        levels: The levels of the quantiles, in the order of their list.

    Raises:
        SchemaMismatchError: one of the columns is absent or of another type.
    """
    derived = _derive(joined, levels)
    absent = np.full(len(derived[LABEL]), np.nan)
    columns = {
        column.name: NumericProfile.of(column, [Numbers(values=derived.get(column.name, absent), nulls=0)])
        for column in schema.columns
    }
    labelled = joined.filter(_is_labelled(joined))
    prediction = _numbers(labelled, "prediction")
    return OutcomeSums(
        schema=schema,
        rows=joined.num_rows,
        excluded=pc.sum(joined.column("excluded")).as_py() or 0,
        columns=columns,
        sums={
            **_moments(derived[LABEL], derived[RESIDUAL], schema),
            **_coverage(labelled, derived[LABEL]),
            **dict(_by_decile(prediction, derived[RESIDUAL], schema)),
        },
    )


def absolute_errors(joined: pa.Table) -> Floats:
    """Compute the absolute error of each prediction; NaN without a label, and where it is beyond any number."""
    errors = np.abs(_numbers(joined, "prediction") - _numbers(joined, LABEL))
    is_measured = _is_labelled(joined).to_numpy() & (errors <= _ABSURD)
    return np.where(is_measured, errors, np.nan)


def spread_of(column: ColumnSchema) -> float:
    """Return a power of two of about the spread of a pinned column."""
    return column.quantum / _FINENESS


def _derive(joined: pa.Table, levels: Sequence[float]) -> dict[str, Floats]:
    """Compute the columns of the labelled predictions; those of outputs that the model lacks are absent."""
    rows = joined.filter(_is_labelled(joined))
    label, prediction = _numbers(rows, LABEL), _numbers(rows, "prediction")
    with np.errstate(all="ignore"):
        residual = prediction - label
        residual[(np.abs(residual) > _ABSURD) | (np.abs(label) > _ABSURD)] = np.inf
        absolute = np.abs(residual)
        logarithms = np.log1p(np.maximum(prediction, -1.0)) - np.log1p(np.maximum(label, -1.0))
        has_none = (prediction <= -1) | (label <= -1)
        found = {
            LABEL: label,
            RESIDUAL: residual,
            ABSOLUTE: absolute,
            SQUARED: absolute**2,
            # a label of 0 has no percentage, not even of an error of 0
            PERCENTAGE: np.where(label == 0, np.inf, absolute / np.abs(label)),
            SQUARED_LOG: np.where(has_none, np.inf, logarithms**2),
        }
        if _has(joined, "lower") and _has(joined, "upper"):
            found[WIDTH] = _numbers(rows, "upper") - _numbers(rows, "lower")
        if levels and _has(joined, "quantile"):
            found[PINBALL] = _pinball(rows, label, levels)
    return found


def _pinball(rows: pa.Table, label: Floats, levels: Sequence[float]) -> Floats:
    """Compute the mean pinball loss over the levels, of each row."""
    column = rows.column("quantile").combine_chunks()
    if not pa.types.is_fixed_size_list(column.type) or column.type.list_size != len(levels):
        raise SchemaMismatchError(
            f"Column 'quantile' of the joined labels is of type {column.type}, not a list of {len(levels)} doubles.",
            column="quantile",
            type=str(column.type),
        )
    values = column.cast(pa.list_(pa.float64(), len(levels))).flatten().fill_null(np.nan).to_numpy(zero_copy_only=False)
    distance = label[:, None] - values.reshape(len(label), len(levels))
    level = np.array(levels)
    losses: Floats = np.maximum(level * distance, (level - 1) * distance).mean(axis=1)
    return losses


def _moments(label: Floats, residual: Floats, schema: OutcomeSchema) -> dict[str, int]:
    """Sum what R² and WMAPE, and their variances, follow from: over rows with both a label and a prediction."""
    held = np.isfinite(residual)
    deviation, error = label[held] - schema[LABEL].centre, residual[held] / spread_of(schema[RESIDUAL])
    reach = float(np.abs(deviation).max(initial=0.0))
    total, squares = sum_quantised(deviation, schema[LABEL].quantum, reach=reach)
    scaled, size = deviation / spread_of(schema[LABEL]), np.abs(label[held]) / spread_of(schema[LABEL])
    return {
        "rows": int(held.sum()),
        "label": total,
        "label2": squares,
        "u3": in_units(scaled**3),
        "u4": in_units(scaled**4),
        "e2u": in_units(error**2 * scaled),
        "e2u2": in_units(error**2 * scaled**2),
        "size": in_units(size),
        "size2": in_units(size**2),
        "e1size": in_units(np.abs(error) * size),
    }


def _coverage(rows: pa.Table, label: Floats) -> dict[str, int]:
    lower, upper = _numbers(rows, "lower"), _numbers(rows, "upper")
    bounded = ~np.isnan(lower) & ~np.isnan(upper) & ~np.isnan(label)
    return {
        "bounded": int(bounded.sum()),
        "crossed": int((bounded & (lower > upper)).sum()),
        "covered": int((bounded & (lower <= label) & (label <= upper)).sum()),
    }


def _by_decile(prediction: Floats, residual: Floats, schema: OutcomeSchema) -> Iterator[tuple[str, int]]:
    """Sum the residuals by decile of the prediction, in quanta."""
    held = np.isfinite(residual)
    places = np.searchsorted(np.array(schema.edges), prediction[held], side="right")
    for place in range(len(schema.edges) + 1):
        own = residual[held][places == place]
        reach = float(np.abs(own).max(initial=0.0))
        total, squares = sum_quantised(own, schema[RESIDUAL].quantum, reach=reach)
        yield from {f"{place}.rows": len(own), f"{place}.total": total, f"{place}.squares": squares}.items()


def _edges(prediction: ColumnProfile | None, joined: pa.Table | None) -> tuple[float, ...]:
    """Return the deciles of the prediction in the reference, each once."""
    if isinstance(prediction, NumericProfile):
        found = [prediction.quantile(tenth) for tenth in _TENTHS]
    else:
        values = np.zeros(0) if joined is None else _numbers(joined, "prediction")
        held = values[np.isfinite(values)]
        found = np.quantile(held, _TENTHS).tolist() if len(held) else []
    return tuple(sorted({edge for edge in found if edge is not None}))


def _unlabelled(prediction: ColumnSchema | None) -> dict[str, ColumnSchema]:
    """Return schemas on the scale of the prediction, for a reference without labels."""
    quantum = _FINENESS if prediction is None or prediction.integer else prediction.quantum
    of_ratio = ColumnSchema(name=PERCENTAGE, kind=Kind.NUMERIC, quantum=_FINENESS)
    own = ColumnSchema(name=ABSOLUTE, kind=Kind.NUMERIC, quantum=quantum)
    label = own if prediction is None or prediction.integer else prediction
    return {
        LABEL: replace(label, name=LABEL),
        RESIDUAL: replace(own, name=RESIDUAL),
        ABSOLUTE: own,
        SQUARED: replace(own, name=SQUARED, quantum=quantum * quantum / _FINENESS),
        PERCENTAGE: of_ratio,
        SQUARED_LOG: replace(of_ratio, name=SQUARED_LOG),
    }


def _is_labelled(joined: pa.Table) -> pa.ChunkedArray:
    return pc.and_not(pc.is_valid(_column(joined, LABEL)), pc.fill_null(_column(joined, "excluded"), fill_value=False))


def _has(joined: pa.Table, name: str) -> bool:
    column = _column(joined, name)
    return bool(column.null_count < len(column))


def _numbers(rows: pa.Table, name: str) -> Floats:
    """Return the values as doubles; NaN where there is none."""
    column = _column(rows, name)
    is_held: Flags = column.is_valid().to_numpy()
    values = np.full(len(column), np.nan)
    values[is_held] = read_numbers(column, name).values
    return values


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise SchemaMismatchError(f"The joined labels lack column {name!r}.", column=name)
    return table.column(name)

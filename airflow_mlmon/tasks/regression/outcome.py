"""Outcome profile of a regression: columns derived from predictions and labels, beside exact sums.

The residual is the prediction minus the label. Every column is profiled over the labelled predictions; one that is
NaN or beyond any number that was measured is counted there and is in no sum. Products of labels and residuals, from
which the variance of ratios follows, are sums in units of the spreads that the schema pins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.engine.pinning import pin_column
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.exact import sum_quantised
from airflow_mlmon.profiles.values.reading import Numbers
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.regression.residuals import (
    ABSOLUTE,
    LABEL,
    LOWER,
    PERCENTAGE,
    PINBALL,
    PREDICTION,
    RESIDUAL,
    SQUARED,
    SQUARED_LOG,
    UPPER,
    WIDTH,
    Block,
    derive_blocks,
    read_doubles,
)
from airflow_mlmon.tasks.regression.table import QUANTILES
from airflow_mlmon.tasks.sums import OutcomeSums, in_units

_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
_DERIVED = (LABEL, RESIDUAL, ABSOLUTE, SQUARED, PERCENTAGE, SQUARED_LOG, WIDTH, PINBALL)
# the others have no quantile that anybody asks for
_DISTRIBUTED = frozenset({LABEL, RESIDUAL, *QUANTILES})
_MEDIAN = 0.5
# a quantum is about this share of the spread of a column
_FINENESS = 2.0**-21
# sums by decile are in units of so many quanta of the residual
_COARSER = 2.0**7
# squares of smaller whole numbers add up exactly as doubles, of a block
_SMALL = 2.0**18


def pin_residuals(
    outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None, levels: Sequence[float]
) -> OutcomeSchema:
    """Pin the derived columns from the reference's labels, or without them from the scale of its predictions."""
    prediction = outputs.get(Role.PREDICTION)
    found = {} if joined is None else _concatenate(list(derive_blocks(joined, levels)))
    is_labelled = RESIDUAL in found and bool(np.isfinite(found[RESIDUAL]).any())
    has_bounds = {Role.LOWER, Role.UPPER} <= set(outputs) or WIDTH in found
    has_quantiles = bool(levels) and (Role.QUANTILE in outputs or PINBALL in found)
    if is_labelled:
        columns = {
            name: pin_column(name, ColumnType.FLOAT, [pa.array(found[name])]) for name in _DERIVED if name in found
        }
    else:
        columns = _unlabelled(prediction.schema if isinstance(prediction, NumericProfile) else None)
    lacking = {WIDTH: not has_bounds, PINBALL: not has_quantiles}
    names = [name for name in _DERIVED if not lacking.get(name)]
    own = [columns.get(name) or replace(columns[ABSOLUTE], name=name) for name in names]
    if is_labelled:
        own += _around_quantiles(columns[RESIDUAL], found[RESIDUAL])
    return OutcomeSchema(columns=tuple(own), edges=_edges(prediction, joined))


def _around_quantiles(residual: ColumnSchema, values: Floats) -> list[ColumnSchema]:
    """Pin the residual once more around its outer quantiles, near which the grid is then at its finest."""
    held = values[np.isfinite(values)]
    # its own centre is the median
    outer = {name: share for name, share in QUANTILES.items() if share != _MEDIAN}
    return [
        replace(residual, name=name, centre=float(np.quantile(held, share, method="inverted_cdf")) + 0.0, atoms=())
        for name, share in outer.items()
    ]


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
    blocks = list(derive_blocks(joined, levels))
    sums: Counter[str] = Counter()
    for block in blocks:
        held = np.isfinite(block[RESIDUAL])
        own = block if held.all() else {name: values[held] for name, values in block.items()}
        sums.update(_moments(own[LABEL], own[RESIDUAL], schema))
        sums.update(_by_decile(own[PREDICTION], own[RESIDUAL], schema))
        if LOWER in block:
            sums.update(_coverage(block))
    return OutcomeSums(
        schema=schema,
        rows=joined.num_rows,
        excluded=pc.sum(joined.column("excluded")).as_py() or 0,
        columns={column.name: _profile(column, blocks) for column in schema.columns},
        sums=sums,
    )


def _profile(column: ColumnSchema, blocks: Sequence[Block]) -> NumericProfile:
    name = RESIDUAL if column.name in QUANTILES else column.name
    values = (
        Numbers(values=block[name], nulls=0) if name in block else Numbers(values=np.zeros(0), nulls=len(block[LABEL]))
        for block in blocks
    )
    return NumericProfile.of(column, values, is_summed_only=column.name not in _DISTRIBUTED)


def _concatenate(blocks: Sequence[Block]) -> dict[str, Floats]:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def spread_of(column: ColumnSchema) -> float:
    """Return a power of two of about the spread of a pinned column."""
    return column.quantum / _FINENESS


def _moments(label: Floats, residual: Floats, schema: OutcomeSchema) -> dict[str, int]:
    """Sum what R² and WMAPE, and their variances, follow from: over rows with both a label and a prediction."""
    deviation, error = label - schema[LABEL].centre, residual / spread_of(schema[RESIDUAL])
    reach = float(np.abs(deviation).max(initial=0.0))
    total, squares = sum_quantised(deviation, schema[LABEL].quantum, reach=reach)
    scaled, size = deviation / spread_of(schema[LABEL]), np.abs(label) / spread_of(schema[LABEL])
    square, squared_error = scaled * scaled, error * error
    return {
        "rows": len(label),
        "label": total,
        "label2": squares,
        "u3": in_units(square * scaled),
        "u4": in_units(square * square),
        "e2u": in_units(squared_error * scaled),
        "e2u2": in_units(squared_error * square),
        "size": in_units(size),
        "size2": in_units(size * size),
        "e1size": in_units(np.abs(error) * size),
    }


def _coverage(rows: Block) -> dict[str, int]:
    label, lower, upper = rows[LABEL], rows[LOWER], rows[UPPER]
    bounded = ~np.isnan(lower) & ~np.isnan(upper) & ~np.isnan(label)
    return {
        "bounded": int(bounded.sum()),
        "crossed": int((bounded & (lower > upper)).sum()),
        "covered": int((bounded & (lower <= label) & (label <= upper)).sum()),
    }


def unit_of_deciles(schema: OutcomeSchema) -> float:
    """Return the unit of the sums by decile."""
    return schema[RESIDUAL].quantum * _COARSER


def _by_decile(prediction: Floats, residual: Floats, schema: OutcomeSchema) -> dict[str, int]:
    """Sum the residuals by decile of the prediction."""
    # for so few edges faster than a search
    places = np.zeros(len(prediction), dtype=np.int64)
    for edge in schema.edges:
        places += prediction >= edge
    units = np.rint(residual / unit_of_deciles(schema))
    is_far = np.abs(units) >= _SMALL
    found = Counter(_sums_by_place(places[~is_far], units[~is_far]) if is_far.any() else _sums_by_place(places, units))
    # Python's integers hold the few whose squares a double does not
    for place, unit in zip(places[is_far].tolist(), units[is_far].tolist(), strict=True):
        found.update({f"{place}.rows": 1, f"{place}.total": int(unit), f"{place}.squares": int(unit) ** 2})
    return found


def _sums_by_place(places: npt.NDArray[np.int64], units: Floats) -> dict[str, int]:
    sums = {"rows": None, "total": units, "squares": units * units}
    return {
        f"{place}.{name}": int(total)
        for name, weights in sums.items()
        for place, total in enumerate(np.bincount(places, weights).tolist())
    }


def _edges(prediction: ColumnProfile | None, joined: pa.Table | None) -> tuple[float, ...]:
    """Return the deciles of the prediction in the reference, each once."""
    if isinstance(prediction, NumericProfile):
        found = [prediction.quantile(tenth) for tenth in _TENTHS]
    else:
        values = np.zeros(0) if joined is None else read_doubles(joined, PREDICTION)
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

"""Preparation of two samples for Evidently: columns, their kinds and their categories."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.model import ModelSpec

MAX_CATEGORIES = 30
_LONGEST_NAME = 60
_MAX_DISTINCT_SHARE = 0.5
_FEW_DISTINCT = 50
_NOT_COMPARED = {
    Role.ID: "identifier of the rows",
    Role.TIME: "time of the event",
    Role.OPERATIONAL: "of the requests, which have metrics of their own",
    Role.TRACE: "trace of the requests",
    Role.IGNORED: "ignored by the spec",
}
_UNFIT = {
    ColumnType.TIMESTAMP: "Evidently does not compare times",
    ColumnType.VECTOR: "vectors are not passed to Evidently; their norms and means are compared above, on all rows",
}
_OTHER = "(other values)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Two frames with the same columns, and the columns left out.

    Attributes:
        current: Rows of the day.
        reference: Rows of the reference.
        numeric: Numeric columns, by their names in the frames.
        category: Categorical columns, by their names in the frames.
        names: Names in the frames, by the column's own name.
        private: Columns whose values must not be shown.
        left_out: Columns left out, each with the reason.
    """

    current: pd.DataFrame
    reference: pd.DataFrame
    numeric: tuple[str, ...]
    category: tuple[str, ...]
    names: Mapping[str, str]
    private: frozenset[str]
    left_out: tuple[str, ...]


def draw_sample(
    *,
    current: pd.DataFrame,
    reference: pd.DataFrame,
    kinds: Mapping[str, Kind],
    spec: ModelSpec,
    only: Collection[str] | None = None,
) -> Sample:
    """Select and convert the columns of both frames that Evidently can compare; of a wide table `only` some."""
    both: tuple[dict[str, pd.Series], dict[str, pd.Series]] = ({}, {})
    numeric: list[str] = []
    category: list[str] = []
    names: dict[str, str] = {}
    left_out: list[str] = []
    for name in dict.fromkeys((*spec.columns, *kinds)):
        if only is not None and name in kinds and name not in only:
            continue
        if reason := _why_not(name, current, reference, spec):
            left_out.append(f"{_short(name)}: {reason}")
            continue
        pair = current[name], reference[name]
        is_number = _kind_of(name, kinds, spec) is Kind.NUMERIC
        values = tuple(_numbers(side) for side in pair) if is_number else _categories(*pair)
        if empty := [side for side, series in zip(("day", "reference"), values, strict=True) if series.isna().all()]:
            left_out.append(f"{_short(name)}: no values in the {empty[0]}")
            continue
        names[name] = _unique(_short(name), names.values())
        (numeric if is_number else category).append(names[name])
        for columns, series in zip(both, values, strict=True):
            columns[names[name]] = series
    if only is not None:
        left_out.append(f"{len(kinds) - len(only)} columns with less drift than the {len(only)} shown")
    private = frozenset(name for name, column in spec.columns.items() if column.personal or column.role is Role.ID)
    return Sample(
        current=pd.DataFrame(both[0], index=current.index),
        reference=pd.DataFrame(both[1], index=reference.index),
        numeric=tuple(numeric),
        category=tuple(category),
        names=names,
        private=private,
        left_out=tuple(left_out),
    )


def _why_not(name: str, current: pd.DataFrame, reference: pd.DataFrame, spec: ModelSpec) -> str:
    """Return the reason to leave a column out; empty if there is none."""
    declared = spec.columns.get(name)
    if declared is not None:
        if declared.personal:
            return "personal data"
        if declared.role in _NOT_COMPARED:
            return _NOT_COMPARED[declared.role]
        if declared.type in _UNFIT:
            return _UNFIT[declared.type]
    for side, frame in (("day", current), ("reference", reference)):
        if name not in frame.columns:
            return f"missing from the sample of the {side}"
    distinct, rows = _distinct_texts(current[name], reference[name])
    if distinct > max(_FEW_DISTINCT, _MAX_DISTINCT_SHARE * rows):
        return f"nearly all values are distinct ({distinct:,} of {rows:,})"
    return ""


def _distinct_texts(current: pd.Series, reference: pd.Series) -> tuple[int, int]:
    """Return the number of distinct texts, and of texts; none of a column of numbers."""
    if current.dtype == reference.dtype and pd.api.types.is_numeric_dtype(current.dtype):
        return 0, 0
    values = pd.concat([current, reference]).dropna()
    is_text = not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values))
    return (values.astype("str").nunique(), len(values)) if is_text else (0, 0)


def _kind_of(name: str, kinds: Mapping[str, Kind], spec: ModelSpec) -> Kind:
    if name in kinds:
        return kinds[name]
    is_number = spec.columns[name].type in {ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.DECIMAL}
    return Kind.NUMERIC if is_number else Kind.CATEGORY


def _numbers(series: pd.Series) -> pd.Series:
    """Convert to doubles; values that are not finite become missing."""
    numbers = pd.to_numeric(series, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _categories(current: pd.Series, reference: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Convert to texts: frequent values under short names, all others as one."""
    sides = [side.astype("str").where(side.notna()) for side in (current, reference)]
    # by share, so that values of the smaller side are not outweighed by the larger
    shares = sides[0].value_counts(normalize=True).add(sides[1].value_counts(normalize=True), fill_value=0)
    order = sorted(shares.index, key=lambda value: (-shares[value], value))
    names: dict[str, str] = {}
    for value in order[:MAX_CATEGORIES]:
        names[value] = _unique(_short(value), names.values())
    replaced = [side.map(lambda value: names.get(value, _OTHER), na_action="ignore").astype("object") for side in sides]
    return replaced[0], replaced[1]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _unique(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number if another column has it already."""
    used = set(taken)
    candidates = (name, *(f"{name} ({number})" for number in range(2, len(used) + 3)))
    return next(candidate for candidate in candidates if candidate not in used)

"""Makes two samples fit for evidently: which columns, as which kind, with how many categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.model import ModelSpec

MAX_CATEGORIES = 30
_LONGEST_NAME = 60
_MAX_DISTINCT_SHARE = 0.5
_FEW_DISTINCT = 50
_NOT_COMPARED = {
    Role.ID: "it identifies a row",
    Role.TIME: "it is the time of the event",
    Role.IGNORED: "the spec ignores it",
}
_UNFIT = {
    ColumnType.TIMESTAMP: "evidently does not compare times",
    ColumnType.VECTOR: "vectors are not handed to evidently; norm and mean are compared above, on every row",
}
_OTHER = "(other values)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Two frames with the same columns, and what was left out of them.

    Attributes:
        current: Rows of the night.
        reference: Rows of the reference.
        numeric: Columns of numbers, as they are named in the frames.
        category: Columns of categories, as they are named in the frames.
        names: Name in the frames, by the column's own name.
        private: Columns that nothing may be shown of.
        left_out: Columns that are missing here, each with the reason.
    """

    current: pd.DataFrame
    reference: pd.DataFrame
    numeric: tuple[str, ...]
    category: tuple[str, ...]
    names: Mapping[str, str]
    private: frozenset[str]
    left_out: tuple[str, ...]


def draw_sample(
    *, current: pd.DataFrame, reference: pd.DataFrame, drift: Sequence[ColumnDrift], spec: ModelSpec
) -> Sample:
    """The columns of both frames that evidently can compare, made fit for it."""
    kinds = {found.column: found.kind for found in drift}
    both = (pd.DataFrame(index=current.index), pd.DataFrame(index=reference.index))
    numeric: list[str] = []
    category: list[str] = []
    names: dict[str, str] = {}
    left_out: list[str] = []
    for name in dict.fromkeys((*spec.columns, *kinds)):
        if reason := _why_not(name, current, reference, spec):
            left_out.append(f"{_short(name)}: {reason}")
            continue
        pair = current[name], reference[name]
        is_number = _kind_of(name, kinds, spec) is Kind.NUMERIC
        values = tuple(_numbers(side) for side in pair) if is_number else _categories(*pair)
        if empty := [side for side, series in zip(("night", "reference"), values, strict=True) if series.isna().all()]:
            left_out.append(f"{_short(name)}: no values in the {empty[0]}")
            continue
        names[name] = _unique(_short(name), names.values())
        (numeric if is_number else category).append(names[name])
        for frame, series in zip(both, values, strict=True):
            frame[names[name]] = series
    private = frozenset(name for name, column in spec.columns.items() if column.personal or column.role is Role.ID)
    return Sample(
        current=both[0],
        reference=both[1],
        numeric=tuple(numeric),
        category=tuple(category),
        names=names,
        private=private,
        left_out=tuple(left_out),
    )


def _why_not(name: str, current: pd.DataFrame, reference: pd.DataFrame, spec: ModelSpec) -> str:
    """Why a column is left out; empty when it is not."""
    declared = spec.columns.get(name)
    if declared is not None:
        if declared.personal:
            return "it holds personal data"
        if declared.role in _NOT_COMPARED:
            return _NOT_COMPARED[declared.role]
        if declared.type in _UNFIT:
            return _UNFIT[declared.type]
    for side, frame in (("night", current), ("reference", reference)):
        if name not in frame.columns:
            return f"missing from the sample of the {side}"
    values = pd.concat([current[name], reference[name]]).dropna()
    is_text = not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values))
    distinct = values.astype("str").nunique() if is_text else 0
    if distinct > max(_FEW_DISTINCT, _MAX_DISTINCT_SHARE * len(values)):
        return f"nearly every value is different ({distinct:,} of {len(values):,})"
    return ""


def _kind_of(name: str, kinds: Mapping[str, Kind], spec: ModelSpec) -> Kind:
    if name in kinds:
        return kinds[name]
    is_number = spec.columns[name].type in {ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.DECIMAL}
    return Kind.NUMERIC if is_number else Kind.CATEGORY


def _numbers(series: pd.Series) -> pd.Series:
    """As doubles; what is no finite number is missing."""
    numbers = pd.to_numeric(series, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _categories(current: pd.Series, reference: pd.Series) -> tuple[pd.Series, pd.Series]:
    """As texts: the frequent values under short names, the rest as one."""
    sides = [side.astype("str").where(side.notna()) for side in (current, reference)]
    # by share, so that values of the smaller side are not lost in those of the larger
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
    """The name, with a number where another already has it."""
    used = set(taken)
    candidates = (name, *(f"{name} ({number})" for number in range(2, len(used) + 3)))
    return next(candidate for candidate in candidates if candidate not in used)

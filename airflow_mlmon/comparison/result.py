"""Result of a comparison, with its output for terminals, notebooks and programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlmon.comparison.compare import ColumnComparison, empty_share
from airflow_mlmon.comparison.dataset import Dataset
from airflow_mlmon.drift.sampled import P_VALUES
from airflow_mlmon.evaluation.pair import ALPHA, COMPANIONS, EMPTY_LIMIT, SHIFT_LIMIT
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.records import VerdictState

if TYPE_CHECKING:
    # only who names a label needs the types of a spec
    from airflow_mlmon.comparison.performance import PerformanceComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Comparison of two data sets.

    Attributes:
        reference: The reference data set.
        current: The data set compared with it.
        columns: All columns of either, sorted by drift.
        performance: Metrics by the labels; None if no label was named.
    """

    reference: Dataset
    current: Dataset
    columns: tuple[ColumnComparison, ...]
    performance: PerformanceComparison | None = None

    @property
    def drifted(self) -> tuple[str, ...]:
        """Return the drifted columns, the largest drift first."""
        return tuple(column.column for column in self.columns if column.has_drifted)

    @property
    def evaluated(self) -> int:
        """Return the number of columns with a verdict."""
        return sum(column.state is not VerdictState.INSUFFICIENT_DATA for column in self.columns)

    @property
    def headline(self) -> str:
        """Summarise the comparison in one sentence."""
        without = len(self.columns) - self.evaluated
        rest = f", {without} without enough data" if without else ""
        if not self.evaluated:
            return "Not enough data to compare any column."
        return f"{len(self.drifted)} of {self.evaluated} columns have drifted{rest}."

    @property
    def rule(self) -> str:
        """Return the definition of drift in this comparison."""
        limits = sorted({(_effect_name(column), column.limit) for column in self.columns if column.limit is not None})
        effects = ", ".join(f"{name} ≥ {limit:g}" for name, limit in limits) or "effect size"
        has_vectors = any(column.shift is not None for column in self.columns)
        shift = f"or the mean of a vector shifted by ≥ {SHIFT_LIMIT:g} standard deviations, " if has_vectors else ""
        return (
            f"Drift: p ≤ {ALPHA:g} (two-sample test, Holm-corrected over all columns) and {effects}; "
            f"or the null rate changed by ≥ {EMPTY_LIMIT:.0%}, {shift}with p ≤ {ALPHA:g} too. "
            "Without a history, variation from day to day is not taken into account."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all results as JSON-compatible objects."""
        return {
            "reference": _side(self.reference),
            "current": _side(self.current),
            "drifted": list(self.drifted),
            "evaluated": self.evaluated,
            "rule": self.rule,
            "columns": [_column(column) for column in self.columns],
            **({"performance": _performance(self.performance)} if self.performance else {}),
        }

    def to_html(self) -> str:
        """Render a page in one file, without scripts and without external resources."""
        from airflow_mlmon.comparison.page import render_comparison  # noqa: PLC0415 - draws charts

        return render_comparison(self)

    def _repr_html_(self) -> str:
        """Render the columns as a table, for notebooks."""
        from airflow_mlmon.comparison.notebook import comparison_table  # noqa: PLC0415 - imports the templates

        return comparison_table(self)


def _effect_name(column: ColumnComparison) -> str:
    if column.score == column.effect:
        return f"{column.method}"
    if column.method in P_VALUES and column.reference is not None:
        return f"effect size of {COMPANIONS[column.reference.schema.kind]}"
    return f"effect size of {column.method}"


def _side(dataset: Dataset) -> Mapping[str, Any]:
    return {
        "name": dataset.name,
        "files": list(dataset.files),
        "rows": dataset.profile.rows,
        "schema": dataset.schema.id,
    }


def _column(column: ColumnComparison) -> Mapping[str, Any]:
    return {
        "column": column.column,
        "content": column.content,
        "state": column.state.value,
        "method": column.method,
        "score": _finite(column.score),
        "effect": _finite(column.effect),
        "limit": column.limit,
        "test": column.test,
        "p_value": column.p_value,
        "empty_p_value": column.empty_p_value,
        "mean_shift": column.shift.value if column.shift else None,
        "mean_shift_p_value": column.shift_p_value,
        "reference": _counts(column.reference),
        "current": _counts(column.current),
        "note": column.note,
    }


def _counts(column: ColumnProfile | None) -> Mapping[str, Any] | None:
    if column is None:
        return None
    return {"rows": column.rows, "empty": column.missing, "empty_share": empty_share(column), "used": column.observed}


def _performance(found: PerformanceComparison) -> Mapping[str, Any]:
    return {
        "task": found.task,
        "metrics": {
            row.metric: {
                "reference": row.before,
                "current": row.after,
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "is_significant": row.is_apart,
            }
            for row in found.differences
        },
        "missing": dict(found.missing),
    }


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None

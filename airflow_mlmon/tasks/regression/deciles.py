"""Residuals by decile of the prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from airflow_mlmon.statistics.intervals import Interval, interval_around
from airflow_mlmon.tasks.outcome_table import OutcomePoint, OutcomeTable
from airflow_mlmon.tasks.regression.outcome import unit_of_deciles
from airflow_mlmon.tasks.sums import OutcomeSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Decile:
    """Residuals of the predictions between two deciles of the reference."""

    rows: int
    mean: float
    interval: Interval | None


def residuals_by_decile(profile: OutcomeSums) -> list[Decile | None]:
    """Return the mean residual of each decile of the prediction; None where it has no row."""
    if profile.schema is None:
        return []
    quantum, found = unit_of_deciles(profile.schema), list[Decile | None]()
    for place in range(len(profile.schema.edges) + 1):
        rows, total, squares = (profile.sum(f"{place}.{key}") for key in ("rows", "total", "squares"))
        spread = math.sqrt(rows * squares - total * total)
        width = spread * quantum / rows / math.sqrt(rows - 1) if rows > 1 else 0.0
        mean = total / rows * quantum if rows else 0.0
        interval = interval_around(mean, width**2) if width else None
        found.append(Decile(rows=rows, mean=mean, interval=interval) if rows else None)
    return found


def table_residuals(profile: OutcomeSums, reference: OutcomeSums | None) -> tuple[OutcomeTable, ...]:
    """Show the mean residual by decile of the prediction, beside that of the reference."""
    found = residuals_by_decile(profile)
    if profile.schema is None or not any(found):
        return ()
    before = residuals_by_decile(reference) if reference is not None and reference.schema == profile.schema else []
    names = _ranges(profile.schema.edges)
    known = [*before, *[None] * (len(found) - len(before))]
    rows, points = [], []
    for name, own, other in zip(names, found, known, strict=True):
        low, high = (own.interval if own else None) or (None, None)
        mean, expected = own.mean if own else None, other.mean if other else None
        rows.append((name, own.rows if own else 0, mean, low, high, expected))
        points.append(OutcomePoint(name=name, value=mean, low=low, high=high, expected=expected))
    return (
        OutcomeTable(
            title="Residual by decile of the prediction",
            columns=("Prediction", "Rows", "Mean residual", "95 % low", "95 % high", "In the reference"),
            rows=tuple(rows),
            note="Prediction minus label: above 0, the model predicts too much. Deciles are those of the reference.",
            points=tuple(points),
            axis="mean residual",
        ),
    )


def _ranges(edges: Sequence[float]) -> list[str]:
    texts = [f"{edge:.4g}" for edge in edges]
    if not texts:
        return ["all"]
    inner = [f"{low} to {high}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}", *inner, f"from {texts[-1]}"]

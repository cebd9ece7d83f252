"""Alarms of estimates and shifts on days without a change, and where labels no longer follow the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from airflow_mlmon.drift.expected_loss import MAX_LOSSES, LossModel, fit_losses
from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import CONCEPT_SHIFT, COVARIATE_SHIFT
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import SCHEMA
from airflow_mlmon.tasks.estimates import concept_shifts, estimate_parts, estimation_gaps, without_part
from airflow_mlmon.tasks.parts import (
    EXPECTED,
    LOSS,
    OutcomeParts,
    measure_parts,
    profile_outcome_parts,
    sum_outcome_parts,
)
from tests.benchmarks.measured import Measured

# days of the reference, days evaluated after each, and how many are evaluated of each number of rows
_PAST, _AFTER = 14, 10
_DAYS = {200: 200, 1_000: 200, 5_000: 100}
_POWER_ROWS, _POWER_DAYS, _FLIPPED = 5_000, 100, 0.1
_DAILY = 0.1
_MARCH = date(2026, 3, 1)
_TASK = Binary()
_COLUMNS = tuple(ColumnSchema(name=name, kind=Kind.NUMERIC) for name in ("amount", "term", "score"))
# half of the 5 % is for rows, half for labels
_POLICY = EvaluationPolicy(rate=0.025)
_EVALUATED = {*_TASK.evaluated, COVARIATE_SHIFT}

Drawn = tuple[pa.Table, pa.Table]
Families = tuple[list[MetricValue], list[MetricValue]]


def null_alarm() -> Measured:
    """Share of unchanged days with any alarm of an estimate, a gap or a shift; the largest of the settings."""
    found = {f"{rows} rows": _share(rows, days, None) for rows, days in _DAYS.items()}
    found["5000 rows, days vary by 0.1 sd"] = _share(5_000, _DAYS[5_000], None, daily=_DAILY)
    words = ", ".join(f"{name} {share:.3f}" for name, share in found.items())
    return Measured(figure=max(found.values()), note=words, details=found)


def power() -> Measured:
    """Share of days of 5,000 rows on which a tenth of the labels is turned round and the relation is found to move."""
    share = _share(_POWER_ROWS, _POWER_DAYS, CONCEPT_SHIFT, flipped=_FLIPPED)
    return Measured(figure=share, note=f"{_POWER_DAYS} days")


def _share(rows: int, days: int, subject: str | None, *, flipped: float = 0.0, daily: float = 0.0) -> float:
    """Return the share of days with a breach of a metric, or of any."""
    random = np.random.default_rng(rows)
    breached = [
        [verdict.metric for verdict in verdicts if verdict.state is VerdictState.BREACH]
        for _ in range(math.ceil(days / _AFTER))
        for verdicts in _days(random, rows, flipped, daily)
    ]
    return sum(subject in found if subject else bool(found) for found in breached) / len(breached)


def _days(random: np.random.Generator, rows: int, flipped: float, daily: float) -> Iterator[list[Verdict]]:
    """Yield the verdicts on some days after a reference."""
    drawn = [_draw(random, rows, str(back), daily=daily) for back in range(_PAST)]
    inputs, joined = (pa.concat_tables(side).slice(0, MAX_LOSSES) for side in zip(*drawn, strict=True))
    model = fit_losses(inputs, _TASK.losses(joined), _COLUMNS, "id")
    assert model is not None, "enough rows are labelled"
    days = [_profile(model, day, is_own=True) for day in drawn]
    reference = sum_outcome_parts(_TASK, days)
    past = [_measure(day, without_part(reference, day)) for day in days]
    for ahead in range(_AFTER):
        day = _draw(random, rows, f"after {ahead}", flipped=flipped, daily=daily)
        families = _measure(_profile(model, day, is_own=False), reference)
        yield [
            verdict
            for place, family in enumerate(families)
            for verdict in evaluate_day(_evidence(family, [one[place] for one in past]), _POLICY)
        ]


def _draw(random: np.random.Generator, rows: int, day: str, *, flipped: float = 0.0, daily: float = 0.0) -> Drawn:
    """Draw inputs with their score, which leaves something to be explained, and beside them the joined labels."""
    amount, term = random.normal(daily * random.normal(), 1, rows), random.normal(0, 1, rows)
    truth, score = (1 / (1 + np.exp(-logit)) for logit in (amount + term / 2, 0.8 * amount))
    label = random.random(rows) < np.where(random.random(rows) < flipped, 1 - truth, truth)
    ids = [f"{day}-{row}" for row in range(rows)]
    return pa.table({"id": ids, "amount": amount, "term": term, "score": score}), pa.table(
        {"score": score, "prediction": score > 0.5, "label": label, "excluded": np.zeros(rows, dtype=bool)}
    )


def _profile(model: LossModel, drawn: Drawn, *, is_own: bool) -> OutcomeParts:
    inputs, joined = drawn
    expected = model.expect_own(inputs, "id") if is_own else model.expect(inputs)
    losses = joined.append_column(LOSS, pa.array(_TASK.losses(joined))).append_column(EXPECTED, pa.array(expected))
    return profile_outcome_parts(_TASK, losses, inputs, [], SCHEMA, exponent=model.exponent)


def _measure(day: OutcomeParts, reference: OutcomeParts) -> Families:
    """Return what is evaluated on the day, and what once its labels have come."""
    estimates = estimate_parts(_TASK, day, reference)
    measured = measure_parts(_TASK, day, 0.5)
    gaps = estimation_gaps(estimates, measured, _TASK)
    of_rows = [value for value in estimates if value.metric in _EVALUATED]
    return of_rows, [*gaps, *concept_shifts(_TASK, day, reference, measured, 0.5)]


def _evidence(now: Sequence[MetricValue], past: Sequence[Sequence[MetricValue]]) -> PartitionEvidence:
    before: dict[tuple[str, str | None, str | None], list[tuple[date, Point]]] = {}
    for back, values in enumerate(past, 1):
        for value in values:
            point = Point(value=float(value.value or 0.0), rows=value.rows)
            before.setdefault(value.key, []).append((_MARCH - timedelta(days=back), point))
    return PartitionEvidence(day=_MARCH, metrics=now, past=before)

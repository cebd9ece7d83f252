"""Labelled days on which nothing happens, and days with one fault, evaluated as the product does.

A kind of model gives a function that draws the rows of a day. Metrics of labels are evaluated against 60 past days: at
the whole rate of 5 % where nothing has changed, and at half of it, which labels have by default, where something has.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import MetricValue, SubjectKey, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.task import Task
from tests.benchmarks.measured import Measured

ROWS = (200, 1_000, 5_000)
PAST = 60
_REFERENCE_ROWS = 20_000
_POLICY = EvaluationPolicy()
_HALF = _POLICY.model_copy(update={"rate": _POLICY.rate / 2})
_FIRST = date(2026, 1, 1)

Draw = Callable[[np.random.Generator, int], pa.Table]


@dataclass
class LabelledDays:
    """Days of one kind of model, each with the days before as its past."""

    task: Task
    draw: Draw
    rows: int
    seed: int
    past: deque[list[MetricValue]] = field(default_factory=lambda: deque(maxlen=PAST))

    def __post_init__(self) -> None:
        """Pin the schema and draw the past."""
        self.random = np.random.default_rng(self.seed)
        reference = self.draw(self.random, _REFERENCE_ROWS)
        self.schema: OutcomeSchema = self.task.pin_outcomes({}, reference)
        self.scales = self.task.scales(self.task.profile_outcomes(reference, self.schema))
        self.renew()

    def renew(self) -> None:
        """Draw another past."""
        self.past.clear()
        for _ in range(PAST):
            self.past.append(self.measure(self.draw))

    def measure(self, draw: Draw) -> list[MetricValue]:
        """Measure a new day, as far as it is evaluated."""
        table = draw(self.random, max(int(self.random.poisson(self.rows)), 1))
        values = self.task.measure(self.task.profile_outcomes(table, self.schema), 0.0)
        return [value for value in values if value.metric in self.task.evaluated]

    def breaches(self, draw: Draw, policy: EvaluationPolicy) -> tuple[list[Verdict], list[MetricValue]]:
        """Evaluate a new day; also return what was measured of it."""
        metrics = self.measure(draw)
        day = _FIRST + timedelta(days=PAST)
        past: dict[SubjectKey, list[tuple[date, Point]]] = {}
        for at, values in enumerate(self.past):
            for value in values:
                if value.value is not None:
                    point = Point(value=value.value, rows=value.rows)
                    past.setdefault(value.key, []).append((_FIRST + timedelta(days=at), point))
        evidence = PartitionEvidence(day=day, metrics=metrics, past=past, scales=self.scales)
        found = [one for one in evaluate_day(evidence, policy) if one.state is VerdictState.BREACH]
        return found, metrics


def null_alarm(task: Task, draw: Draw, days: int = 600, renewed: int = 60) -> Measured:
    """The largest share of healthy days with an alarm, of three numbers of rows."""
    found = {str(rows): _alarms(LabelledDays(task, draw, rows, seed=rows), days, renewed) / days for rows in ROWS}
    error = math.sqrt(0.05 * 0.95 / days)
    each = ", ".join(f"{rows} rows {share:.3f}" for rows, share in found.items())
    note = f"{days} days each: {each}; sampling error of 0.05: {error:.3f}"
    return Measured(figure=max(found.values()), note=note, details={"days": days, "alarms": found})


def power(task: Task, draw: Draw, faults: dict[str, Draw], days: int = 200) -> Measured:
    """The smallest share, over the faults, of days of 5,000 rows on which a metric of performance is in breach."""
    world, found = LabelledDays(task, draw, ROWS[-1], seed=11), {}
    for name, fault in faults.items():
        hits = 0
        for _ in range(days):
            breaches, _metrics = world.breaches(fault, _HALF)
            hits += any(task.metrics[one.metric].is_performance for one in breaches)
            # the fault lasts one day: the next one has a healthy past
            world.past.append(world.measure(draw))
        found[name] = hits / days
    each = ", ".join(f"{name} {share:.3f}" for name, share in found.items())
    return Measured(
        figure=min(found.values()), note=f"{days} days each: {each}", details={"days": days, "found": found}
    )


def _alarms(world: LabelledDays, days: int, renewed: int) -> int:
    alarms = 0
    for day in range(days):
        if day and day % renewed == 0:
            world.renew()
        breaches, metrics = world.breaches(world.draw, _POLICY)
        alarms += bool(breaches)
        world.past.append(metrics)
    return alarms

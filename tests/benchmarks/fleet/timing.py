"""Times what a process does in a store: its functions, and each statement with its plan."""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.store.metric_store import MetricStore


@dataclass(slots=True)
class StoreTimes:
    """What was done in a store.

    Attributes:
        seconds: In all functions of the store, the making of records from rows in.
        cpu: The same in CPU seconds of this process.
        calls: By function, how often it was called.
        spent: By function, its seconds.
        statements: Statements with their seconds and parameters.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    statements: list[tuple[float, str, Any]] = field(default_factory=list)

    @property
    def slowest(self) -> list[tuple[float, str, Any]]:
        """The statements, the slowest first."""
        return sorted(self.statements, key=lambda one: -one[0])


@contextmanager
def timed(store: MetricStore) -> Iterator[StoreTimes]:
    """Time what is done in a store; calls of a function within another count once."""
    times, before = StoreTimes(), {}
    depth = [0]
    for name, function in inspect.getmembers(MetricStore, inspect.isfunction):
        if not name.startswith("_"):
            before[name] = function
            setattr(MetricStore, name, _timed(function, times, depth))
    engine, started = store._database.engine, []
    begin = lambda *_: started.append(time.perf_counter())  # noqa: E731 - two listeners that are removed below
    end = lambda _c, _cursor, text, values, *_: times.statements.append(  # noqa: E731
        (time.perf_counter() - started.pop(), text, values)
    )
    sa.event.listen(engine, "before_cursor_execute", begin)
    sa.event.listen(engine, "after_cursor_execute", end)
    try:
        yield times
    finally:
        sa.event.remove(engine, "before_cursor_execute", begin)
        sa.event.remove(engine, "after_cursor_execute", end)
        for name, function in before.items():
            setattr(MetricStore, name, function)


def plan_of(store: MetricStore, text: str, values: Any) -> list[str]:
    """The plan of a query."""
    explain = "EXPLAIN QUERY PLAN " if store._database.engine.dialect.name == "sqlite" else "EXPLAIN "
    with store._database.reading() as connection:
        return [str(row[-1]) for row in connection.exec_driver_sql(explain + text, values)]


def _timed(function: Any, times: StoreTimes, depth: list[int]) -> Any:
    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Any:
        depth[0] += 1
        begun, worked = time.perf_counter(), time.process_time()
        try:
            return function(*arguments, **settings)
        finally:
            depth[0] -= 1
            if depth[0] == 0:
                taken = time.perf_counter() - begun
                times.seconds += taken
                times.cpu += time.process_time() - worked
                times.calls[function.__name__] += 1
                times.spent[function.__name__] += taken

    return call

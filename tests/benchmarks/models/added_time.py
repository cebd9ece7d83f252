"""Time that outcome profiles add to the profile of the features."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.tasks import registry
from airflow_mlmon.tasks.multiclass.description import Multiclass
from airflow_mlmon.tasks.parts import profile_outcome_parts
from airflow_mlmon.tasks.task import Task
from tests.benchmarks.measured import Measured
from tests.support.labelled import random_labels, random_numbers
from tests.support.ranked import random_groups

ROWS, TURNS = 1_000_000, 3
TASKS = ("binary", "multiclass", "regression", "ranking")
_CLASSES = tuple(f"class {number}" for number in range(10))
_VALUES = {"origin": ("EWR", "JFK", "LGA"), "channel": ("web", "app", "desk", "phone"), "tier": ("gold", "silver")}
SEGMENTS = tuple(SegmentSchema(columns=(name,), values=values) for name, values in _VALUES.items())
TASK_OF = {**registry.TASKS, "multiclass": Multiclass(_CLASSES)}


def added_time(name: str) -> Measured:
    """Divide the time of outcome profiles by that of the features' profile, both with three segments, in turns."""
    task, joined, features = TASK_OF[name], _drawn(name), _features()
    schema = pin_columns("model", _types(features), features.slice(0, 100_000))
    schema = replace(schema, segments=SEGMENTS)
    pinned = task.pin_outcomes({}, joined.slice(0, 100_000))
    of_features, of_outcomes = [], []
    for _ in range(TURNS):
        of_features.append(_seconds(lambda: profile_table(features, schema)))
        of_outcomes.append(_seconds(lambda: _profile(task, joined, features, pinned)))
    ratio = float(np.median(of_outcomes) / np.median(of_features))
    note = f"{np.median(of_outcomes):.2f} s beside {np.median(of_features):.2f} s of {features.num_columns} features"
    return Measured(figure=ratio, note=note)


def _profile(task: Task, joined: pa.Table, features: pa.Table, pinned: object) -> None:
    profile_outcome_parts(task, joined, features, SEGMENTS, pinned)  # type: ignore[arg-type]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _drawn(name: str) -> pa.Table:
    match name:
        case "binary":
            return random_labels(ROWS, 1)
        case "regression":
            return random_numbers(ROWS, 1)
        case "ranking":
            # the segments are those of whole groups, as they are archived
            return random_groups(ROWS, 1)
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(len(_CLASSES)), ROWS)
    names = np.array(_CLASSES)
    return pa.table(
        {
            "prediction": names[probabilities.argmax(axis=1)],
            "probability": pa.FixedSizeListArray.from_arrays(pa.array(probabilities.ravel()), len(_CLASSES)),
            "label": pa.array(names[random.integers(0, len(_CLASSES), ROWS)], mask=random.random(ROWS) < 0.1),
            "excluded": random.random(ROWS) < 0.05,
        }
    )


def _features() -> pa.Table:
    """Ten doubles, five integers and five categories, three of which divide the rows."""
    random = np.random.default_rng(2)
    columns = {f"amount_{number}": random.lognormal(3, 1, ROWS) for number in range(10)}
    columns |= {f"count_{number}": random.poisson(40 * number + 5, ROWS) for number in range(5)}
    columns |= {f"code_{number}": random.integers(0, 50, ROWS).astype(str) for number in range(2)}
    columns |= {name: np.array(values)[random.integers(0, len(values), ROWS)] for name, values in _VALUES.items()}
    return pa.table(columns)


def _types(features: pa.Table) -> dict[str, ColumnType]:
    kinds = {"amount": ColumnType.FLOAT, "count": ColumnType.INTEGER}
    return {name: kinds.get(name.split("_")[0], ColumnType.CATEGORY) for name in features.column_names}

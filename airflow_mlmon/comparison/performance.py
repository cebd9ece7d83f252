"""Performance of the predictions of two data sets by their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from airflow_mlmon.comparison.dataset import Dataset, Source, read_rows_of
from airflow_mlmon.errors import ConfigError, SchemaMismatchError, suggest_name
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.tables.schema import arrow_schema, conform
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
from airflow_mlmon.tasks.registry import TASKS
from airflow_mlmon.tasks.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumns:
    """Columns that performance is measured from.

    Attributes:
        label: Column of the label.
        outputs: Columns of the outputs, by role.
        task: Kind of model; None where the values tell it.
    """

    label: str
    outputs: Mapping[Role, str]
    task: str | None = None

    def __post_init__(self) -> None:
        """Check that there is an output, and that the kind of model is known."""
        if not self.outputs:
            raise ConfigError("Performance needs an output.", hint="name the column of the prediction, or of the score")
        if len(set(self.names)) < len(self.names):
            raise ConfigError(
                f"The columns of outputs and label are not distinct: {', '.join(self.names)}.",
                hint="name the label's column, and another for the prediction or the score",
            )
        if self.task is not None and self.task not in TASKS:
            raise ConfigError(f"The task {self.task!r} is unknown.", hint=suggest_name(self.task, TASKS))

    @property
    def names(self) -> tuple[str, ...]:
        """Return all columns."""
        return *self.outputs.values(), self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceComparison:
    """Metrics of two data sets that need labels, each with the 95 % interval of its difference.

    Attributes:
        task: Kind of model.
        differences: Metrics with a value on a side.
        missing: Reasons why the others have none.
    """

    task: str
    differences: tuple[Difference, ...]
    missing: Mapping[str, str]


def compare_performance(
    reference: Source, current: Source, sides: tuple[Dataset, Dataset], asked: OutputColumns, nulls: Sequence[str] = ()
) -> PerformanceComparison:
    """Compare every metric that needs labels.

    Rows are read a second time, with these columns only.

    Args:
        reference: Reference rows.
        current: Rows that are compared with them.
        sides: Both, as they were profiled.
        asked: Columns of outputs and label.
        nulls: Texts that stand for null in CSV.

    Raises:
        ConfigError: a column is absent, or the kind of model does not follow from the values.
        SchemaMismatchError: a column cannot be read as the kind of model needs it.
    """
    for side in sides:
        for name in asked.names:
            if name not in side.profile.columns:
                raise ConfigError(
                    f"The {side.name} has no column {name!r} to measure performance on.",
                    hint=suggest_name(name, side.profile.columns),
                )
    rows = read_rows_of(reference, sides[0], asked.names, nulls)
    first = next(rows, None)
    if first is None:
        raise ConfigError("The reference has no rows to measure performance on.")
    task = _task(first, asked)
    head = _join(first, asked, task)
    schema = task.pin_outcomes({}, head)
    before = task.profile_outcomes(head, schema)
    before = task.sum_outcomes([before, *_outcomes(rows, asked, task, schema)])
    after = task.sum_outcomes(_outcomes(read_rows_of(current, sides[1], asked.names, nulls), asked, task, schema))
    differences = [found for found in task.compare(before, after, 0.0) if found.metric in task.metrics]
    reasons = {value.metric: value.reason for side in (after, before) for value in task.measure(side, 0.0)}
    return PerformanceComparison(
        task=task.name,
        differences=tuple(found for found in differences if not found.before is found.after is None),
        missing={found.metric: reasons[found.metric] for found in differences if found.before is found.after is None},
    )


def _outcomes(
    rows: Iterator[pa.Table], asked: OutputColumns, task: Task, schema: OutcomeSchema
) -> Iterator[OutcomeProfile]:
    return (task.profile_outcomes(_join(table, asked, task), schema) for table in rows)


def _task(rows: pa.Table, asked: OutputColumns) -> Task:
    if asked.task is not None:
        task = TASKS[asked.task]
        if foreign := sorted(role.value for role in asked.outputs if role not in task.types):
            raise ConfigError(
                f"A model of the kind {task.name!r} has no {' and no '.join(foreign)}.",
                hint=f"its outputs are {', '.join(task.types)}",
            )
        return task
    found = [task for task in TASKS.values() if _may_be(task, rows, asked)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(
            "The columns of outputs and label fit no kind of model.", hint=f"name it: one of {', '.join(TASKS)}"
        )
    names = " or ".join(task.name for task in found)
    raise ConfigError(f"The columns of outputs and label may be those of {names}.", hint="name the task")


def _may_be(task: Task, rows: pa.Table, asked: OutputColumns) -> bool:
    has_roles = set(asked.outputs) <= set(task.types) and all(set(roles) & set(asked.outputs) for roles in task.needs)
    try:
        return (
            has_roles
            and task.looks_like(None, rows.column(asked.label))
            and all(task.looks_like(role, rows.column(name)) for role, name in asked.outputs.items())
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # values of another type altogether
        return False


def _join(rows: pa.Table, asked: OutputColumns, task: Task) -> pa.Table:
    """Return the columns as the kind of model takes them."""
    declared = {name: Column(type=task.types[role][0]) for role, name in asked.outputs.items()}
    declared[asked.label] = Column(type=task.label_type)
    typed, faults, _ = conform(rows, declared)
    if faults:
        raise SchemaMismatchError(f"{task.name}: {faults[0].reason}", column=faults[0].column)
    absent = arrow_schema({role: Column(type=kinds[0]) for role, kinds in task.types.items()})
    columns = {
        role.value: typed.column(asked.outputs[role])
        if role in asked.outputs
        else pa.nulls(rows.num_rows, absent.field(role).type)
        for role in task.types
    }
    none_is_excluded = pa.repeat(pa.scalar(value=False), rows.num_rows)
    return pa.table({**columns, "label": typed.column(asked.label), "excluded": none_is_excluded})

"""Slices of a past window by the values of any column, ranked by drift and by loss of performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.comparison.slice import Slice
from airflow_mlmon.comparison.slices import Candidate, evaluate_slices
from airflow_mlmon.errors import ConfigError, suggest_name
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.reference import slice_reference
from airflow_mlmon.pipeline.slices.rows import DayRows, Sliced, slice_days
from airflow_mlmon.pipeline.workspace.stored_profiles import ProfileState
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.records import PartitionState, Status
from airflow_mlmon.spec import ColumnType, ModelSpec, Role
from airflow_mlmon.tasks.registry import task_of

_DIVIDING = frozenset({ColumnType.CATEGORY, ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.INTEGER})
_UNDIVIDED = frozenset({Role.ID, Role.TIME, Role.SCORE})
_NO_DAY = "not run"
_OF_REFERENCE = "day of the reference"
_ROWS_GONE = "curated rows missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedWindow:
    """Slices of some days.

    Attributes:
        first: First day.
        last: Last day, included.
        days: The days whose rows are included, with their versions.
        skipped: The excluded days with the reason.
        rows: Number of rows.
        metric: The metric of performance; None without labels.
        slices: Every slice, ranked.
        gathered: By column, the number of values beyond the maximum of slices.
        schema: The profile schema of the profiles, and so their reference.
        reference_rows: Number of rows of the reference.
        stored: By column, the number of days taken from stored profiles.
        rows_read: Number of curated rows read.
        rows_counted: Number of rows counted in Druid.
        reference_rows_read: Number of rows of the reference read.
    """

    first: date
    last: date
    days: Mapping[date, str]
    skipped: Mapping[date, str]
    rows: int
    metric: str | None
    slices: tuple[Slice, ...]
    gathered: Mapping[str, int]
    schema: str
    reference_rows: int
    stored: Mapping[str, int]
    rows_read: int
    rows_counted: int
    reference_rows_read: int

    @property
    def evaluated(self) -> int:
        """Return the number of evaluated slices."""
        return sum(found.is_evaluated for found in self.slices)


def slice_window(
    run: Run,
    columns: Sequence[str],
    first: date,
    last: date,
    *,
    metric: str | None = None,
    cross: bool = False,
    rows: DayRows | None = None,
) -> SlicedWindow:
    """Evaluate the slices of the columns, each by itself and with `cross` also combined, and rank them.

    Drift is measured against the pinned reference, performance by the metric, by default the first of the model's kind.

    Raises:
        ConfigError: a column cannot be sliced by, or the metric needs labels that the spec does not declare.
        StateError: the spec has changed since its profile schema was pinned.
    """
    asked = _demand_columns(run.spec, columns, cross=cross)
    measured_by = _demand_metric(run.spec, metric)
    reference = required_reference(run)
    days, skipped = _days(run, first, last)
    current = slice_days(run, reference, days, asked, rows)
    skipped |= dict.fromkeys(sorted(current.gone), _ROWS_GONE)
    labels = run.spec.labels
    same = slice_reference(run, reference, current.segments)
    return SlicedWindow(
        first=first,
        last=last,
        days={day.partition.day: str(day.version) for day in days if day.partition.day not in current.gone},
        skipped=dict(sorted(skipped.items())),
        rows=current.profile.rows,
        metric=measured_by,
        slices=evaluate_slices(
            _candidates(current, same),
            rows=current.profile.rows,
            labelled=current.labelled.whole if current.labelled else None,
            task=task_of(run.spec),
            metric=measured_by,
            method=run.spec.drift.method,
            methods=run.spec.drift.methods,
            min_coverage=labels.min_coverage if labels else 0.0,
        ),
        gathered={name: count for name, count in current.gathered.items() if count},
        schema=reference.schema.id,
        reference_rows=reference.profile.rows,
        stored=current.stored,
        rows_read=current.rows_read,
        rows_counted=current.rows_counted,
        reference_rows_read=same.rows_read,
    )


def parse_metric(spec: ModelSpec, name: str) -> str:
    """Return the metric with a name.

    Raises:
        ConfigError: slices cannot be compared by it.
    """
    contrasts = task_of(spec).contrasts
    if name not in contrasts:
        raise ConfigError(f"Slices cannot be compared by the metric {name!r}.", hint=suggest_name(name, contrasts))
    return name


def _demand_columns(spec: ModelSpec, columns: Sequence[str], *, cross: bool) -> list[tuple[str, ...]]:
    """Return the segments: each column and, if requested, their combination."""
    names = list(dict.fromkeys(columns))
    if not names:
        raise ConfigError("No column to slice by.", hint=f"give one of {', '.join(spec.columns)}")
    for name in names:
        _demand_column(spec, name)
    if cross and len(names) == 1:
        raise ConfigError("--cross needs at least two columns.", hint="give them as in --by a,b")
    return [(name,) for name in names] + ([tuple(names)] if cross else [])


def _demand_column(spec: ModelSpec, name: str) -> None:
    column = spec.columns.get(name)
    if column is None:
        hint = suggest_name(name, spec.columns)
        raise ConfigError(f"Column {name!r} is not in model {spec.model!r}.", hint=hint, column=name)
    if column.personal is not None:
        raise ConfigError(f"Column {name!r} is personal; its values must not be shown.", column=name)
    if column.role in _UNDIVIDED or column.type not in _DIVIDING:
        what = f"the {column.role}" if column.role in _UNDIVIDED else f"a {column.type}"
        raise ConfigError(
            f"Column {name!r} is {what}: nearly every row has its own value.",
            hint="slice by a category, string, boolean or integer",
            column=name,
        )


def _demand_metric(spec: ModelSpec, metric: str | None) -> str | None:
    if spec.labels is None:
        if metric is not None:
            raise ConfigError(f"The metric {metric} needs labels; the spec of {spec.model} declares none.")
        return None
    if metric is not None:
        return metric
    return task_of(spec).first_contrast({column.role for column in spec.columns.values()})


def _days(run: Run, first: date, last: date) -> tuple[list[PartitionState], dict[date, str]]:
    """Return the days whose rows can be divided, and the other days with the reason."""
    known = {state.partition.day: state for state in run.store.states(run.model, first, last)}
    held: list[PartitionState] = []
    skipped: dict[date, str] = {}
    for partition in run.partitions(first, last):
        state = known.get(partition.day)
        if state is None:
            skipped[partition.day] = _NO_DAY
        elif state.status is Status.FAILED:
            skipped[partition.day] = ProfileState.FAILED
        elif state.version is None:
            skipped[partition.day] = _OF_REFERENCE
        elif not state.rows_accepted:
            skipped[partition.day] = ProfileState.NO_ROWS
        else:
            held.append(state)
    return held, skipped


def _candidates(current: Sliced, reference: Sliced) -> list[Candidate]:
    of_window, of_reference = current.by_slice(), reference.by_slice()
    columns = {segment.name: segment.columns for segment in current.segments}
    found = [
        Candidate(
            name=segment_key(name, value),
            columns=columns[name],
            value=value,
            rows=rows.profile.rows,
            current=rows,
            reference=of_reference.get((name, value)),
        )
        for (name, value), rows in of_window.items()
    ]
    found += [
        Candidate(
            name=segment_key(name, value), columns=columns[name], value=value, rows=rows, current=None, reference=None
        )
        for name, values in current.small.items()
        for value, rows in values.items()
    ]
    return found

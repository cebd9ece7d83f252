"""Evaluation of slices, that is rows with the same value, by drift and performance, with multiplicity correction.

Three questions are tested for a slice: has it drifted from the same slice of the reference, is the model worse on it
than on the other rows, and is it worse than on the same slice of the reference? The p-values of a question are
corrected together over all slices (and columns) by Holm's method (Holm, Scandinavian Journal of Statistics 6, 1979)
and multiplied by the number of questions (Bonferroni). So without any real difference the probability of a finding
is at most 5 %, however many slices are evaluated.

The p-values cover sampling error only, not the variation from day to day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from airflow_mlmon.comparison.compare import empty_share
from airflow_mlmon.comparison.slice import Slice, SliceColumn
from airflow_mlmon.drift.methods import method_of
from airflow_mlmon.drift.shift import mean_shift
from airflow_mlmon.evaluation.pair import COMPANIONS, score_column
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.keys import segment_key, segment_name
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.statistics.correction import adjust
from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.tasks.contrast import Contrast
from airflow_mlmon.tasks.outcome import OutcomeProfile
from airflow_mlmon.tasks.registry import METRICS
from airflow_mlmon.tasks.task import Task

CORRECTION = "Holm over all slices and columns, times the number of questions"
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRows:
    """Profiles of the rows of a slice.

    Attributes:
        profile: Their profile.
        labelled: Their outcome profile; None without labels.
    """

    profile: Profile
    labelled: OutcomeProfile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Slice to be evaluated.

    Attributes:
        name: Its name.
        columns: The columns that define it.
        value: The value; None for the combined slice of all other rows.
        rows: Rows in the window.
        current: Profiles of these rows; None if there are too few.
        reference: Profiles of the same slice of the reference; None if it has none.
    """

    name: str
    columns: tuple[str, ...]
    value: str | None
    rows: int
    current: SliceRows | None
    reference: SliceRows | None


def evaluate_slices(
    candidates: Sequence[Candidate],
    *,
    rows: int,
    labelled: OutcomeProfile | None,
    task: Task,
    metric: str | None,
    method: str,
    methods: Mapping[str, str] = _NONE,
    min_coverage: float = 0.0,
) -> tuple[Slice, ...]:
    """Evaluate every slice and return all of them, ranked.

    Args:
        candidates: The slices.
        rows: All rows of the window.
        labelled: The outcome profile of these rows.
        task: The kind of model.
        metric: The metric of performance; None to evaluate drift only.
        method: The drift method; one that needs rows is replaced by the test of the column's kind.
        methods: The columns' own methods.
        min_coverage: Label coverage below which performance is not evaluated.

    Raises:
        ConfigError: the method is unknown.
    """
    measured = [_measure(candidate, rows, method, methods) for candidate in candidates]
    if metric is not None and labelled is not None:
        pairs = zip(measured, candidates, strict=True)
        measured = [
            _contrasted(found, candidate, labelled, task=task, metric=metric, min_coverage=min_coverage)
            for found, candidate in pairs
        ]
    return tuple(sorted(_corrected(measured), key=lambda found: found.rank))


def _measure(candidate: Candidate, rows: int, method: str, methods: Mapping[str, str]) -> Slice:
    current, reference = candidate.current, candidate.reference
    made = Slice(
        name=candidate.name,
        columns=candidate.columns,
        value=candidate.value,
        rows=candidate.rows,
        rows_reference=reference.profile.rows if reference else 0,
        share=candidate.rows / rows if rows else 0.0,
    )
    if current is None or candidate.rows < MINIMUM_ROWS:
        rest = segment_key(segment_name(candidate.columns), None)
        where = "" if current else f", counted in {rest}"
        return replace(made, note=f"{candidate.rows} rows, fewer than {MINIMUM_ROWS}{where}")
    if reference is None or reference.profile.rows < MINIMUM_ROWS:
        short = f"{made.rows_reference} rows in the reference, fewer than {MINIMUM_ROWS}"
        return replace(made, note=short)
    drift = tuple(
        _measure_column(before, current.profile.columns[name], method, methods)
        for name, before in reference.profile.columns.items()
        if name not in candidate.columns
    )
    return replace(made, drift=drift)


def _measure_column(
    reference: ColumnProfile, current: ColumnProfile, method: str, methods: Mapping[str, str]
) -> SliceColumn:
    made = SliceColumn(column=reference.schema.name)
    if min(reference.rows, current.rows) >= MINIMUM_ROWS and reference.missing + current.missing:
        p_value = exact_p_value(current.missing, current.rows, reference.missing, reference.rows)
        gap = (empty_share(current) or 0.0) - (empty_share(reference) or 0.0)
        made = replace(made, empty_p_value=p_value, empty_gap=gap)
    if isinstance(reference, IdentifierProfile):
        return replace(made, note="identifiers are counted, not compared")
    if (fewest := min(reference.observed, current.observed)) < MINIMUM_ROWS:
        return replace(made, note=f"{fewest} values on one side, fewer than {MINIMUM_ROWS}")
    chosen = method_of(reference.schema, method, methods)
    if chosen.is_sampled:
        chosen = COMPANIONS[reference.schema.kind]
    found = score_column(chosen, reference, current, limit=None, answer=None)
    if found is None:
        return replace(made, note=f"{chosen} cannot be computed for this column")
    made = replace(
        made,
        method=found.method,
        score=found.score,
        effect=found.effect,
        limit=found.limit,
        test=found.test,
        p_value=found.p_value,
    )
    shift = mean_shift(reference, current, MINIMUM_ROWS)
    if shift is None:
        return made
    # norms and means are two tests of one column
    return replace(made, p_value=min(1.0, 2 * min(found.p_value, shift.p_value)), note=shift.text)


def _contrasted(
    found: Slice, candidate: Candidate, labelled: OutcomeProfile, *, task: Task, metric: str, min_coverage: float
) -> Slice:
    own = candidate.current.labelled if candidate.current else None
    if own is None or candidate.rows < MINIMUM_ROWS:
        return found
    before = candidate.reference.labelled if candidate.reference else None
    sides = [labelled - own, *([before] if before else [])]
    rest, *reference = (
        task.contrast(metric, own, side, min_coverage=min_coverage, minimum_rows=MINIMUM_ROWS) for side in sides
    )
    return replace(
        found,
        against_rest=rest,
        against_reference=reference[0] if reference else None,
        worse=METRICS[metric].worse,
    )


def _corrected(slices: Sequence[Slice]) -> Iterator[Slice]:
    """Return the slices with corrected p-values, their columns sorted by drift."""
    drift = [p_value for own in slices for column in own.drift for p_value in (column.p_value, column.empty_p_value)]
    rest, reference = (
        [found.p_value if found else None for found in side]
        for side in ([own.against_rest for own in slices], [own.against_reference for own in slices])
    )
    families = (drift, rest, reference)
    asked = sum(any(p_value is not None for p_value in family) for family in families)
    of_columns, of_rest, of_reference = (iter(_correct(family, asked)) for family in families)
    for own in slices:
        columns = [replace(column, p_value=next(of_columns), empty_p_value=next(of_columns)) for column in own.drift]
        yield replace(
            own,
            drift=tuple(sorted(columns, key=_column_rank)),
            against_rest=_with(own.against_rest, next(of_rest)),
            against_reference=_with(own.against_reference, next(of_reference)),
        )


def _correct(family: Sequence[float | None], questions: int) -> list[float | None]:
    return [None if p_value is None else min(1.0, questions * p_value) for p_value in adjust(family)]


def _with(found: Contrast | None, p_value: float | None) -> Contrast | None:
    return found and replace(found, p_value=p_value)


def _column_rank(column: SliceColumn) -> tuple[bool, bool, bool, float, str]:
    return (
        not column.has_drifted,
        not column.is_beyond_chance,
        not column.is_compared,
        -column.strength,
        column.column,
    )

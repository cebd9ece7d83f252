"""Fairness: how far the groups of a protected column are apart, and which two of them.

The groups are the values of the column that are parts of the profiles; rows without a value, or with one of too many,
are no group. Only rates of enough rows count. The largest difference over all pairs is measured, as fairlearn does
between groups (Bird and others, Microsoft MSR-TR-2020-32); with a reference group, over the pairs with it. Its interval
is that of the pair, which has been chosen, and no more certain for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from airflow_mlmon.profiles.keys import column_value, segment_name
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.disparities import DEMOGRAPHIC_PARITY_RATIO, DISPARITIES
from airflow_mlmon.tasks.outcome_table import Cell, OutcomePoint, OutcomeTable
from airflow_mlmon.tasks.rates import GroupRate, difference_interval, ratio_interval

if TYPE_CHECKING:
    from airflow_mlmon.spec.fairness import Fairness
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.tasks.parts import OutcomeParts
    from airflow_mlmon.tasks.task import Task

# of each group, by its name
Groups = Mapping[str, Sequence[GroupRate]]


def output_disparities(task: Task, spec: ModelSpec, profile: Profile) -> list[MetricValue]:
    """Measure what needs no labels, by protected column."""
    return _disparities(task, spec, _groups_of_outputs(task, spec, profile), needs_labels=False)


def label_disparities(task: Task, spec: ModelSpec, found: OutcomeParts) -> list[MetricValue]:
    """Measure what needs labels, by protected column; nothing until enough of them have come."""
    groups = _groups_of_labels(task, spec, found)
    labelled, due = found.whole.label.observed, found.whole.rows - found.whole.excluded
    values = _disparities(task, spec, groups, needs_labels=True)
    least = spec.labels.min_coverage if spec.labels else 0.0
    if due and labelled >= least * due:
        return values
    reason = f"{labelled} of {due} labels received, fewer than {least:.0%}"
    return [
        MetricValue(metric=value.metric, column=value.column, value=None, rows=0, reason=reason) for value in values
    ]


def fairness_tables(task: Task, spec: ModelSpec, profile: Profile, found: OutcomeParts | None) -> list[OutcomeTable]:
    """Show the rates of each group of a protected column, and how far they are apart."""
    tables = []
    of_outputs = _groups_of_outputs(task, spec, profile)
    of_labels = _groups_of_labels(task, spec, found) if found else {}
    measured = [*output_disparities(task, spec, profile), *(label_disparities(task, spec, found) if found else [])]
    for column in spec.fairness.columns if spec.fairness else ():
        names = dict.fromkeys((*of_outputs[column], *of_labels.get(column, {})))
        rates = {name: [*of_outputs[column].get(name, ()), *of_labels.get(column, {}).get(name, ())] for name in names}
        tables += [_rates_table(column, rates, spec), _apart_table(column, measured)]
    return tables


def _groups_of_outputs(task: Task, spec: ModelSpec, profile: Profile) -> dict[str, Groups]:
    found: dict[str, Groups] = {}
    for column in spec.fairness.columns if spec.fairness else ():
        segment = profile.segments.get(segment_name([column]))
        parts = segment.parts if segment else {}
        found[column] = {value: task.output_rates(part, spec) for value, part in parts.items()}
    return found


def _groups_of_labels(task: Task, spec: ModelSpec, found: OutcomeParts) -> dict[str, Groups]:
    return {
        column: {
            value: task.label_rates(part)
            for key, part in found.parts.items()
            if (value := column_value(column, key)) is not None
        }
        for column in (spec.fairness.columns if spec.fairness else ())
    }


def _disparities(task: Task, spec: ModelSpec, groups: Mapping[str, Groups], *, needs_labels: bool) -> list[MetricValue]:
    return [
        _disparity(task, metric, column, of_column, spec.fairness)
        for column, of_column in groups.items()
        for metric in task.disparities
        if DISPARITIES[metric].needs_labels is needs_labels and spec.fairness
    ]


def _disparity(task: Task, metric: str, column: str, groups: Groups, fairness: Fairness) -> MetricValue:
    """Measure the largest distance between two groups, and say between which."""
    kinds = task.disparities[metric]
    by_rate: dict[str, dict[str, GroupRate]] = {}
    for name, rates in groups.items():
        for rate in rates:
            if rate.kind in kinds:
                by_rate.setdefault(rate.title, {})[name] = rate
    is_ratio = metric == DEMOGRAPHIC_PARITY_RATIO
    found = [pair for rates in by_rate.values() for pair in _pairs(rates, fairness, column)]
    pairs = [pair for pair in found if pair[1][1].value] if is_ratio else found
    if not pairs:
        reason = "no group is ever selected" if found else _lack(by_rate, column, fairness)
        return MetricValue(metric=metric, column=column, value=None, rows=0, reason=reason)
    distances = [_ratio(*pair) if is_ratio else _difference(*pair) for _, pair in pairs]
    at = min(range(len(pairs)), key=lambda place: distances[place] if is_ratio else -distances[place])
    (first, second), (smaller, larger) = pairs[at]
    interval = ratio_interval(smaller, larger) if is_ratio else difference_interval(smaller, larger)
    said = (
        f"{smaller.title} {smaller.text()} of {column}={fairness.name_of(first)}, "
        f"{larger.text()} of {column}={fairness.name_of(second)}"
    )
    rows = min(smaller.rows, larger.rows)
    measured = MetricValue(metric=metric, column=column, value=distances[at], rows=rows, reason=said)
    return measured.within(interval and (max(interval[0], 0.0), interval[1]))


def _pairs(
    rates: Mapping[str, GroupRate], fairness: Fairness, column: str
) -> Iterator[tuple[tuple[str, str], tuple[GroupRate, GroupRate]]]:
    """Yield the pairs of groups to compare, that of the smaller rate first."""
    held = {name: rate for name, rate in rates.items() if rate.rows >= fairness.minimum and rate.value is not None}
    reference = fairness.reference_group.get(column)
    for pair in combinations(sorted(held), 2):
        if reference is None or reference in pair:
            first, second = sorted(pair, key=lambda name: held[name].value or 0.0)
            yield (first, second), (held[first], held[second])


def _difference(smaller: GroupRate, larger: GroupRate) -> float:
    return (larger.value or 0.0) - (smaller.value or 0.0)


def _ratio(smaller: GroupRate, larger: GroupRate) -> float:
    return (smaller.value or 0.0) / (larger.value or 1.0)


def _lack(by_rate: Mapping[str, Mapping[str, GroupRate]], column: str, fairness: Fairness) -> str:
    for rates in by_rate.values():
        counts = ", ".join(f"{column}={fairness.name_of(name)} {rate.rows}" for name, rate in sorted(rates.items()))
        return f"fewer than two groups of {fairness.minimum} rows: {counts}"
    return f"no value of {column} is a group"


def _rates_table(column: str, groups: Groups, spec: ModelSpec) -> OutcomeTable:
    assert spec.fairness is not None  # noqa: S101 - checked by the caller
    fairness = spec.fairness
    titles = list(dict.fromkeys(rate.title for rates in groups.values() for rate in rates))
    rows: list[tuple[Cell, ...]] = []
    for name, rates in sorted(groups.items()):
        by_title = {rate.title: rate for rate in rates}
        largest = max((rate.rows for rate in rates), default=0)
        rows.append(
            (fairness.name_of(name), largest, *(_cell(by_title.get(title), fairness.minimum) for title in titles))
        )
    shown = titles[0] if titles else ""
    points = [
        OutcomePoint(
            name=fairness.name_of(name),
            value=rate.value,
            low=rate.interval[0] if rate.interval else None,
            high=rate.interval[1] if rate.interval else None,
        )
        for name, rates in sorted(groups.items())
        for rate in rates
        if rate.title == shown and rate.rows >= fairness.minimum
    ]
    first = next((rate for rates in groups.values() for rate in rates), None)
    return OutcomeTable(
        title=f"Fairness by {column}",
        columns=(column, "rows", *titles),
        rows=tuple(rows),
        note=f"With 95 % intervals; a rate of fewer than {fairness.minimum} rows is not enough data.",
        points=tuple(points),
        axis=shown,
        is_share=first is not None and first.hits is not None,
    )


def _cell(rate: GroupRate | None, minimum: int) -> str:
    if rate is None or rate.value is None or rate.rows < minimum:
        return f"not enough data ({rate.rows if rate else 0} rows)"
    interval = rate.interval
    return rate.text() + (
        f" ({rate.text(interval[0], unit='')} to {rate.text(interval[1], unit='')})" if interval else ""
    )


def _apart_table(column: str, measured: Sequence[MetricValue]) -> OutcomeTable:
    own = [value for value in measured if value.column == column]
    return OutcomeTable(
        title=f"Groups of {column} apart",
        columns=("measure", "value", "low", "high", "of"),
        rows=tuple(
            (DISPARITIES[value.metric].title, value.value, value.low, value.high, value.reason) for value in own
        ),
        note="The largest over the pairs of groups, with the 95 % interval of the pair.",
    )

"""Counting of labelled predictions in Druid, in total and by slice, as the task describes it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlmon.druid.answers import AnswerRows
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.division import divide, group_alike, rows_of
from airflow_mlmon.druid.flags import Flag, name_flag_column
from airflow_mlmon.druid.profile_sql import CELL_SHIFT, COUNT, Rows, Sql
from airflow_mlmon.druid.sql import quote_identifier
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.profiles.columns.segment import is_too_many
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.tasks.counting import CountedCell, CountedRows, Counting
from airflow_mlmon.tasks.outcome import OutcomeProfile
from airflow_mlmon.tasks.parts import OutcomeParts, sum_outcome_parts
from airflow_mlmon.tasks.task import Task

# digits for the state of a number
_WITHIN, _BEYOND, _MISSING = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelColumns:
    """Columns that performance is measured from.

    Attributes:
        label: Column of the label.
        outputs: Output columns, by the name that the task uses; None if the model has none.
    """

    label: str
    outputs: Mapping[str, str | None]

    def column_of(self, name: str) -> str | None:
        """Return the column that a task refers to by `name`."""
        return self.label if name == "label" else self.outputs.get(name)


def count_slices(
    client: DruidClient,
    datasource: str,
    interval: Partition,
    segments: Sequence[SegmentSchema],
    types: Mapping[str, ColumnType],
) -> list[Counter[str | None]]:
    """Count the rows of each value of each segment in an interval; None stands for the rest."""
    counted = [Counter[str | None]() for _ in segments]
    named = {name for segment in segments for name in segment.columns}
    for group in group_alike(client.segment_columns(datasource, interval), named):
        rows = rows_of(datasource, interval, group)
        for counts, segment in zip(counted, segments, strict=True):
            counts.update(divide(client, rows, segment, group[0].columns, types).counts)
    return counted


def label_slices(
    client: DruidClient,
    datasource: str,
    interval: Partition,
    segments: Sequence[SegmentSchema],
    *,
    task: Task,
    types: Mapping[str, ColumnType],
    columns: LabelColumns,
) -> OutcomeParts:
    """Count the outcome profiles of the rows of an interval and of the parts of each segment."""
    read = {columns.label, name_flag_column(columns.label), *columns.outputs.values()}
    named = {name for name in read if name} | {name for segment in segments for name in segment.columns}
    found = []
    for group in group_alike(client.segment_columns(datasource, interval), named):
        rows, held = rows_of(datasource, interval, group), group[0].columns
        whole = _labelled(client, rows, task, columns, held).get(None, task.empty_outcomes())
        parts: dict[str, OutcomeProfile] = {}
        for segment in segments:
            division = divide(client, rows, segment, held, types)
            if is_too_many(segment, division.counts):
                parts[segment_key(segment.name, None)] = whole
                continue
            divided = Rows(datasource=datasource, intervals=rows.intervals, key=division.key)
            for text, profile in _labelled(client, divided, task, columns, held).items():
                key = segment_key(segment.name, division.value_of(text))
                parts[key] = parts[key] + profile if key in parts else profile
        found.append(OutcomeParts(whole=whole, parts=parts))
    return sum_outcome_parts(task, found)


def _labelled(
    client: DruidClient, rows: Rows, task: Task, columns: LabelColumns, held: Collection[str]
) -> dict[str | None, OutcomeProfile]:
    """Count the outcome profile of each part of the rows."""
    counting = task.counting
    assert counting is not None  # noqa: S101 - checked by the caller
    classes = [_column(columns.column_of(name), held, "BIGINT") for name in counting.classes]
    by = classes[list(counting.classes).index(counting.by)]
    number = _column(columns.column_of(counting.number), held, "DOUBLE")
    flag = _column(name_flag_column(columns.label), held, "VARCHAR")
    counts = _by_part(client, rows.select(COUNT, by=_likeness(counting, classes, number, flag)))
    numbered = rows.where(by.then(" IS NOT NULL")).where(number.then(" IS NOT NULL"))
    cells = _by_part(client, numbered.select(COUNT, by=_cell_code(counting, by, number)))
    return {
        part: task.outcomes_of_counts(_counted_rows(counting, answer), _counted_cells(counting, cells[part]))
        for part, answer in counts.items()
    }


def _column(name: str | None, held: Collection[str], kind: str) -> Sql:
    return Sql(text=quote_identifier(name) if name in held and name else f"CAST(NULL AS {kind})")


def _likeness(counting: Counting, classes: Sequence[Sql], number: Sql, flag: Sql) -> Sql:
    """Write the properties that make rows alike as the digits of one number: see `_counted_rows`."""
    coded, base = Sql(text=""), 1
    for many, column in zip(counting.classes.values(), classes, strict=True):
        coded = coded.then(f"{base} * COALESCE(", column, f", {many}) + ")
        base *= many + 1
    low, high = counting.bounds
    label_state = Sql(text="CASE WHEN ").then(
        number, f" IS NULL THEN {_MISSING} WHEN ", number, f" >= {low:g} AND ", number, f" <= {high:g} "
    )
    is_excluded = Sql(text="CASE WHEN ").then(
        flag, Sql(text=f" = ? THEN {3 * base} ELSE 0 END", parameters=(Flag.EXCLUDED.value,))
    )
    return coded.then(f"{base} * (", label_state, f"THEN {_WITHIN} ELSE {_BEYOND} END) + ", is_excluded)


def _counted_rows(counting: Counting, answer: AnswerRows) -> Iterator[CountedRows]:
    for row in answer:
        rest, classes = int(row["k"]), {}
        for name, many in counting.classes.items():
            rest, digit = divmod(rest, many + 1)
            classes[name] = None if digit == many else digit
        is_excluded, label_state = divmod(rest, 3)
        yield CountedRows(
            rows=row["n"],
            is_excluded=bool(is_excluded),
            classes=classes,
            is_within=None if label_state == _MISSING else label_state == _WITHIN,
        )


def _cell_code(counting: Counting, by: Sql, number: Sql) -> Sql:
    """Write the code of the cell of a number, then a bit for the mirrored ones, and the class as a digit."""
    many = counting.classes[counting.by]
    mirrored = Sql(text="CASE WHEN ").then(number, Sql(text=" >= ? THEN ", parameters=(counting.mirrored_from,)))
    bits = Sql(text="BITWISE_CONVERT_DOUBLE_TO_LONG_BITS(").then(mirrored, "1 - ", number, " ELSE ", number, " END)")
    code = Sql(text=f"{2 * many} * BITWISE_SHIFT_RIGHT(").then(bits, f", {CELL_SHIFT}) + ")
    return code.then(mirrored, f"{many} ELSE 0 END + ", by)


def _counted_cells(counting: Counting, answer: AnswerRows) -> Iterator[CountedCell]:
    many = counting.classes[counting.by]
    keys = np.array([row["k"] for row in answer], dtype=np.int64)
    codes, rest = np.divmod(keys, 2 * many)
    cells = to_cells((codes << CELL_SHIFT).view(np.float64))
    for row, cell, digits in zip(answer, cells.tolist(), rest.tolist(), strict=True):
        yield CountedCell(rows=row["n"], of=digits % many, cell=cell, is_mirrored=digits >= many)


def _by_part(client: DruidClient, query: Sql) -> Mapping[str | None, AnswerRows]:
    found: dict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for row in client.sql(query.text, query.parameters):
        found[row.get("part")].append(row)
    return found

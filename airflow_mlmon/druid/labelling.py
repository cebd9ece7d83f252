"""Counts in Druid what the labels say of predictions, in all and by slice.

The sums of log losses and Brier scores stay at 0: Druid's logarithm is not numpy's to the last bit, and
no slice is compared by them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.division import divide, group_alike, rows_of
from airflow_mlmon.druid.flags import Flag, flag_column
from airflow_mlmon.druid.profile_sql import CELL_SHIFT, COUNT, Rows, Sql
from airflow_mlmon.druid.sql import quote_identifier
from airflow_mlmon.partition import Partition
from airflow_mlmon.performance.labelled import HALF, LabelledProfile, from_half, sum_labelled
from airflow_mlmon.performance.parts import LabelledParts, sum_label_parts
from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.profiles.columns.segment import is_too_many, segment_key
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.layout import SegmentLayout
from airflow_mlmon.spec.choices import ColumnType

# the digits of `_outcome` that say so: no label or prediction, and a score outside 0 to 1
_NULL = 2
_IMPROBABLE = 1

Answer = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelColumns:
    """The columns that performance is measured from; None where the model has none."""

    label: str
    score: str | None
    prediction: str | None


def count_slices(
    client: DruidClient,
    datasource: str,
    interval: Partition,
    segments: Sequence[SegmentLayout],
    types: Mapping[str, ColumnType],
) -> list[Counter[str | None]]:
    """How many rows each value of each segment has in an interval; None stands for the rest."""
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
    segments: Sequence[SegmentLayout],
    *,
    types: Mapping[str, ColumnType],
    columns: LabelColumns,
) -> LabelledParts:
    """The labelled profiles of the rows of an interval and of the parts of each segment."""
    read = {columns.label, flag_column(columns.label), columns.score, columns.prediction}
    named = {name for name in read if name} | {name for segment in segments for name in segment.columns}
    found = []
    for group in group_alike(client.segment_columns(datasource, interval), named):
        rows, held = rows_of(datasource, interval, group), group[0].columns
        whole = _labelled(client, rows, columns, held).get(None, LabelledProfile.empty())
        parts: dict[str, LabelledProfile] = {}
        for segment in segments:
            division = divide(client, rows, segment, held, types)
            if is_too_many(segment, division.counts):
                parts[segment_key(segment.name, None)] = whole
                continue
            divided = Rows(datasource=datasource, intervals=rows.intervals, key=division.key)
            for text, profile in _labelled(client, divided, columns, held).items():
                key = segment_key(segment.name, division.value_of(text))
                parts[key] = sum_labelled((parts.get(key, LabelledProfile.empty()), profile))
        found.append(LabelledParts(whole=whole, parts=parts))
    return sum_label_parts(found)


def _labelled(
    client: DruidClient, rows: Rows, columns: LabelColumns, held: Collection[str]
) -> dict[str | None, LabelledProfile]:
    """The labelled profile of each part of the rows."""
    label, prediction = (_column(name, held, "BIGINT") for name in (columns.label, columns.prediction))
    score = _column(columns.score, held, "DOUBLE")
    flag = _column(flag_column(columns.label), held, "VARCHAR")
    counts = _by_part(client, rows.select(COUNT, by=_outcome(label, prediction, score, flag)))
    scored = rows.where(label.then(" IS NOT NULL")).where(score.then(" IS NOT NULL"))
    cells = _by_part(client, scored.select(COUNT, by=_score_code(label, score)))
    return {part: _profile(answer, cells[part]) for part, answer in counts.items()}


def _column(name: str | None, held: Collection[str], kind: str) -> Sql:
    return Sql(text=quote_identifier(name) if name in held and name else f"CAST(NULL AS {kind})")


def _outcome(label: Sql, prediction: Sql, score: Sql, flag: Sql) -> Sql:
    """All that is counted of a row as the digits of a number to the base of 3: see `_profile`."""
    standing = Sql(text="CASE WHEN ").then(score, " IS NULL THEN 2 WHEN ", score, " >= 0 AND ", score, " <= 1 THEN 0 ")
    is_void = Sql(text="CASE WHEN ").then(flag, Sql(text=" = ? THEN 27 ELSE 0 END", parameters=(Flag.VOID.value,)))
    coded = Sql(text="COALESCE(").then(label, ", 2) + 3 * COALESCE(", prediction, ", 2) + 9 * (")
    return coded.then(standing, "ELSE 1 END) + ", is_void)


def _score_code(label: Sql, score: Sql) -> Sql:
    """The code of the cell that a score has in its half, then a bit for the upper half, and one for the label."""
    above = Sql(text="CASE WHEN ").then(score, Sql(text=" >= ? THEN ", parameters=(HALF,)))
    bits = Sql(text="BITWISE_CONVERT_DOUBLE_TO_LONG_BITS(").then(above, "1 - ", score, " ELSE ", score, " END)")
    code = Sql(text="4 * BITWISE_SHIFT_RIGHT(").then(bits, f", {CELL_SHIFT}) + ")
    return code.then(above, "2 ELSE 0 END + ", label)


def _profile(counts: Answer, cells: Answer) -> LabelledProfile:
    """The labelled profile behind the answers about one part."""
    found: Counter[str] = Counter()
    for row in counts:
        outcome, n = divmod(int(row["k"]), 27), row["n"]
        standing, label, prediction = outcome[1] // 9, outcome[1] % 3, outcome[1] // 3 % 3
        found["rows"] += n
        found["void"] += n * outcome[0]
        if label == _NULL:
            continue
        found["labelled"] += n
        found["positive"] += n * label
        found["improbable"] += n * (standing == _IMPROBABLE)
        if prediction != _NULL:
            found[f"{'true' if label == prediction else 'false'}_{'positive' if prediction else 'negative'}"] += n
    return LabelledProfile(positive_cells=_tally(cells, 1), negative_cells=_tally(cells, 0), **found)


def _tally(cells: Answer, label: int) -> Tally:
    """The cells of the scores of one class."""
    held = [row for row in cells if row["k"] % 2 == label]
    keys = np.array([row["k"] for row in held], dtype=np.int64)
    halves = to_cells((keys >> 2 << CELL_SHIFT).view(np.float64))
    return Tally.of_counts(from_half(halves, (keys & 2) != 0), np.array([row["n"] for row in held], dtype=np.int64))


def _by_part(client: DruidClient, query: Sql) -> Mapping[str | None, Answer]:
    found: dict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for row in client.sql(query.text, query.parameters):
        found[row.get("part")].append(row)
    return found

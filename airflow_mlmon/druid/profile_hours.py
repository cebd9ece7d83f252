"""Hours of a profile from Druid: rows, and the values of its columns, by hour of event time, as the rows have them.

A few queries group by hour, each for a share of the columns. Values so far off that their sum might leave a long
are left out of it, and queried one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from airflow_mlmon.druid import profile_sql as sql
from airflow_mlmon.druid.answers import AnswerRows
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.profile_counts import FAR, NotCountableError, sum_deviations, unwrap_total
from airflow_mlmon.druid.profile_sql import ColumnSource, Rows
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.hours import HOURS, HourlyColumn, Hours, named_columns
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.statistics.arrays import Counts

# columns of a query
_AT_ONCE = 16
_MOST_FAR = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlySource:
    """Column whose values are counted by hour.

    Attributes:
        source: Column in Druid.
        is_summed: Whether its values are summed.
        is_flagged: Whether it has a flag column.
        is_far: Whether a value may be too far from the centre to be summed with the others.
    """

    source: ColumnSource
    is_summed: bool = False
    is_flagged: bool = False
    is_far: bool = False


def choose_hourly(
    schema: ProfileSchema,
    sources: Sequence[ColumnSource],
    columns: Mapping[str, ColumnProfile],
    flagged: Collection[str],
) -> list[HourlySource]:
    """Choose what is counted by hour of each column of rows that are profiled."""
    summed = named_columns(schema)[1]
    return [
        HourlySource(
            source=source,
            is_summed=source.schema.name in summed,
            is_flagged=source.schema.name in flagged,
            is_far=_is_far(columns[source.schema.name]),
        )
        for source in sources
    ]


def count_hourly(
    client: DruidClient, rows: Rows, zone: str, schema: ProfileSchema, sources: Sequence[HourlySource]
) -> Hours:
    """Count some rows, and the values of their columns, by hour of event time in a time zone.

    Raises:
        NotCountableError: too many values are far from the pinned centre.
        ServiceError: Druid does not answer, or refuses.
    """
    by_hour = replace(rows, key=sql.hour_of(zone))
    found: dict[str, HourlyColumn] = {}
    total: Counts | None = None
    for at in range(0, max(len(sources), 1), _AT_ONCE):
        share = sources[at : at + _AT_ONCE]
        query = sql.hours(by_hour, [(one.source, one.is_summed, one.is_flagged, _reach(one)) for one in share])
        answer = client.sql(query.text, query.parameters)
        total = _counts(answer, "n")
        for place, one in enumerate(share):
            far = _far_totals(client, by_hour, one.source) if one.is_summed and one.is_far else {}
            found[one.source.schema.name] = read_hourly(answer, place, one, far)
    return Hours.of(schema, np.zeros(HOURS, dtype=np.int64) if total is None else total, found)


def read_hourly(answer: AnswerRows, place: int, column: HourlySource, far: Mapping[int, int]) -> HourlyColumn:
    """Parse what the answer to `profile_sql.hours` says of the column at a place, with the sums of its far values."""
    rows, held = _counts(answer, "n"), _counts(answer, f"h{place}")
    infinite = _counts(answer, f"i{place}") if column.is_flagged else np.zeros(HOURS, dtype=np.int64)
    nans = _counts(answer, f"x{place}") if column.is_flagged else infinite
    if not column.is_summed:
        return HourlyColumn(rows=rows, missing=rows - held - infinite - nans)
    totals = [0] * HOURS
    for row in answer:
        if row[f"m{place}"]:
            totals[row["part"]] = unwrap_total(row[f"s{place}"], row[f"m{place}"])
    for hour, total in far.items():
        totals[hour] += total
    return HourlyColumn(rows=rows, missing=rows - held - infinite, observed=held, totals=tuple(totals))


def join_hours(schema: ProfileSchema, parts: Sequence[Hours | None]) -> Hours | None:
    """Join the hours of different columns of the same rows; None if some are unknown."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    named = chain.from_iterable(((name, part.column(name)) for name in part.names) for part in known)
    return Hours.of(schema, known[0].rows, {name: column for name, column in named if column is not None})


def _is_far(profile: ColumnProfile) -> bool:
    if not isinstance(profile, NumericProfile) or profile.min is None or profile.max is None:
        return False
    farthest = max(abs(profile.min - profile.schema.centre), abs(profile.max - profile.schema.centre))
    # a deviation may round up to the limit
    return farthest / profile.schema.quantum >= FAR / 2


def _reach(column: HourlySource) -> float | None:
    return column.source.schema.quantum * FAR / 2 if column.is_far else None


def _far_totals(client: DruidClient, rows: Rows, source: ColumnSource) -> dict[int, int]:
    reach = source.schema.quantum * FAR / 2
    far = rows.where(sql.beyond(source, -reach, reach))
    query = sql.select_values(far, source, most=_MOST_FAR)
    answer = client.sql(query.text, query.parameters)
    if len(answer) == _MOST_FAR:
        raise NotCountableError("too many of its values are far from the pinned centre")
    by_hour: dict[int, list[Mapping[str, Any]]] = {}
    for row in answer:
        by_hour.setdefault(row["part"], []).append(row)
    return {hour: sum_deviations(source.schema, own).total for hour, own in by_hour.items()}


def _counts(answer: AnswerRows, name: str) -> Counts:
    counts = np.zeros(HOURS, dtype=np.int64)
    for row in answer:
        counts[row["part"]] = row[name]
    return counts

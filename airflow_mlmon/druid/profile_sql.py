"""SQL queries for a profile; pure, no I/O.

Names are quoted, values are bound. Every query except that for the values of a segment concerns one column and
groups by `part`: the text of a segment's value, or nothing.

Sums of integers use the same step as `profiles.values.exact`: a deviation in units of the quantum, added to
1.5 * 2**52, has the nearest integer i (ties to even) in the low bits of the double. Druid's longs wrap, so its
sums are known modulo 2**64.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from airflow_mlmon.druid.client import SqlValue
from airflow_mlmon.druid.flags import Flag, name_flag_column
from airflow_mlmon.druid.ingestion import TIME_COLUMN
from airflow_mlmon.druid.sql import quote_identifier
from airflow_mlmon.profiles.keys import AMBIGUOUS, CROSSING
from airflow_mlmon.profiles.schema import ColumnSchema

SHIFTER = 1.5 * 2.0**52
CELL_SHIFT = 45
# A prime above the number of values that are counted one by one.
_RESIDUES = 2_053
_TIME_OF_DAY = (12, 8)
# seconds of each part of it
_SECONDS = {12: 3_600, 15: 60, 18: 1}
_BITS = "BITWISE_CONVERT_DOUBLE_TO_LONG_BITS("


class SqlReading(StrEnum):
    """Way to read the values of a column in Druid."""

    DOUBLE = "double"
    LONG = "long"
    LONG_AS_DOUBLE = "long as double"
    FLAG = "flag"
    TEXT = "text"
    TIME = "time"

    @property
    def is_number(self) -> bool:
        """Return whether Druid computes with the values."""
        return self in {SqlReading.DOUBLE, SqlReading.LONG, SqlReading.LONG_AS_DOUBLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """SQL fragment with the values of its question marks."""

    text: str
    parameters: tuple[SqlValue, ...] = ()

    def then(self, *others: Sql | str) -> Sql:
        """Append other fragments."""
        parts = [self, *(Sql(text=other) if isinstance(other, str) else other for other in others)]
        return Sql(
            text="".join(part.text for part in parts),
            parameters=tuple(value for part in parts for value in part.parameters),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSource:
    """Column in Druid: its pinned schema, and how it is read."""

    schema: ColumnSchema
    reading: SqlReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of some intervals of a datasource, and the text that divides them into parts.

    Attributes:
        datasource: Name of the datasource.
        intervals: Half-open intervals; a row of any of them counts.
        key: Text that divides the rows; None if they are not divided.
    """

    datasource: str
    intervals: tuple[tuple[datetime, datetime], ...]
    key: Sql | None = None
    conditions: tuple[Sql, ...] = field(default=())

    def where(self, condition: Sql) -> Rows:
        """Select the rows for which the condition holds."""
        return Rows(
            datasource=self.datasource,
            intervals=self.intervals,
            key=self.key,
            conditions=(*self.conditions, condition),
        )

    def of_parts(self, parts: Collection[str | None]) -> Rows:
        """Select the rows of these parts."""
        if self.key is None:
            return self
        named = [part for part in parts if part is not None]
        choices = [self.key.then(" IN (", _bound(named), ")")] if named else []
        if None in parts:
            choices.append(self.key.then(" IS NULL"))
        return self.where(_joined(" OR ", choices))

    def select(self, *selected: Sql, by: Sql | None = None, after: Sql | None = None) -> Sql:
        """Select aggregates of each part and, within it, of each value of `by`, named `k`."""
        keys = [expression.then(f" AS {name}") for expression, name in ((self.key, "part"), (by, "k")) if expression]
        grouping = f" GROUP BY {', '.join(str(place + 1) for place in range(len(keys)))}" if keys else ""
        return Sql(text="SELECT ").then(
            _joined(", ", [*keys, *selected]),
            f" FROM {quote_identifier(self.datasource)} WHERE ",
            self._condition(),
            grouping,
            *([after] if after else []),
        )

    def _condition(self) -> Sql:
        time = quote_identifier(TIME_COLUMN)
        within = [Sql(text=f"({time} >= ? AND {time} < ?)", parameters=interval) for interval in self.intervals]
        parts = [_joined(" OR ", within), *self.conditions]
        return _joined(" AND ", [Sql(text="(").then(part, ")") for part in parts])


COUNT = Sql(text="COUNT(*) AS n")


def write_segment_text(names: Sequence[str], *, flags: Collection[str], texts: Collection[str]) -> Sql:
    """Write the value of a segment as text: null if one of its columns has none.

    Args:
        names: Columns of the segment.
        flags: Those that are booleans, in Druid 0 and 1.
        texts: Those that are text; the rest are integers.
    """
    parts = []
    for name in names:
        column = quote_identifier(name)
        if name in flags:
            column = f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        elif name not in texts:
            column = f"CAST({column} AS VARCHAR)"
        elif len(names) > 1:
            column = _escape(column)
        parts.append(column)
    return Sql(text=f" || '{CROSSING}' || ".join(parts) if len(parts) > 1 else parts[0])


def _escape(column: str) -> str:
    """Write a value of a crossing, like `keys.cross`."""
    is_ambiguous = " OR ".join(f"' ' || {column} || ' ' LIKE '%{mark}%'" for mark in AMBIGUOUS)
    return f"CASE WHEN {is_ambiguous} THEN REPLACE({column}, '&', '&&') ELSE {column} END"


def only(text: Sql, select_values: Sequence[str]) -> Sql:
    """Write the text if it is one of the values, else null."""
    return Sql(text="CASE WHEN ").then(text, " IN (", _bound(select_values), ") THEN ", text, " END")


def extremes(rows: Rows, sources: Sequence[ColumnSource]) -> Sql:
    """Query the smallest and the largest value of each column, `lo` and `hi` with the position of the column."""
    columns = [quote_identifier(source.schema.name) for source in sources]
    return rows.select(
        *(Sql(text=f"MIN({column}) AS lo{at}, MAX({column}) AS hi{at}") for at, column in enumerate(columns))
    )


def cells(rows: Rows, source: ColumnSource) -> Sql:
    """Query by grid cell, as the signed code of `grid.to_codes`: rows and the wrapped sums `s` and `ss`."""
    code = Sql(text=f"BITWISE_SHIFT_RIGHT({_BITS}").then(deviation(source), f"), {CELL_SHIFT})")
    shifted = _shifted(source)
    total = Sql(text="SUM(").then(shifted, ") AS s")
    squares = Sql(text="SUM(").then(shifted, " * ", shifted, ") AS ss")
    return rows.select(COUNT, total, squares, by=code)


def _shifted(source: ColumnSource) -> Sql:
    """Write a double with the deviation, in units of the quantum, in its low bits, as a long."""
    unit = 1 / source.schema.quantum
    return Sql(text=_BITS).then(deviation(source), Sql(text=" * ? + ?)", parameters=(unit, SHIFTER)))


def hour_of(zone: str) -> Sql:
    """Write the hour of the event time in a time zone."""
    return Sql(text=f"TIME_EXTRACT({quote_identifier(TIME_COLUMN)}, 'HOUR', ?)", parameters=(zone,))


def hours(rows: Rows, columns: Sequence[tuple[ColumnSource, bool, bool, float | None]]) -> Sql:
    """Query of each part the rows `n`, and by column, with its position, what its values are.

    `h` counts those with a value; of a summed column, `s` is the wrapped sum and `m` the number of its terms; of a
    flagged one, `i` counts the infinities and `x` NaN.

    Args:
        rows: Rows, divided by hour.
        columns: Each with whether it is summed and flagged, and the deviation from which on it is not summed.
    """
    selected = [COUNT]
    for at, (source, is_summed, is_flagged, reach) in enumerate(columns):
        column = quote_identifier(source.schema.name)
        selected.append(Sql(text=f"COUNT({column}) AS h{at}"))
        if is_summed:
            near = Sql(text=f"{column} IS NOT NULL") if reach is None else _within(source, reach)
            selected.append(Sql(text="SUM(").then(_shifted(source), ") FILTER (WHERE ", near, f") AS s{at}"))
            selected.append(Sql(text="COUNT(*) FILTER (WHERE ").then(near, f") AS m{at}"))
        if is_flagged:
            flag = quote_identifier(name_flag_column(source.schema.name))
            for name, values in (("i", (Flag.POSITIVE_INFINITY, Flag.NEGATIVE_INFINITY)), ("x", (Flag.NAN,))):
                bound = _bound([value.value for value in values])
                selected.append(Sql(text=f"COUNT(*) FILTER (WHERE {flag} IN (").then(bound, f")) AS {name}{at}"))
    return rows.select(*selected)


def _within(source: ColumnSource, reach: float) -> Sql:
    sides = [
        deviation(source).then(Sql(text=f" {sign} ?", parameters=(end,))) for sign, end in ((">", -reach), ("<", reach))
    ]
    return _joined(" AND ", sides)


def select_values(rows: Rows, source: ColumnSource, *, most: int) -> Sql:
    """Query by deviation, smallest first: rows; at most `most` groups."""
    order = " ORDER BY k, part" if rows.key else " ORDER BY k"
    return rows.select(COUNT, by=deviation(source), after=Sql(text=f"{order} LIMIT {most}"))


def residues(rows: Rows, source: ColumnSource) -> Sql:
    """Query the residues of the bits of the deviations: at most as many as there are deviations."""
    bits = Sql(text="MOD(BITWISE_CONVERT_DOUBLE_TO_LONG_BITS(").then(deviation(source), f"), {_RESIDUES})")
    return rows.select(COUNT, by=bits)


def beyond(source: ColumnSource, low: float | None, high: float | None) -> Sql:
    """Write the condition that a deviation is at most `low` or at least `high`."""
    choices = [
        deviation(source).then(Sql(text=f" {sign} ?", parameters=(bound,)))
        for sign, bound in (("<=", low), (">=", high))
        if bound is not None
    ]
    return _joined(" OR ", choices)


def is_atom(source: ColumnSource) -> Sql:
    """Write the condition that a deviation is one of the atoms."""
    return deviation(source).then(" IN (", _bound(source.schema.atoms), ")")


def flags(rows: Rows, source: ColumnSource) -> Sql:
    """Query the rows by flag."""
    flag = Sql(text=quote_identifier(name_flag_column(source.schema.name)))
    return rows.where(flag.then(" IS NOT NULL")).select(COUNT, by=flag)


def texts(rows: Rows, text: Sql, *, first: str | None, most: int) -> Sql:
    """Query the rows by text, from `first` on and null first; at most `most` groups."""
    if first is not None:
        rows = rows.where(text.then(Sql(text=" >= ?", parameters=(first,))))
    return rows.select(COUNT, by=text, after=Sql(text=f" ORDER BY k LIMIT {most}"))


def text_of(source: ColumnSource) -> Sql:
    """Write the value of a column as text: for a time, hours, minutes and seconds."""
    column = quote_identifier(source.schema.name)
    match source.reading:
        case SqlReading.TIME:
            return Sql(text=f"SUBSTRING({column}, {_TIME_OF_DAY[0]}, {_TIME_OF_DAY[1]})")
        case SqlReading.FLAG:
            return write_segment_text([source.schema.name], flags=[source.schema.name], texts=())
        case _:
            return Sql(text=column)


def sketch(rows: Rows, source: ColumnSource, *, size: int) -> Sql:
    """Query the theta sketch `sketch` of the values, and the number of rows with a value."""
    column = quote_identifier(source.schema.name)
    return rows.select(COUNT, Sql(text=f"COUNT({column}) AS held, DS_THETA({column}, {size}) AS sketch"))


def deviation(source: ColumnSource) -> Sql:
    """Write the deviation of a value from the centre as a double; for a long, the exact difference."""
    column, centre = quote_identifier(source.schema.name), source.schema.centre
    match source.reading:
        case SqlReading.LONG:
            return Sql(text=f"CAST({column} - CAST(? AS BIGINT) AS DOUBLE)", parameters=(int(centre),))
        case SqlReading.TIME:
            parts = (f"CAST(SUBSTRING({column}, {at}, 2) AS BIGINT) * {unit}" for at, unit in _SECONDS.items())
            return Sql(text=f"(CAST({' + '.join(parts)} AS DOUBLE) - ?)", parameters=(centre,))
        case SqlReading.LONG_AS_DOUBLE:
            return Sql(text=f"(CAST({column} AS DOUBLE) - ?)", parameters=(centre,))
        case _:
            return Sql(text=f"({column} - ?)", parameters=(centre,))


def _bound(bound: Sequence[SqlValue]) -> Sql:
    return Sql(text=", ".join("?" * len(bound)), parameters=tuple(bound))


def _joined(separator: str, parts: Sequence[Sql]) -> Sql:
    first, *rest = parts
    return first.then(*(piece for part in rest for piece in (separator, part)))

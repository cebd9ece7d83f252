"""Queries for the profile of a column in Druid, one bounded answer at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlmon.druid import profile_sql as sql
from airflow_mlmon.druid.answers import AnswerRows
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.profile_counts import (
    CellCounts,
    Extremes,
    NotCountableError,
    Sums,
    build_category_profile,
    build_grid_distribution,
    build_identifier_profile,
    build_numeric_profile,
    convert_times,
    parse_distribution,
    read_cells,
    sum_deviations,
)
from airflow_mlmon.druid.profile_sql import ColumnSource, Rows, Sql, SqlReading
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile, sum_columns
from airflow_mlmon.profiles.columns.distribution import MAX_VALUES
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.sketch import SKETCH_SIZE
from airflow_mlmon.profiles.schema import Kind

PAGE = 50_000
# From this number of rows on, a query to see that there are not just a few values pays off.
_MANY = 20_000
# Integers this close together are counted one by one first.
_SPAN = 1 << 15
_MOST_FAR = 200_000
_LONGS = range(-(2**63), 2**63)
# the difference of two doubles may overflow from here on
_LARGE = 2.0**969

ByPart = dict[str | None, list[Mapping[str, Any]]]
Profiles = dict[str | None, ColumnProfile]
Bounds = Mapping[str | None, Extremes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Divided rows, with the number of rows by part; if not divided, the only part is None."""

    rows: Rows
    counts: Mapping[str | None, int]


def query_text_pages(client: DruidClient, rows: Rows, text: Sql) -> Iterator[AnswerRows]:
    """Yield the counts of each text in each part, in answers of bounded size."""
    first: str | None = None
    while True:
        answer = _ask(client, sql.texts(rows, text, first=first, most=PAGE))
        if len(answer) < PAGE:
            yield answer
            return
        # the last text may continue in other parts, so it begins the next page
        last = answer[-1]["k"]
        yield [row for row in answer if row["k"] != last]
        first = last


def find_extremes(client: DruidClient, parts: Parts, sources: Sequence[ColumnSource]) -> dict[str, Bounds]:
    """Query the smallest and the largest value of numeric columns; a query costs more than a column in it."""
    answers = _by_part(_ask(client, sql.extremes(parts.rows, sources)))
    return {
        source.schema.name: {
            part: Extremes(low=rows[0][f"lo{at}"], high=rows[0][f"hi{at}"]) for part, rows in answers.items()
        }
        for at, source in enumerate(sources)
    }


class ColumnQueries:
    """Profiling of the columns of divided rows, one at a time; thread-safe.

    Args:
        client: Client of the cluster.
        parts: Divided rows.
        flagged: Columns that have a flag column.
        extremes: Result of `find_extremes` for the numeric columns.
    """

    def __init__(
        self, client: DruidClient, parts: Parts, *, flagged: Collection[str], extremes: Mapping[str, Bounds]
    ) -> None:
        self._client = client
        self._rows = parts.rows
        self._counts = parts.counts
        self._flagged = flagged
        self._bounds = extremes

    def profile(self, source: ColumnSource) -> Profiles:
        """Profile a column in each part.

        Raises:
            NotCountableError: Druid cannot count it exactly; the message says why.
            ServiceError: Druid does not answer, or refuses.
        """
        match source.schema.kind:
            case Kind.NUMERIC if source.reading is SqlReading.TIME:
                return self._profile_times(source)
            case Kind.NUMERIC:
                return self._profile_numbers(source)
            case Kind.IDENTIFIER:
                return self._profile_identifiers(source)
            case _:
                return self._profile_texts(source)

    def _ask(self, query: Sql) -> ByPart:
        return _by_part(_ask(self._client, query))

    def _profile_texts(self, source: ColumnSource) -> Profiles:
        found: dict[str | None, list[ColumnProfile]] = {part: [] for part in self._counts}
        for page in query_text_pages(self._client, self._rows, sql.text_of(source)):
            for part, answer in _by_part(page).items():
                found[part].append(build_category_profile(source.schema, answer))
        empty = CategoryProfile.empty(source.schema)
        return {part: sum_columns([empty, *pages]) for part, pages in found.items()}

    def _profile_identifiers(self, source: ColumnSource) -> Profiles:
        answers = self._ask(sql.sketch(self._rows, source, size=SKETCH_SIZE))
        return {part: build_identifier_profile(source.schema, answers[part][0]) for part in self._counts}

    def _profile_times(self, source: ColumnSource) -> Profiles:
        answers: ByPart = defaultdict(list)
        for page in query_text_pages(self._client, self._rows, sql.text_of(source)):
            for part, answer in _by_part(page).items():
                answers[part] += answer
        return {part: _profile_seconds(source, convert_times(answers[part])) for part in self._counts}

    def _profile_numbers(self, source: ColumnSource) -> Profiles:
        extremes = self._extremes(source)
        if _is_narrow(source, extremes.values()):
            values = self._values(source, self._counts)
            cells = self._cells(source, set(self._counts) - set(values))
        else:
            cells = self._cells(source, self._counts)
            values = self._values(source, self._undecided(source, cells))
        gridded = {part: found for part, found in cells.items() if part not in values}
        atoms = self._atoms(source, gridded)
        far = self._far_sums(source, gridded)
        flags = self._flags(source)
        profiles: Profiles = {}
        for part in self._counts:
            if part in values:
                distribution = parse_distribution(source.schema, values[part])
                empty = sum(row["n"] for row in values[part] if row["k"] is None)
                sums = sum_deviations(source.schema, values[part])
            else:
                distribution = build_grid_distribution(source.schema, gridded[part], atoms[part])
                empty, sums = gridded[part].nulls, gridded[part].sums + far[part]
            profiles[part] = build_numeric_profile(
                source.schema,
                distribution,
                empty=empty,
                flagged=flags[part],
                extremes=extremes[part],
                sums=sums,
            )
        return profiles

    def _extremes(self, source: ColumnSource) -> Bounds:
        found = self._bounds[source.schema.name]
        _demand_countable(source, found.values())
        return {part: found.get(part, Extremes()) for part in self._counts}

    def _cells(self, source: ColumnSource, parts: Collection[str | None]) -> dict[str | None, CellCounts]:
        if not parts:
            return {}
        answers = self._ask(sql.cells(self._rows.of_parts(parts), source))
        return {part: read_cells(source.schema, answers[part]) for part in parts}

    def _undecided(self, source: ColumnSource, cells: Mapping[str | None, CellCounts]) -> set[str | None]:
        """Return the parts that may have few enough distinct values to count them one by one."""
        few = {part for part, found in cells.items() if found.codes <= MAX_VALUES}
        large = {part for part in few if cells[part].tally.rows > _MANY}
        if not large:
            return few
        answers = self._ask(sql.residues(self._rows.of_parts(large), source))
        return few - {part for part in large if len(answers[part]) > MAX_VALUES + 1}

    def _values(self, source: ColumnSource, parts: Iterable[str | None]) -> ByPart:
        """Query the counted deviations of the parts that do not have too many of them."""
        left, found = set(parts), ByPart()
        while left:
            # null is a group of its own in Druid; more groups than this exceed the limit of all parts
            most = (MAX_VALUES + 2) * len(left)
            answer = _ask(self._client, sql.select_values(self._rows.of_parts(left), source, most=most))
            answers = _by_part(answer)
            too_many = {part for part in left if _distinct(answers[part]) > MAX_VALUES}
            if len(answer) < most:
                return found | {part: answers[part] for part in left - too_many}
            left -= too_many
        return found

    def _atoms(self, source: ColumnSource, parts: Collection[str | None]) -> ByPart:
        if not (parts and source.schema.atoms):
            return defaultdict(list)
        rows = self._rows.of_parts(parts).where(sql.is_atom(source))
        return self._ask(sql.select_values(rows, source, most=len(parts) * (len(source.schema.atoms) + 1)))

    def _far_sums(self, source: ColumnSource, cells: Mapping[str | None, CellCounts]) -> dict[str | None, Sums]:
        """Query the sums of deviations so far off that their squares do not fit into a long."""
        low = max((found.low for found in cells.values() if found.low is not None), default=None)
        high = min((found.high for found in cells.values() if found.high is not None), default=None)
        if low is None and high is None:
            return dict.fromkeys(cells, Sums())
        rows = self._rows.of_parts(cells).where(sql.beyond(source, low, high))
        answer = _ask(self._client, sql.select_values(rows, source, most=_MOST_FAR))
        if len(answer) == _MOST_FAR:
            raise NotCountableError("too many of its values are far from the pinned centre")
        answers = _by_part(answer)
        return {part: sum_deviations(source.schema, answers[part]) for part in cells}

    def _flags(self, source: ColumnSource) -> ByPart:
        if source.schema.name not in self._flagged:
            return defaultdict(list)
        return self._ask(sql.flags(self._rows, source))


def _ask(client: DruidClient, query: Sql) -> list[dict[str, Any]]:
    return client.sql(query.text, query.parameters)


def _by_part(answer: AnswerRows) -> ByPart:
    found: ByPart = defaultdict(list)
    for row in answer:
        found[row.get("part")].append(row)
    return found


def _distinct(answer: AnswerRows) -> int:
    return sum(row["k"] is not None for row in answer)


def _is_narrow(source: ColumnSource, extremes: Iterable[Extremes]) -> bool:
    if source.reading is not SqlReading.LONG:
        return False
    bounds = [(found.low, found.high) for found in extremes if found.low is not None and found.high is not None]
    return not bounds or max(high for _, high in bounds) - min(low for low, _ in bounds) < _SPAN


def _demand_countable(source: ColumnSource, extremes: Iterable[Extremes]) -> None:
    """Reject deviations that Druid cannot compute."""
    centre = source.schema.centre
    if source.reading is not SqlReading.LONG:
        if abs(centre) > _LARGE:
            raise NotCountableError("its centre is too far from 0")
        return
    bounds = [int(bound) for found in extremes for bound in (found.low, found.high) if bound is not None]
    if not all(bound - int(centre) in _LONGS for bound in (int(centre) * 2, *bounds)):
        raise NotCountableError("its integers are too far from the pinned centre")


def _profile_seconds(source: ColumnSource, answer: AnswerRows) -> NumericProfile:
    """Profile whole seconds from their complete counts."""
    seconds = [row["k"] for row in answer if row["k"] is not None]
    deviations = [{"k": None if row["k"] is None else row["k"] - source.schema.centre, "n": row["n"]} for row in answer]
    return build_numeric_profile(
        source.schema,
        parse_distribution(source.schema, deviations),
        empty=sum(row["n"] for row in answer if row["k"] is None),
        flagged=(),
        extremes=Extremes(low=min(seconds, default=None), high=max(seconds, default=None)),
        sums=sum_deviations(source.schema, deviations),
    )

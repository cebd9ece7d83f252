"""Druid profiling engine: profiles the rows that Druid serves, with the same result as from the rows themselves.

No row leaves Druid. Each column takes a few queries, some concurrently, and their counts give the profile bit for
bit. What Druid cannot count exactly (vectors, which it does not store, and the rare column whose message says
why) is left to the local engine, which then reads only these columns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_mlmon.druid.answers import SegmentColumns
from airflow_mlmon.druid.client import DruidClient, ResourceLimitError
from airflow_mlmon.druid.division import STRING, Division, TextCounts, count_rows_of_texts, divide, group_alike, rows_of
from airflow_mlmon.druid.flags import name_flag_column
from airflow_mlmon.druid.ingestion import CONTENT_COLUMN
from airflow_mlmon.druid.profile_counts import NotCountableError
from airflow_mlmon.druid.profile_hours import choose_hourly, count_hourly, join_hours
from airflow_mlmon.druid.profile_queries import Bounds, ColumnQueries, Parts, Profiles, find_extremes
from airflow_mlmon.druid.profile_sql import ColumnSource, Rows, Sql, SqlReading
from airflow_mlmon.druid.requirements import explain_lost_nulls
from airflow_mlmon.druid.sql import quote_identifier
from airflow_mlmon.errors import (
    ConfigError,
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.columns.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.columns.segment import Part, Segment, build_undivided, empty_part, sum_parts
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import Kind, ProfileSchema
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.tracing import TracedPool

log = logging.getLogger(__name__)

QUERIES_AT_ONCE = 4
_SKETCHES = "druid-datasketches"
_DOUBLE, _LONG = "DOUBLE", "LONG"
_READINGS = {
    (Kind.NUMERIC, ColumnType.FLOAT, _DOUBLE): SqlReading.DOUBLE,
    (Kind.NUMERIC, ColumnType.FLOAT, _LONG): SqlReading.LONG_AS_DOUBLE,
    (Kind.NUMERIC, ColumnType.DECIMAL, _DOUBLE): SqlReading.DOUBLE,
    (Kind.NUMERIC, ColumnType.INTEGER, _LONG): SqlReading.LONG,
    (Kind.NUMERIC, ColumnType.TIMESTAMP, STRING): SqlReading.TIME,
    (Kind.CATEGORY, ColumnType.BOOLEAN, _LONG): SqlReading.FLAG,
    (Kind.CATEGORY, ColumnType.STRING, STRING): SqlReading.TEXT,
    (Kind.CATEGORY, ColumnType.CATEGORY, STRING): SqlReading.TEXT,
    (Kind.IDENTIFIER, ColumnType.STRING, STRING): SqlReading.TEXT,
}
_SQL_TYPES = {_DOUBLE: "DOUBLE", _LONG: "BIGINT", STRING: "VARCHAR"}
_COLUMNS = "SELECT COLUMN_NAME AS c, DATA_TYPE AS t FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ?"

Local = Callable[[ProfileSchema], Profile]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profiled:
    """Rows with the same columns: their divisions, and by text the profile of each column that Druid could count.

    `whole` has them undivided, if no division was needed; `columns` is keyed by the name of the segment.
    """

    held: Rows
    sources: tuple[ColumnSource, ...]
    flagged: tuple[str, ...]
    rows: int
    divisions: tuple[Division, ...]
    whole: Mapping[str, Profiles]
    columns: Mapping[str, Mapping[str, Profiles]]


def profile_datasource(
    client: DruidClient,
    datasource: str,
    interval: Partition,
    schema: ProfileSchema,
    types: Mapping[str, ColumnType],
    *,
    clock: Clock | None = None,
    local: Local | None = None,
) -> Profile:
    """Profile the rows of a datasource in an interval under a profile schema.

    Args:
        client: Client of the cluster.
        datasource: Datasource of the predictions.
        interval: Half-open interval.
        schema: Profile schema.
        types: Declared types of the profiled columns and of those that divide segments.
        clock: Event times of the rows, by whose hours they are counted too; None for none.
        local: Profiles the same rows locally, for the few columns that Druid cannot profile.

    Raises:
        NotFoundError: The datasource does not exist.
        ConfigError: The cluster reads null as 0, or a column needs `local`, and it is None.
        ServiceUnavailableError: The broker does not know all columns yet; retryable.
        PartitionConflictError: The rows were replaced meanwhile; retryable.
        ServiceError: Druid does not answer, or refuses.
    """
    _demand_nulls(client)
    segments = client.segment_columns(datasource, interval)
    planned = _planned_types(client, datasource, segments)
    engine = _Engine(client, datasource, interval, schema, types=types, planned=planned, clock=clock)
    before = engine.contents(segments)
    profile, left = engine.profile(segments)
    if before != engine.contents(client.segment_columns(datasource, interval)):
        raise PartitionConflictError(f"The rows of {interval} in {datasource} were replaced while they were profiled.")
    return _completed(profile, schema, left, local) if left else profile


class _Engine:
    """Profiling of an interval of one datasource."""

    def __init__(
        self,
        client: DruidClient,
        datasource: str,
        interval: Partition,
        schema: ProfileSchema,
        *,
        types: Mapping[str, ColumnType],
        planned: Mapping[str, str],
        clock: Clock | None,
    ) -> None:
        self._client = client
        self._datasource = datasource
        self._interval = interval
        self._schema = schema
        self._types = types
        self._planned = planned
        self._clock = clock
        self._left = {
            column.name: "Druid does not store vectors" for column in schema.columns if column.kind is Kind.VECTOR
        } | {column.name: "it is derived from the rows" for column in schema.columns if column.derived}

    def contents(self, segments: Sequence[SegmentColumns]) -> TextCounts:
        """Count the rows by content version."""
        if not segments:
            return {}
        rows = rows_of(self._datasource, self._interval, segments)
        return count_rows_of_texts(self._client, rows, Sql(text=quote_identifier(CONTENT_COLUMN)))

    def profile(self, segments: Sequence[SegmentColumns]) -> tuple[Profile, Mapping[str, str]]:
        """Profile the columns that Druid can count, and give the reason for each other column."""
        named = {column.name for column in self._schema.columns}
        named |= {name for segment in self._schema.segments for name in segment.columns}
        profiled = [self._profile_alike(group) for group in group_alike(segments, named)]
        had = replace(
            self._schema, columns=tuple(column for column in self._schema.columns if column.name not in self._left)
        )
        return sum_profiles(had, [self._with_hours(part, had) for part in profiled]), self._left

    def _with_hours(self, profiled: _Profiled, schema: ProfileSchema) -> Profile:
        profile = _to_profile(profiled, schema)
        if self._clock is None or not profile.rows:
            return profile
        sources = [source for source in profiled.sources if source.schema.name in profile.columns]
        chosen = choose_hourly(self._schema, sources, profile.columns, profiled.flagged)
        try:
            hours = count_hourly(self._client, profiled.held, self._clock.zone, schema, chosen)
        except NotCountableError as error:
            log.warning("The hours of the rows are not known: of a column, %s", error)
            return profile
        return replace(profile, hours=hours)

    def _profile_alike(self, segments: Sequence[SegmentColumns]) -> _Profiled:
        rows = rows_of(self._datasource, self._interval, segments)
        held = segments[0].columns
        sources = self._sources(held)
        flagged = [source.schema.name for source in sources if _is_flagged(segments, source.schema.name)]
        divisions = tuple(divide(self._client, rows, pinned, held, self._types) for pinned in self._schema.segments)
        count = sum(self.contents(segments).values())
        columns = {}
        for division in divisions:
            if build_undivided(division.schema, division.counts, empty_part(())) is None:
                parts = Parts(rows=replace(rows, key=division.key), counts=division.texts)
                columns[division.schema.name] = self._profile_columns(parts, sources, flagged)
        undivided_rows = Parts(rows=rows, counts={None: count})
        whole = {} if columns else self._profile_columns(undivided_rows, sources, flagged)
        return _Profiled(
            held=rows,
            sources=tuple(sources),
            flagged=tuple(flagged),
            rows=count,
            divisions=divisions,
            whole=whole,
            columns=columns,
        )

    def _sources(self, held: Mapping[str, str]) -> list[ColumnSource]:
        """List the columns that can be profiled in these segments; absent ones have no rows."""
        sources = []
        for column in self._schema.columns:
            if column.name not in held or column.name in self._left:
                continue
            stored, planned = held[column.name], self._planned[column.name]
            reading = _READINGS.get((column.kind, self._types[column.name], stored))
            if reading is None:
                self._left[column.name] = f"Druid stores it as {stored}, but it is declared as "
                f"{self._types[column.name]}"
            elif planned != _SQL_TYPES[stored] and reading is not SqlReading.LONG_AS_DOUBLE:
                self._left[column.name] = f"Druid stores it as {stored} in these rows, but reads it as {planned}"
            elif column.kind is Kind.IDENTIFIER and _SKETCHES not in self._client.extensions():
                self._left[column.name] = f"counting identifiers in Druid needs its extension {_SKETCHES}"
            else:
                sources.append(ColumnSource(schema=column, reading=reading))
        return sources

    def _profile_columns(
        self, parts: Parts, sources: Iterable[ColumnSource], flagged: Sequence[str]
    ) -> Mapping[str, Profiles]:
        """Profile the columns that can be counted, some concurrently."""
        sources = [source for source in sources if source.schema.name not in self._left]
        queries = ColumnQueries(self._client, parts, flagged=flagged, extremes=self._extremes(parts, sources))
        crowded: list[ColumnSource] = []

        def profile(source: ColumnSource) -> Profiles | None:
            try:
                return self._profile_column(queries, source)
            except ResourceLimitError as error:
                log.warning("Profiling column %s again by itself: %s", source.schema.name, error.message)
                crowded.append(source)
                return None

        with TracedPool(QUERIES_AT_ONCE, thread_name_prefix="druid") as pool:
            found = {source.schema.name: one for source, one in zip(sources, pool.map(profile, sources), strict=True)}
        for source in crowded:
            found[source.schema.name] = self._profile_alone(queries, source)
        return {name: one for name, one in found.items() if one is not None}

    def _extremes(self, parts: Parts, sources: Iterable[ColumnSource]) -> dict[str, Bounds]:
        """Query the extremes of the numeric columns, in as many queries as run concurrently."""
        numbers = [source for source in sources if source.schema.kind is Kind.NUMERIC and source.reading.is_number]
        shares = [numbers[at::QUERIES_AT_ONCE] for at in range(min(QUERIES_AT_ONCE, len(numbers)))]
        with TracedPool(QUERIES_AT_ONCE, thread_name_prefix="druid") as pool:
            found = pool.map(lambda share: find_extremes(self._client, parts, share), shares)
            return {name: bounds for own in found for name, bounds in own.items()}

    def _profile_column(self, queries: ColumnQueries, source: ColumnSource) -> Profiles | None:
        try:
            return queries.profile(source)
        except NotCountableError as error:
            self._left[source.schema.name] = str(error)
            return None

    def _profile_alone(self, queries: ColumnQueries, source: ColumnSource) -> Profiles | None:
        try:
            return self._profile_column(queries, source)
        except ResourceLimitError as error:
            raise ServiceRejectedError(
                f"Column {source.schema.name!r} cannot be profiled in Druid, not even by itself: {error.message}",
                hint="set druid.query.groupBy.maxOnDiskStorage on brokers and historicals, or a larger "
                "druid.processing.buffer.sizeBytes; or profile with `engine: local`",
                column=source.schema.name,
            ) from error


def _demand_nulls(client: DruidClient) -> None:
    if said := explain_lost_nulls(client):
        raise ConfigError(
            f"{said}.",
            hint="set druid.generic.useDefaultValueForNull=false and ingest again, or profile with `engine: local`",
        )


def _planned_types(client: DruidClient, datasource: str, segments: Sequence[SegmentColumns]) -> Mapping[str, str]:
    """Query the types that the broker plans with; it learns of new columns some time after an ingestion."""
    known = {row["c"]: row["t"] for row in client.sql(_COLUMNS, [datasource])}
    if not known:
        raise NotFoundError(f"Druid has no datasource {datasource!r}.", hint="ingest its rows first")
    if unknown := {name for segment in segments for name in segment.columns} - set(known):
        raise ServiceUnavailableError(f"Druid's broker does not know column {min(unknown)!r} of {datasource} yet.")
    return known


def _is_flagged(segments: Sequence[SegmentColumns], name: str) -> bool:
    return any(name_flag_column(name) in segment.columns for segment in segments)


def _to_profile(profiled: _Profiled, schema: ProfileSchema) -> Profile:
    parts = {
        division.schema.name: _parts(division, profiled.columns[division.schema.name], schema)
        for division in profiled.divisions
        if division.schema.name in profiled.columns
    }
    if parts:
        whole = sum_parts(list(next(iter(parts.values())).values()))
    else:
        whole = _part(schema, profiled.rows, {name: own[None] for name, own in profiled.whole.items()})
    segments = {}
    for division in profiled.divisions:
        simple = build_undivided(division.schema, division.counts, whole)
        segments[division.schema.name] = simple or _segment(division, parts[division.schema.name], schema)
    return Profile(schema_id=schema.id, rows=whole.rows, columns=whole.columns, segments=segments)


def _parts(division: Division, columns: Mapping[str, Profiles], schema: ProfileSchema) -> dict[str | None, Part]:
    """Build the part of each value, from all texts that belong to it."""
    texts: dict[str | None, list[str | None]] = {}
    for text in division.texts:
        texts.setdefault(division.value_of(text), []).append(text)
    return {
        value: _part(
            schema,
            division.counts[value],
            {name: sum_columns(own[text] for text in belonging) for name, own in columns.items()},
        )
        for value, belonging in texts.items()
    }


def _part(schema: ProfileSchema, rows: int, columns: Mapping[str, ColumnProfile]) -> Part:
    found = {column.name: columns.get(column.name) or empty_column(column) for column in schema.columns}
    return Part(rows=rows, columns=found)


def _segment(division: Division, parts: Mapping[str | None, Part], schema: ProfileSchema) -> Segment:
    named = {value: part for value, part in parts.items() if value is not None}
    return Segment(schema=division.schema, parts=named, rest=parts.get(None) or empty_part(schema.columns))


def _completed(profile: Profile, schema: ProfileSchema, left: Mapping[str, str], local: Local | None) -> Profile:
    """Add the columns that the local engine has to profile."""
    said = "; ".join(f"{name!r}: {reason}" for name, reason in sorted(left.items()))
    if local is None:
        raise ConfigError(f"Columns that cannot be profiled in Druid: {said}.", hint="profile with `engine: local`")
    log.info("Profiled locally from the curated rows, not in Druid: %s", said)
    others = local(replace(schema, columns=tuple(column for column in schema.columns if column.name in left)))
    if others.rows != profile.rows:
        raise PartitionConflictError(
            f"Druid serves {profile.rows} rows, but the curated partition has {others.rows}: one of them was replaced."
        )
    segments = {
        name: replace(
            segment,
            parts={
                value: _joined(schema, part, others.segments[name].parts[value])
                for value, part in segment.parts.items()
            },
            rest=_joined(schema, segment.rest, others.segments[name].rest),
        )
        for name, segment in profile.segments.items()
    }
    whole = _joined(
        schema, Part(rows=profile.rows, columns=profile.columns), Part(rows=others.rows, columns=others.columns)
    )
    hours = join_hours(schema, (profile.hours, others.hours))
    return Profile(schema_id=schema.id, rows=whole.rows, columns=whole.columns, segments=segments, hours=hours)


def _joined(schema: ProfileSchema, part: Part, other: Part) -> Part:
    both = {**part.columns, **other.columns}
    return Part(rows=part.rows, columns={column.name: both[column.name] for column in schema.columns})

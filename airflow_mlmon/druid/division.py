"""Division of rows in Druid by the values of a segment's columns, as `profiles.engine.division` divides a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_mlmon.druid import profile_sql as sql
from airflow_mlmon.druid.answers import SegmentColumns
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.profile_queries import query_text_pages
from airflow_mlmon.druid.profile_sql import Rows, Sql
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.schema import LONGEST_NAME, SegmentSchema
from airflow_mlmon.spec.choices import ColumnType

STRING = "STRING"
# Up to this number of values, grouping by all of them is faster than filtering those that count.
_FEW_TEXTS = 256

TextCounts = Mapping[str | None, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Values of a segment: the text that Druid groups by, and the rows by text and by value."""

    schema: SegmentSchema
    key: Sql
    texts: TextCounts
    counts: TextCounts

    def value_of(self, text: str | None) -> str | None:
        """Return the value with a part of its own for this text; None for the rest."""
        return _value_of(self.schema, text)


def rows_of(datasource: str, interval: Partition, segments: Sequence[SegmentColumns]) -> Rows:
    """Select the rows of an interval that these Druid segments hold."""
    spans = sorted((max(segment.start, interval.start), min(segment.end, interval.end)) for segment in segments)
    joined: list[tuple[datetime, datetime]] = []
    for begin, stop in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], stop)
        else:
            joined.append((begin, stop))
    return Rows(datasource=datasource, intervals=tuple(joined))


def group_alike(segments: Sequence[SegmentColumns], named: Collection[str]) -> list[list[SegmentColumns]]:
    """Group the Druid segments that have the same types of the named columns."""
    alike: dict[frozenset[tuple[str, str]], list[SegmentColumns]] = {}
    for segment in segments:
        held = frozenset((name, kind) for name, kind in segment.columns.items() if name in named)
        alike.setdefault(held, []).append(segment)
    return list(alike.values())


def divide(
    client: DruidClient,
    rows: Rows,
    pinned: SegmentSchema,
    held: Mapping[str, str],
    types: Mapping[str, ColumnType],
) -> Division:
    """Divide the rows that hold these Druid columns; `types` are the declared types."""
    if not set(pinned.columns) <= set(held):
        nothing = Sql(text="CAST(NULL AS VARCHAR)")
        rest = count_rows_of_texts(client, rows, nothing)
        return Division(schema=pinned, key=nothing, texts=rest, counts=rest)
    key = sql.write_segment_text(
        pinned.columns,
        flags=[name for name in pinned.columns if types[name] is ColumnType.BOOLEAN],
        texts=[name for name in pinned.columns if held[name] == STRING],
    )
    texts = count_rows_of_texts(client, rows, key)
    counts: Counter[str | None] = Counter()
    for text, count in texts.items():
        counts[_value_of(pinned, text)] += count
    if len(texts) <= _FEW_TEXTS:
        return Division(schema=pinned, key=key, texts=texts, counts=counts)
    return Division(
        schema=pinned,
        key=sql.only(key, [value for value in counts if value is not None]),
        texts=counts,
        counts=counts,
    )


def count_rows_of_texts(client: DruidClient, rows: Rows, text: Sql) -> dict[str | None, int]:
    """Count the rows of each text."""
    return {row["k"]: row["n"] for page in query_text_pages(client, rows, text) for row in page}


def _value_of(pinned: SegmentSchema, text: str | None) -> str | None:
    if pinned.values is not None:
        return text if text in pinned.values else None
    return text if text is not None and len(text) <= LONGEST_NAME else None

"""Objects of a Delta table: the live files of a day, by the values of their partition or by their event times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from airflow_mlmon.archive.layouts.delta_log import LiveFile, has_log, match_objects, read_live_files
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.storage import ObjectStore, Storage, StoredObject, is_hidden, join_uri
from airflow_mlmon.tables.files import find_files

# statistics of times are cut at the millisecond
_ROUNDED = timedelta(milliseconds=1)
# of times without a zone, which may be those of any
_ANY_ZONE = timedelta(days=1)


_GLOB = re.compile(r"[*?\[]")


class LiveObjects(NamedTuple):
    """Objects of live files of a table.

    Attributes:
        files: The objects, sorted by URI, with the values of their partition.
        beside: URIs of other objects in their folders, which the log has removed or never added.
        folders: These folders.
    """

    files: tuple[tuple[StoredObject, Mapping[str, str | None]], ...]
    beside: tuple[str, ...]
    folders: tuple[str, ...]


def list_table(store: ObjectStore, root: str) -> LiveObjects:
    """List the live files of a Delta table.

    Raises:
        ConfigError: it is no Delta table, or needs a feature that is not applied.
        DataError: its log is damaged, or names a file that is not there.
    """
    live = read_live_files(store, root)
    return _list(store, root, live, live)


def find_table_files(path: str, storage: Storage) -> list[str]:
    """Find the files of a path, a folder or a glob; of a Delta table those that are live.

    Raises:
        NotFoundError: no file was found.
        ConfigError: a file is of no known format, or the table needs a feature that is not applied.
        DataError: the log of the table is damaged, or names a file that is not there.
    """
    plain = path.removeprefix("file://").rstrip("/")
    if _GLOB.search(path) or not has_log(storage.at(path), plain):
        return find_files(path, storage)
    return [item.uri for item, _ in list_table(storage.at(path), plain).files]


def list_table_day(
    store: ObjectStore, root: str, partition: Partition, *, time_column: str | None = None
) -> LiveObjects:
    """List the live files of a day: by their partition, or with `time_column` those that may hold event times of it.

    Raises:
        ConfigError: it is no Delta table, needs a feature that is not applied, or is not partitioned by the day.
        DataError: its log is damaged, or names a file that is not there.
    """
    live = read_live_files(store, root)
    if time_column is not None:
        return _list(store, root, [file for file in live if _may_hold(file, time_column, partition)], live)
    if live and not any(_day_of(file.values) for file in live):
        raise ConfigError(
            f"The Delta table {root} is not partitioned by day.", hint="set predictions.dates to event in the spec"
        )
    return _list(store, root, [file for file in live if _day_of(file.values) == partition.key], live)


def _list(store: ObjectStore, root: str, chosen: Sequence[LiveFile], live: Sequence[LiveFile]) -> LiveObjects:
    """List the chosen files, and as passed over what lies beside them and is not live."""
    matched = list(match_objects(store, root, list(chosen)))
    known = {join_uri(root, path) for file in live for path in file.paths}
    folders = sorted({item.uri.rpartition("/")[0] + "/" for _, item in matched})
    beside = {item.uri for folder in folders for item in store.list(folder)} - known
    return LiveObjects(
        files=tuple(sorted(((item, file.values) for file, item in matched), key=lambda found: found[0].uri)),
        beside=tuple(
            uri for uri in sorted(beside) if not any(map(is_hidden, uri.removeprefix(join_uri(root, "")).split("/")))
        ),
        folders=tuple(folders) or (join_uri(root, ""),),
    )


def _day_of(values: Mapping[str, str | None]) -> str | None:
    """Return the day that the values of a partition name, by a date or by year, month and day."""
    for value in values.values():
        if value is not None and _is_day(value[:10]):
            return value[:10]
    parts = [values.get(name) for name in ("year", "month", "day")]
    if all(part is not None and part.isdigit() for part in parts):
        year, month, day = map(str, parts)
        return f"{int(year):04}-{int(month):02}-{int(day):02}"
    return None


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _may_hold(file: LiveFile, column: str, partition: Partition) -> bool:
    """Return whether a file may hold times of a day; statistics that are unknown, or no times, exclude none."""
    least, most = file.least.get(column), file.most.get(column)
    if not isinstance(least, datetime) or not isinstance(most, datetime):
        return True
    if most.tzinfo is None:
        least, most = least.replace(tzinfo=UTC) - _ANY_ZONE, most.replace(tzinfo=UTC) + _ANY_ZONE
    return least < partition.end and most + _ROUNDED >= partition.start

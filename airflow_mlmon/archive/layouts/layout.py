"""Layout of an archive: the objects that belong to a day, and those among them that are no data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airflow_mlmon.archive.layouts.delta_table import LiveObjects, list_table, list_table_day
from airflow_mlmon.archive.layouts.patterns import Match, Pattern, hours_between, read_value
from airflow_mlmon.archive.layouts.sidecars import explain_no_data, find_folder_objects, find_marks, matches_glob
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.spec.choices import FileFormat, Role
from airflow_mlmon.spec.layouts import Layout
from airflow_mlmon.storage import ObjectStore, StoredObject

# stands for any moment, where a path tells none
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class ListedFile(NamedTuple):
    """Listed object that is data.

    Attributes:
        item: The object.
        values: Columns whose values its path gives; None for a missing value.
        marks: Sidecar of the marks that capture wrote of it; None if there is none.
    """

    item: StoredObject
    values: Mapping[str, str | None] = MappingProxyType({})
    marks: str | None = None


class PassedOver(NamedTuple):
    """Listed object that is no data."""

    uri: str
    reason: str


class Listing(NamedTuple):
    """Objects of a day, sorted by URI.

    Attributes:
        files: The data.
        passed_over: Objects that are no data.
        folders: The folders that were listed, or the files if the path names files.
        missing: Those of the folders without data, where there is one for each hour.
        untimely: Number of objects that were written at other times, where the time of writing tells the day.
    """

    files: tuple[ListedFile, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    folders: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    untimely: int = 0


class Wanted(NamedTuple):
    """What is taken for data.

    Attributes:
        columns: Columns that a path may give.
        include: Globs of the files.
        exclude: Globs of other files.
        markers: Names of files that are signs of a complete day.
        written: Interval in which the objects are written; None for any.
    """

    columns: Collection[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    markers: Collection[str] = ()
    written: tuple[datetime, datetime] | None = None


class Scanned(NamedTuple):
    """Object of a day with its match, None if it is beside the path, and why it is no data, empty if it is."""

    item: StoredObject
    match: Match | None
    reason: str


def list_day(store: ObjectStore, predictions: Predictions, partition: Partition) -> Listing:
    """List the objects of a day.

    Where the paths do not tell the day, these are the objects written on it, or those that may hold rows of it.
    """
    if predictions.format is FileFormat.DELTA:
        return _join([list_delta_day(store, path, partition, predictions) for path in predictions.paths])
    wanted = wanted_of(predictions, partition)
    return _join(
        [
            _list_pattern(store, Pattern(path), moments_of(predictions, path, partition), wanted)
            for path in predictions.paths
        ]
    )


def list_delta_day(store: ObjectStore, path: str, partition: Partition, predictions: Predictions) -> Listing:
    """List the live files of a day of a Delta table."""
    times = [name for name, column in predictions.columns.items() if column.role is Role.TIME]
    time_column = times[0] if times and predictions.dates == "event" else None
    return _list_live(list_table_day(store, path, partition, time_column=time_column))


def list_delta(store: ObjectStore, path: str, partition: Partition | None = None) -> Listing:
    """List the live files of a Delta table, or of one day by which it is partitioned."""
    return _list_live(list_table(store, path) if partition is None else list_table_day(store, path, partition))


def _list_live(found: LiveObjects) -> Listing:
    return Listing(
        files=tuple(ListedFile(item, values) for item, values in found.files),
        passed_over=tuple(PassedOver(uri, "is not live in the log of the table") for uri in found.beside),
        folders=found.folders,
    )


def wanted_of(predictions: Predictions, partition: Partition) -> Wanted:
    """Return what is taken for data of a day."""
    markers = predictions.ready.names if predictions.ready else frozenset[str]()
    written = None if predictions.dates == "path" else _written(predictions, partition)
    return Wanted(predictions.columns, predictions.include, predictions.exclude, markers, written)


def list_dated(store: ObjectStore, path: str, partition: Partition) -> Listing:
    """List the objects of a day below a path with placeholders, as of labels."""
    zone = ZoneInfo("UTC" if Pattern(path).has_hours else partition.zone)
    return _list_pattern(store, Pattern(path), _moments(path, partition.start, partition.end, zone), Wanted())


def list_below(
    store: ObjectStore,
    path: str,
    *,
    columns: Collection[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Listing:
    """List the objects below a folder; or the file, if the path is that of one."""
    wanted = Wanted(columns, include, exclude)
    folder = _list_pattern(store, Pattern(f"{path.rstrip('/')}/", is_plain=True), [_NO_TIME], wanted)
    if folder.files or path.endswith("/"):
        return folder
    return _list_pattern(store, Pattern(path, is_plain=True), [_NO_TIME], wanted)


def day_folders(predictions: Layout, partition: Partition) -> tuple[str, ...]:
    """Return the folders of a day, in order; the files, if the paths name files."""
    return tuple(
        dict.fromkeys(
            Pattern(path).fill(moment)
            for path in predictions.paths
            for moment in moments_of(predictions, path, partition)
        )
    )


def moments_of(predictions: Layout, path: str, partition: Partition) -> list[datetime]:
    """Return the moments whose paths may hold objects of a day, in the zone of the path: its hours, or its days."""
    is_dated = predictions.dates == "path"
    start, end = (partition.start, partition.end) if is_dated else _written(predictions, partition)
    zone = predictions.path_zone or ("UTC" if Pattern(path).has_hours else partition.zone)
    return _moments(path, start, end, ZoneInfo(zone))


def _moments(path: str, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return one moment for each path of an interval."""
    hours, pattern = hours_between(start.astimezone(zone), end), Pattern(path)
    return list({pattern.fill(hour): hour for hour in hours}.values())


def _written(predictions: Layout, partition: Partition) -> tuple[datetime, datetime]:
    """Return the interval in which the objects of a day are written, where their paths do not tell the day."""
    within = timedelta(hours=predictions.written_within)
    start = partition.start - within if predictions.dates == "event" else partition.start + within
    return start, partition.end + within


def _is_within(modified: datetime | None, written: tuple[datetime, datetime] | None) -> bool:
    # an object of unknown age may be of any day
    return written is None or modified is None or written[0] <= modified < written[1]


def scan(store: ObjectStore, pattern: Pattern, moments: Sequence[datetime], wanted: Wanted) -> list[Scanned]:
    """List what belongs to some moments, sorted by URI, data and other objects alike."""
    return _scan(store, pattern, moments, wanted)[0]


def _scan(
    store: ObjectStore, pattern: Pattern, moments: Sequence[datetime], wanted: Wanted
) -> tuple[list[Scanned], int]:
    """List what belongs to some moments, and count the objects that would if they were not written at other times."""
    found: dict[str, tuple[StoredObject, Match | None]] = {}
    untimely = set()
    times = {pattern.time_of(moment) for moment in moments}
    for prefix, is_dated in pattern.prefixes(moments).items():
        for item in store.list(prefix):
            match = pattern.match(item.uri)
            is_of_day = is_dated if match is None else match.time in times
            if is_of_day and _is_within(item.modified, wanted.written):
                found[item.uri] = (item, match)
            elif is_of_day:
                untimely.add(item.uri)
    folders = find_folder_objects(item for item, _ in found.values())
    scanned = [
        Scanned(item, match, "is a folder" if uri in folders else _explain(item, match, wanted))
        for uri, (item, match) in sorted(found.items())
    ]
    return scanned, len(untimely)


def _list_pattern(store: ObjectStore, pattern: Pattern, moments: Sequence[datetime], wanted: Wanted) -> Listing:
    scanned, untimely = _scan(store, pattern, moments, wanted)
    there = {item.uri for item, _, reason in scanned if reason}
    files = tuple(
        ListedFile(item, dict(_partition_values(item.uri, wanted.columns)) | match.values, find_marks(item.uri, there))
        for item, match, reason in scanned
        if match is not None and not reason
    )
    passed_over = tuple(PassedOver(item.uri, reason) for item, _, reason in scanned if reason)
    filled = {match.time for _, match, reason in scanned if match is not None and not reason}
    folders = {pattern.time_of(moment): pattern.fill(moment) for moment in moments}
    has_gaps = pattern.has_hours and files and wanted.written is None
    missing = [folder for time, folder in folders.items() if time not in filled] if has_gaps else []
    return Listing(files, passed_over, tuple(folders.values()), tuple(missing), untimely)


def _explain(item: StoredObject, match: Match | None, wanted: Wanted) -> str:
    """Explain why an object is no data; empty if it is."""
    if match is None:
        return "is beside the files of the path"
    below = match.rest
    name = below or item.uri.rpartition("/")[2]
    if name.rpartition("/")[2] in wanted.markers:
        return "is a marker"
    if reason := explain_no_data(name, item.size, is_named=not below):
        return reason
    if wanted.include and not any(matches_glob(name, glob) for glob in wanted.include):
        return "is not included"
    return "is excluded" if any(matches_glob(name, glob) for glob in wanted.exclude) else ""


def _partition_values(uri: str, columns: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Yield the declared columns that folders named `column=value` give."""
    for part in uri.split("/")[:-1]:
        name, found, text = part.partition("=")
        if found and name in columns:
            yield name, read_value(text)


def _join(listings: Sequence[Listing]) -> Listing:
    """Join the listings of several paths, of which one may hold the other."""
    files = {file.item.uri: file for listing in listings for file in listing.files}
    passed_over = {one.uri: one for listing in listings for one in listing.passed_over if one.uri not in files}
    return Listing(
        tuple(files[uri] for uri in sorted(files)),
        tuple(passed_over[uri] for uri in sorted(passed_over)),
        tuple(dict.fromkeys(folder for listing in listings for folder in listing.folders)),
        tuple(dict.fromkeys(folder for listing in listings for folder in listing.missing)),
        sum(listing.untimely for listing in listings),
    )

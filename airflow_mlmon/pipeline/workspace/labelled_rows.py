"""Rows of a day that a delivery has labels for: found once, kept beside the delivery, and read wherever they count."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.archive.label_keys import forms_of, key_columns
from airflow_mlmon.archive.labels import delivery_schema
from airflow_mlmon.archive.sought_keys import Matched
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.matched_keys import match_delivery, read_labels
from airflow_mlmon.pipeline.workspace.partition_files import read_workspace_table
from airflow_mlmon.profiles.values.arrow import take_rows
from airflow_mlmon.records import Delivery

_BATCH = 1 << 18
# rows of a delivery that 32 bits can number
_FEW = 1 << 31
_Rows = npt.NDArray[np.signedinteger[Any]]
_FOUND, _TABLE = "in-", ".parquet"
_LABEL, _EXCLUDED = "label", "excluded"
_POSITION, _ROW = "position", "row"
_KNOWN = "days that deliveries have labels for"


def find_labelled(run: Run, delivery: Delivery, days: Mapping[Partition, str]) -> dict[Partition, _Rows]:
    """Find the rows of days, given with their served versions, that a delivery has labels for.

    Returns:
        By day, the rows of the delivery that belong to a prediction; a day whose rows were pruned is left out.
    """
    found: dict[Partition, _Rows] = {}
    left: dict[Partition, str] = {}
    uris = {day: labelled_uri(run, delivery, day, version) for day, version in days.items()}
    without = _read_without(run, delivery)
    nothing: _Rows = np.zeros(0, dtype=np.int32 if delivery.rows < _FEW else np.int64)
    for day, version in days.items():
        try:
            is_without = _of_day(uris[day]) in without
            found[day] = nothing if is_without else read_workspace_table(run, uris[day], [_ROW]).column(_ROW).to_numpy()
        except NotFoundError:
            left[day] = version
    if left:
        labels, added = read_labels(run, delivery), set[str]()
        for day, batches in match_delivery(run, delivery, left):
            rows: list[_Rows] = [nothing]
            if (first := next(batches, None)) is None:
                added.add(_of_day(uris[day]))
            else:
                run.files.write(uris[day], _encode(_collect(chain([first], batches), rows), labels))
            found[day] = np.concatenate(rows)
        if added:
            run.files.write(_without_uri(run, delivery), json.dumps(sorted(without | added)).encode())
    _known(run).update({uris[day]: bool(len(rows)) for day, rows in found.items()})
    return found


def find_labelled_days(run: Run, deliveries: Mapping[Delivery, Mapping[Partition, str]]) -> set[Partition]:
    """Find the days that deliveries have labels for, among those given with each and their served versions.

    What a delivery has in common with a version never changes: a process that runs many days asks for it once.
    """
    known, asked = _known(run), set[str]()
    touched = set()
    for delivery, days in deliveries.items():
        uris = {day: labelled_uri(run, delivery, day, version) for day, version in days.items()}
        unknown = {day: version for day, version in days.items() if day not in touched and uris[day] not in known}
        if unknown:
            find_labelled(run, delivery, unknown)
        touched |= {day for day, uri in uris.items() if known.get(uri)}
        asked.update(uris.values())
    # what is not asked any more is not held
    run.kept[_KNOWN] = {uri: has_labels for uri, has_labels in known.items() if uri in asked}
    return touched


def _known(run: Run) -> dict[str, bool]:
    """Return whether a delivery has labels for a version of a day, by the URI of the rows that it has them for."""
    known: dict[str, bool] = run.kept.setdefault(_KNOWN, {})
    return known


@contextmanager
def open_labels(run: Run, day: Partition, version: str, deliveries: Sequence[Delivery]) -> Iterator[LabelsOfRows]:
    """Open the labels of the rows of a day; of several deliveries the latest, which is the last, counts.

    Raises:
        NotFoundError: the rows are gone.
    """
    with ExitStack() as stack:
        opened = []
        for delivery in deliveries:
            if path := stack.enter_context(_open(run, delivery, day, version)):
                file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
                opened.append(_Ascending(stack.enter_context(file)))
        yield LabelsOfRows(delivery_schema(run.spec).empty_table().select([_LABEL, _EXCLUDED]), opened)


@contextmanager
def _open(run: Run, delivery: Delivery, day: Partition, version: str) -> Iterator[Path | None]:
    """Yield the file of the rows that a delivery has labels for; None if there are none."""
    uri = labelled_uri(run, delivery, day, version)
    with ExitStack() as stack:
        try:
            path: Path | None = stack.enter_context(run.files.local_copy(uri))
        except NotFoundError:
            rows = find_labelled(run, delivery, {day: version}).get(day)
            if rows is None:
                raise NotFoundError(f"The curated rows of {day} are not in the workspace any more.") from None
            path = stack.enter_context(run.files.local_copy(uri)) if len(rows) else None
        yield path


def labels_of(
    run: Run, day: Partition, version: str, deliveries: Sequence[Delivery], rows: int
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return label and exclusion of each of the rows of a day, of which there are so many; see `open_labels`."""
    with open_labels(run, day, version, deliveries) as labels:
        return labels.take(rows)


class LabelsOfRows:
    """Labels of the rows of a day, read in the order of the rows."""

    def __init__(self, nothing: pa.Table, found: Sequence[_Ascending]) -> None:
        self._nothing = nothing
        self._found = found
        self._start = 0

    def take(self, rows: int) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        """Return label and exclusion of each of the next so many rows."""
        end = self._start + rows
        found = [one.until(end) for one in self._found]
        known = pa.concat_tables([self._nothing, *(each.select([_LABEL, _EXCLUDED]) for each in found)])
        place, first = np.full(rows, -1), 0
        for each in found:
            place[each.column(_POSITION).to_numpy() - self._start] = np.arange(first, first + each.num_rows)
            first += each.num_rows
        self._start = end
        is_missing = place < 0
        joined = known.take(pa.array(place, mask=is_missing)) if is_missing.any() else take_rows(known, place)
        return joined.column(_LABEL), pc.fill_null(joined.column(_EXCLUDED), fill_value=False)


class _Ascending:
    """Rows of a file, ascending by their position."""

    def __init__(self, file: pq.ParquetFile) -> None:
        names = [_POSITION, _LABEL, _EXCLUDED]
        self._batches = file.iter_batches(_BATCH, columns=names)
        self._held = file.schema_arrow.empty_table().select(names)

    def until(self, end: int) -> pa.Table:
        """Return the rows not yet returned whose position is below an end."""
        read = [self._held]
        while not read[-1].num_rows or read[-1].column(_POSITION)[-1].as_py() < end:
            batch = next(self._batches, None)
            if batch is None:
                break
            read.append(pa.Table.from_batches([batch]))
        rows = pa.concat_tables(read)
        below = int(np.searchsorted(rows.column(_POSITION).to_numpy(), end))
        self._held = rows.slice(below)
        return rows.slice(0, below)


def labelled_uri(run: Run, delivery: Delivery, day: Partition, version: str) -> str:
    """Return the URI of the rows of a day's version that a delivery has labels for, joined as the spec says now."""
    joined = [[name, own, forms_of(run.spec, name)] for name, own in key_columns(run.spec).items()]
    how = hashlib.sha256(json.dumps(joined).encode()).hexdigest()[:6]
    name = f"{delivery.version}.{_FOUND}{day.key}.{version}.{how}{_TABLE}"
    return run.uri("deliveries", delivery.partition.key, name)


def _read_without(run: Run, delivery: Delivery) -> frozenset[str]:
    """Read which days a delivery has no labels for: of most days that it may have some of, in one file."""
    try:
        return frozenset(json.loads(run.files.read(_without_uri(run, delivery))))
    except NotFoundError:
        return frozenset()


def _without_uri(run: Run, delivery: Delivery) -> str:
    return run.uri("deliveries", delivery.partition.key, f"{delivery.version}.{_FOUND}none.json")


def _of_day(uri: str) -> str:
    """Return what names a day, its version and how it was joined."""
    return uri.rpartition(_FOUND)[2].removesuffix(_TABLE)


def forget_labelled(run: Run, day: Partition, version: str) -> None:
    """Delete what was found of a delivery of a day, for the same files may be read otherwise now."""
    for item in run.files.list(run.uri("deliveries", day.key, f"{version}.{_FOUND}")):
        run.files.delete(item.uri)
    below = run.uri("deliveries", day.key) + "/"
    run.kept[_KNOWN] = {uri: has_labels for uri, has_labels in _known(run).items() if not uri.startswith(below)}


def _collect(matched: Iterable[Matched], rows: list[_Rows]) -> Iterator[Matched]:
    """Yield pairs, and append the rows of the delivery to a list."""
    for batch in matched:
        rows.append(batch.rows.astype(rows[0].dtype))
        yield batch


def _encode(matched: Iterable[Matched], labels: pa.Table) -> bytes:
    """Return the pairs of a day with their labels as a Parquet file, one row group for each batch of its rows."""
    sink = io.BytesIO()
    plain = pa.schema([_as_plain(field) for field in labels.schema])
    fields = [pa.field(_POSITION, pa.int64()), pa.field(_ROW, pa.int64()), *plain]
    numbers = dict.fromkeys([_POSITION, _ROW], "DELTA_BINARY_PACKED")
    with pq.ParquetWriter(
        sink,
        pa.schema(fields),
        compression="zstd",
        use_dictionary=[_LABEL],
        column_encoding=numbers,
        write_page_checksum=True,
    ) as writer:
        for batch in matched:
            taken = take_rows(labels, batch.rows).cast(plain)
            writer.write_table(pa.table([batch.positions, batch.rows, *taken.columns], schema=pa.schema(fields)))
    return sink.getvalue()


def _as_plain(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field

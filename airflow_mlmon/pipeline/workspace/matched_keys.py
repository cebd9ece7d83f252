"""Keys of stored deliveries, and the predictions of days that have them; memory holds two million keys at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial, reduce
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.repeats import hash_keys
from airflow_mlmon.archive.label_keys import key_columns, prediction_keys, spell_keys, spell_stored
from airflow_mlmon.archive.labels import delivery_schema
from airflow_mlmon.archive.sought_keys import Matched, SoughtKeys
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import CuratedColumns, open_columns
from airflow_mlmon.pipeline.workspace.partition_files import delivery_uri
from airflow_mlmon.pipeline.workspace.row_hashes import open_row_hashes
from airflow_mlmon.records import Delivery
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.labels import IdForm
from airflow_mlmon.statistics.arrays import Flags, Integers
from airflow_mlmon.storage.scratch import scratch_folder

# keys that are sought at a time, each of which takes about 120 bytes, and the rows of a day that are read at a time
_AT_ONCE, _BATCH = 1 << 21, 1 << 18
_NUMBER = 8
_NO_HASHES = np.zeros(0, dtype=np.int64)
_NONE = Matched(_NO_HASHES, _NO_HASHES)


class Marked(NamedTuple):
    """Keys that belong to a prediction of some days, and the days of these whose rows were pruned."""

    found: Flags
    gone: frozenset[Partition]


def match_delivery(
    run: Run, delivery: Delivery, days: Mapping[Partition, str]
) -> Iterator[tuple[Partition, Iterator[Matched]]]:
    """Match the keys of a delivery with the predictions of days, given with their served versions.

    Yields:
        Each day with the pairs of each batch of its rows, to be read before the next, or with none at all; a day whose
        rows were pruned is left out.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder()) if delivery.rows > _AT_ONCE else None
        found = {day: _DayPairs(run, day, version, folder, stack) for day, version in days.items()}
        start = 0
        for sought in map(SoughtKeys, _blocks(run, delivery)):
            for day in list(found):
                try:
                    found[day].seek(sought, start)
                except NotFoundError:
                    del found[day]
            start += len(sought)
            # or it were held until the next keys are sought
            del sought
        for day, pairs in found.items():
            yield day, pairs.batches()


class _DayPairs:
    """Pairs of a day's predictions and a delivery's keys, which are sought a part at a time.

    Of a large delivery, pairs and the hashes of the predictions' keys are kept on disk: after the first part only those
    keys are read whose hash is sought, and with stored hashes from the first on.
    """

    def __init__(self, run: Run, day: Partition, version: str, folder: Path | None, stack: ExitStack) -> None:
        self._run, self._day, self._version = run, day, version
        self._log = HashLog(folder / f"{day.key}.hashes") if folder else None
        self._pairs: IO[bytes] = BytesIO()
        if folder:
            self._pairs = stack.enter_context((folder / f"{day.key}.pairs").open("w+b"))
        # of each batch: the position after its last row, and where its pairs begin in the file and how many they are
        self._ends: list[int] = []
        self._places: list[list[tuple[int, int]]] = []

    def seek(self, sought: SoughtKeys, row: int) -> None:
        """Find the predictions with one of the keys, of which the first is that of a row of the delivery.

        Raises:
            NotFoundError: the rows are gone.
        """
        is_known = bool(self._log and self._ends)
        for number, (first, matched) in enumerate(self._find_again(sought) if is_known else self._find(sought)):
            if len(matched.rows):
                self._places[number].append((self._pairs.tell(), len(matched.rows)))
                self._pairs.write((first + matched.positions).tobytes() + (row + matched.rows).tobytes())

    def batches(self) -> Iterator[Matched]:
        """Yield the pairs of each batch of the rows; none if no row has any."""
        for places in self._places if any(self._places) else ():
            yield reduce(_join, map(self._read_pairs, places), _NONE)

    def _read_pairs(self, place: tuple[int, int]) -> Matched:
        start, count = place
        self._pairs.seek(start)
        return Matched(*np.frombuffer(self._pairs.read(2 * count * _NUMBER), dtype=np.int64).reshape(2, count))

    def _find(self, sought: SoughtKeys) -> Iterator[tuple[int, Matched]]:
        is_first = not self._ends
        for first, hashes, keys_at in self._hash_rows():
            if is_first:
                self._ends.append(first + len(hashes))
                self._places.append([])
            if self._log:
                self._log.add(hashes)
            yield first, sought.find_hashed(hashes, keys_at)

    def _hash_rows(self) -> Iterator[tuple[int, Integers, Callable[[Integers], pa.ChunkedArray]]]:
        """Yield the hashes of the keys of each batch of rows, and what returns the keys at ascending places of it."""
        first = 0
        with (
            open_columns(self._run, self._day, self._version) as rows,
            open_row_hashes(self._run, self._day, self._version, rows.rows) as stored,
        ):
            if stored is None:
                for first, keys in _batches_of(rows, self._run.spec):
                    yield first, hash_keys(keys, 0), partial(_take, keys)
                return
            for hashes in stored:
                yield first, hashes, partial(self._read_keys, rows, first)
                first += len(hashes)

    def _find_again(self, sought: SoughtKeys) -> Iterator[tuple[int, Matched]]:
        assert self._log is not None  # noqa: S101 - of a delivery that is sought in parts
        with open_columns(self._run, self._day, self._version) as rows:
            for (first, end), places in zip(pairwise([0, *self._ends]), self._places, strict=True):
                # rows of the delivery that come later do not count for predictions that have one
                is_found = any(count == end - first for _, count in places)
                hashes = _NO_HASHES if is_found else self._log.between(first, end)
                yield first, sought.find_hashed(hashes, partial(self._read_keys, rows, first))

    def _read_keys(self, rows: CuratedColumns, first: int, places: Integers) -> pa.ChunkedArray:
        spec = self._run.spec
        return prediction_keys(rows.take(first + places, list(key_columns(spec))), spec)


def mark_found(run: Run, keys: pa.ChunkedArray, days: Mapping[Partition, str], forms: Sequence[IdForm] = ()) -> Marked:
    """Mark the keys that belong to a prediction of some days, both spelled in further forms."""
    found, gone = [np.zeros(0, np.bool_)], set()
    for start in range(0, len(keys), _AT_ONCE):
        sought = SoughtKeys(_respell(keys.slice(start, _AT_ONCE), forms))
        rows = [np.zeros(0, dtype=np.int64)]
        for day, version in days.items():
            try:
                rows += (sought.find(_respell(batch, forms)).rows for _, batch in _keys_of(run, day, version))
            except NotFoundError:
                gone.add(day)
        found.append(sought.mark(np.concatenate(rows)))
    return Marked(np.concatenate(found), frozenset(gone))


def read_keys(run: Run, delivery: Delivery, wanted: Flags | None = None) -> pa.ChunkedArray:
    """Read keys of a delivery in the spelling of the spec, by default all."""
    read, start = [pa.chunked_array([], pa.string())], 0
    for keys in _blocks(run, delivery) if wanted is None or wanted.any() else ():
        end = start + len(keys)
        read.append(keys if wanted is None else keys.filter(pa.array(wanted[start:end])))
        start = end
    return pa.chunked_array([chunk for keys in read for chunk in keys.chunks], pa.string())


def read_labels(run: Run, delivery: Delivery) -> pa.Table:
    """Read label and exclusion of each row of a delivery; texts once each, because they may have more than 2 GiB."""
    # the first release wrote the third column under another name
    _, *names = delivery_schema(run.spec).names
    with (
        run.files.local_copy(_uri(run, delivery)) as path,
        pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=names[:1]) as file,
    ):
        return file.read(file.schema_arrow.names[1:]).rename_columns(names).unify_dictionaries()


def _blocks(run: Run, delivery: Delivery) -> Iterator[pa.ChunkedArray]:
    with (
        run.files.local_copy(_uri(run, delivery)) as path,
        pq.ParquetFile(path, page_checksum_verification=True) as file,
    ):
        held: list[pa.Array] = []
        for batch in file.iter_batches(_BATCH, columns=["id"]):
            held.append(batch.column(0))
            if len(held) * _BATCH >= _AT_ONCE:
                yield spell_stored(_take_all(held), run.spec)
        if held:
            yield spell_stored(_take_all(held), run.spec)


def _take(keys: pa.ChunkedArray, places: Integers) -> pa.ChunkedArray:
    return keys.take(pa.array(places))


def _take_all(held: list[pa.Array]) -> pa.ChunkedArray:
    """Return the arrays as one and empty the list, so that whoever is done with them frees their memory."""
    taken = pa.chunked_array(held)
    held.clear()
    return taken


def _keys_of(run: Run, day: Partition, version: str) -> Iterator[tuple[int, pa.ChunkedArray]]:
    with open_columns(run, day, version) as rows:
        yield from _batches_of(rows, run.spec)


def _batches_of(rows: CuratedColumns, spec: ModelSpec) -> Iterator[tuple[int, pa.ChunkedArray]]:
    first = 0
    for batch in rows.batches(list(key_columns(spec)), size=_BATCH):
        yield first, prediction_keys(batch, spec)
        first += batch.num_rows


def _join(before: Matched, after: Matched) -> Matched:
    """Join pairs of the same rows of a day, of which those of earlier rows of the delivery count."""
    if not len(before.rows):
        return after
    positions = np.concatenate([before.positions, after.positions])
    positions, first = np.unique(positions, return_index=True)
    return Matched(positions, np.concatenate([before.rows, after.rows])[first])


def _respell(keys: pa.ChunkedArray, forms: Sequence[IdForm]) -> pa.ChunkedArray:
    return pa.chunked_array([spell_keys(chunk, forms) for chunk in keys.chunks], pa.string()) if forms else keys


def _uri(run: Run, delivery: Delivery) -> str:
    return delivery_uri(run, delivery.partition, delivery.version)

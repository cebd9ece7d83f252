"""Rows of a day that a delivery has labels for: found once, kept beside the delivery, and read wherever they count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.label_keys import forms_of, key_columns, prediction_keys, spell_keys, spell_stored
from airflow_mlmon.archive.labels import delivery_schema
from airflow_mlmon.archive.sought_keys import Matched, SoughtKeys
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_curated
from airflow_mlmon.pipeline.workspace.partition_files import read_workspace_table, to_parquet
from airflow_mlmon.records import Delivery
from airflow_mlmon.spec.labels import IdForm
from airflow_mlmon.statistics.arrays import Flags, Integers

# keys of a delivery that are sought at a time; each takes about 100 bytes
_AT_ONCE = 1 << 22
# rows of a day that they are sought among at a time
_BATCH = 1 << 18
_FOUND = "in-"
_POSITION, _ROW = "position", "row"
_KEPT = [_POSITION, "label", "excluded"]


def find_labelled(run: Run, delivery: Delivery, days: Mapping[Partition, str]) -> dict[Partition, pa.Table]:
    """Find the rows of days, given with their served versions, that a delivery has labels for.

    They are ascending positions, each with the row of the delivery, its label and its exclusion. A day whose rows were
    pruned is left out.
    """
    found = {day: rows for day, version in days.items() if (rows := _read(run, delivery, day, version)) is not None}
    left = {day: version for day, version in days.items() if day not in found}
    if left:
        delivered = read_delivery(run, delivery)
        for day, matched in _match(run, delivered.column("id"), left).items():
            found[day] = _with_labels(matched, delivered)
            run.files.write(labelled_uri(run, delivery, day, left[day]), to_parquet(found[day]))
    return found


def labels_of(
    run: Run, day: Partition, version: str, deliveries: Sequence[Delivery], rows: int
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return label and exclusion of each of so many rows of a day; of several deliveries the latest counts.

    Args:
        run: the model.
        day: the day.
        version: its version.
        deliveries: the deliveries, the latest last.
        rows: the number of its rows.
    """
    found = [find_labelled(run, delivery, {day: version})[day].select(_KEPT) for delivery in deliveries]
    known = pa.concat_tables(
        [delivery_schema(run.spec).empty_table().select(_KEPT[1:]), *(each.select(_KEPT[1:]) for each in found)]
    )
    place, start = np.full(rows, -1), 0
    for each in found:
        place[each.column(_POSITION).to_numpy()] = np.arange(start, start + each.num_rows)
        start += each.num_rows
    joined = known.take(pa.array(place, mask=place < 0))
    return joined.column("label"), pc.fill_null(joined.column("excluded"), fill_value=False)


def read_delivery(run: Run, delivery: Delivery) -> pa.Table:
    """Read the rows of a delivery: keys in the spelling of the spec, labels and exclusions."""
    # the first release wrote the third column under another name
    rows = read_workspace_table(run, delivery.uri).rename_columns(delivery_schema(run.spec).names)
    return rows.set_column(0, "id", spell_stored(rows.column("id"), run.spec))


class Marked(NamedTuple):
    """Keys that belong to a prediction of some days, and the days of these whose rows were pruned."""

    found: Flags
    gone: frozenset[Partition]


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


def _respell(keys: pa.ChunkedArray, forms: Sequence[IdForm]) -> pa.ChunkedArray:
    return pa.chunked_array([spell_keys(chunk, forms) for chunk in keys.chunks], pa.string()) if forms else keys


def labelled_uri(run: Run, delivery: Delivery, day: Partition, version: str) -> str:
    """Return the URI of the rows of a day's version that a delivery has labels for, joined as the spec says now."""
    joined = [[name, own, forms_of(run.spec, name)] for name, own in key_columns(run.spec).items()]
    how = hashlib.sha256(json.dumps(joined).encode()).hexdigest()[:6]
    return run.uri(
        "deliveries", delivery.partition.key, f"{delivery.version}.{_FOUND}{day.key}.{version}.{how}.parquet"
    )


def forget_labelled(run: Run, day: Partition, version: str) -> None:
    """Delete what was found of a delivery of a day, for the same files may be read otherwise now."""
    for item in run.files.list(run.uri("deliveries", day.key, f"{version}.{_FOUND}")):
        run.files.delete(item.uri)


def _read(run: Run, delivery: Delivery, day: Partition, version: str) -> pa.Table | None:
    try:
        return read_workspace_table(run, labelled_uri(run, delivery, day, version))
    except NotFoundError:
        return None


def _match(run: Run, keys: pa.ChunkedArray, days: Mapping[Partition, str]) -> dict[Partition, Matched]:
    pairs: dict[Partition, list[Matched]] = {day: [] for day in days}
    for start in range(0, len(keys), _AT_ONCE):
        sought = SoughtKeys(keys.slice(start, _AT_ONCE))
        for day in list(pairs):
            try:
                pairs[day] += (
                    Matched(first + matched.positions, start + matched.rows)
                    for first, batch in _keys_of(run, day, days[day])
                    if len((matched := sought.find(batch)).rows)
                )
            except NotFoundError:
                # the rows were pruned
                del pairs[day]
    return {day: _first_of_each(found) for day, found in pairs.items()}


def _keys_of(run: Run, day: Partition, version: str) -> Iterator[tuple[int, pa.ChunkedArray]]:
    first = 0
    with open_curated(run, day, version) as rows:
        for batch in rows.batches(list(key_columns(run.spec)), size=_BATCH):
            yield first, prediction_keys(batch, run.spec)
            first += batch.num_rows


def _first_of_each(found: Sequence[Matched]) -> Matched:
    """Join pairs, of which those of earlier rows of the delivery come first and count."""
    nothing = np.zeros(0, dtype=np.int64)
    positions = np.concatenate([nothing, *(matched.positions for matched in found)])
    rows = np.concatenate([nothing, *(matched.rows for matched in found)])
    positions, first = np.unique(positions, return_index=True)
    return Matched(positions, rows[first])


def _with_labels(matched: Matched, delivered: pa.Table) -> pa.Table:
    labels = delivered.select(["label", "excluded"]).take(pa.array(matched.rows))
    return pa.table([matched.positions, matched.rows, *labels.columns], names=[_POSITION, _ROW, *labels.column_names])


def delivered_rows(labelled: pa.Table) -> Integers:
    """Return the rows of the delivery."""
    rows: Integers = labelled.column(_ROW).to_numpy()
    return rows

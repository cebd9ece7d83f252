"""Reception of labels: the delivery of one day, stored once for the runs of all days."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.labels import label_columns, to_delivery
from airflow_mlmon.archive.manifest import Manifest
from airflow_mlmon.archive.personal import hash_values
from airflow_mlmon.archive.read import format_day_folder, list_files, read_files
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import to_parquet
from airflow_mlmon.records import Delivery
from airflow_mlmon.spec import Labels
from airflow_mlmon.tables.reading import Reading


class Taken(NamedTuple):
    """Labels received in a delivery, and the problems of its files."""

    rows: int
    problem: str


def take_delivery(run: Run, partition: Partition) -> Taken:
    """Receive the labels that were delivered on the partition's day.

    They are stored permanently: runs of other days, and later runs of this day, read them there.
    """
    labels = run.spec.labels
    if labels is None:
        return Taken(0, "")
    store = run.storage.at(labels.path, labels.connection or run.spec.predictions.connection)
    listed = list_files(store, format_day_folder(labels.path, partition.day))
    if not listed:
        return Taken(0, "")
    run.progress("reading labels")
    table, files = read_files(store, listed, label_columns(run.spec, labels), timezone=None, reading=Reading.of(labels))
    manifest = Manifest(partition=partition, files=tuple(files), rows_accepted=table.num_rows)
    uri = run.uri("deliveries", partition.key, f"{manifest.version}.parquet")
    delivery = to_delivery(_with_hashed_ids(table, run, labels), run.spec, labels)
    run.files.write(uri, to_parquet(delivery))
    run.store.save_delivery(Delivery(partition=partition, version=manifest.version, uri=uri, rows=delivery.num_rows))
    return Taken(delivery.num_rows, f"labels: {manifest.message}" if manifest.problems else "")


def _with_hashed_ids(table: pa.Table, run: Run, labels: Labels) -> pa.Table:
    if run.spec.columns[run.spec.id_column].personal is None:
        return table
    position = table.column_names.index(labels.id)
    return table.set_column(position, labels.id, hash_values(table.column(labels.id), run.hash_key))

"""Reception of labels: the delivery of each day, stored once for the runs of all days."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.capture_account import CaptureAccount, account_for_losses, read_sidecars
from airflow_mlmon.archive.curation.manifest import Manifest, SourceFile
from airflow_mlmon.archive.curation.neighbours import list_neighbours
from airflow_mlmon.archive.curation.personal import Hashing, hash_values
from airflow_mlmon.archive.curation.read import ListedSource, read_files
from airflow_mlmon.archive.envelopes.envelope import open_envelope, open_label_envelope
from airflow_mlmon.archive.label_keys import key_columns, spell
from airflow_mlmon.archive.labels import label_column, label_columns, take_in_delivery, to_delivery
from airflow_mlmon.archive.layouts.delta_log import warn_of_log
from airflow_mlmon.archive.layouts.layout import (
    ListedFile,
    Listing,
    PassedOver,
    list_below,
    list_dated,
    list_day,
    list_delta,
)
from airflow_mlmon.causes import Cause, CauseKind
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.labelled_rows import forget_labelled
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of
from airflow_mlmon.pipeline.workspace.partition_files import delivery_uri, to_parquet
from airflow_mlmon.records import Delivery
from airflow_mlmon.spec import Labels
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.spec.files import Files
from airflow_mlmon.spec.labels import IdForm
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.tables.reading import Reading

# keys of which every release has read the labels; others change the version of a delivery where they are set
_SINCE_FIRST = frozenset({"id", "label", "outcome", "excluded"})
_READING = ("log", "id", "ids", "watermark", "label", "outcome", "excluded", *Files.model_fields)


class Taken(NamedTuple):
    """Labels received in a delivery, the problems of its files, what else there is to say of it, and their causes."""

    rows: int = 0
    problem: str = ""
    note: str = ""
    causes: tuple[Cause, ...] = ()


class DeliveryFiles(NamedTuple):
    """Files of one delivery, or of the table that holds all; `listing` changes with them, `beside` are no data."""

    store: ObjectStore
    listed: tuple[ListedFile, ...]
    listing: str
    beside: tuple[PassedOver, ...] = ()


def take_delivery(run: Run, partition: Partition) -> Taken:
    """Receive the labels that were delivered on the partition's day.

    They are stored permanently: runs of other days, and later runs of this day, read them there. Of a growing table
    the deliveries of the days before are received with it, as far as labels may come late.
    """
    labels = run.spec.labels
    if labels is None:
        return Taken()
    if labels.watermark is not None:
        return _take_of_table(run, labels, _window(run, labels, partition)).get(partition, Taken())
    source = find_delivery(run, labels, partition)
    return _take(run, labels, partition, source) if source.listed else Taken()


def restore_deliveries(run: Run, partition: Partition) -> None:
    """Receive again the deliveries of a day's labels that were pruned with its rows, from the archive."""
    if run.spec.retention.rows is None:
        return
    for delivery in deliveries_of(run, partition):
        if not run.files.list(delivery_uri(run, delivery.partition, delivery.version)):
            take_delivery(run, delivery.partition)


def take_changed_deliveries(run: Run, days: Iterable[Partition]) -> dict[Partition, Taken]:
    """Receive those deliveries of some days whose files have changed since they were read, or were never read."""
    labels, days = run.spec.labels, list(days)
    if labels is None or not days:
        return {}
    known = run.store.deliveries(run.model, days[0].day, days[-1].day)
    listings = {delivery.partition.day: delivery.listing for delivery in known}
    if labels.watermark is not None:
        listing = find_delivery(run, labels, days[-1]).listing
        unread = [day for day in days if listings.get(day.day) != listing]
        return _take_of_table(run, labels, days) if unread else {}
    taken = {}
    for day in days:
        source = find_delivery(run, labels, day)
        if source.listed and listings.get(day.day) != source.listing:
            taken[day] = _take(run, labels, day, source)
    return taken


def days_before(run: Run, partition: Partition) -> list[Partition]:
    """Return the days before a partition whose deliveries may still change."""
    labels = run.spec.labels
    return [] if labels is None else _window(run, labels, partition)[:-1]


def _window(run: Run, labels: Labels, partition: Partition) -> list[Partition]:
    days = [partition.shift(-back) for back in range(labels.delay_days, 0, -1)]
    return [*(day for day in days if day.day >= run.spec.start), partition]


def find_delivery(run: Run, labels: Labels, partition: Partition) -> DeliveryFiles:
    """List the files of the delivery of a day, or of the growing table that holds all."""
    if labels.path is None:
        store, found = run.archive, list_day(run.archive, run.spec.predictions, partition)
        listed = (*found.files, *list_neighbours(run.archive, run.spec.predictions, partition, found))
        beside: tuple[PassedOver, ...] = ()
    else:
        store = run.storage.at(labels.path, labels.connection or run.spec.predictions.connection)
        listed, beside = _list(store, labels, labels.path, partition)[:2]
    reading = labels.model_dump(mode="json", include=set(_READING)) | {"classes": label_column(run.spec).classes}
    content = [reading, [(item.uri, item.size, item.etag) for item, _, _ in listed]]
    return DeliveryFiles(store, listed, hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12], beside)


def _list(store: ObjectStore, labels: Labels, path: str, partition: Partition) -> Listing:
    if labels.format is FileFormat.DELTA:
        return list_delta(store, path, None if labels.watermark else partition)
    return list_below(store, path) if labels.watermark else list_dated(store, path, partition)


def _take(run: Run, labels: Labels, partition: Partition, source: DeliveryFiles) -> Taken:
    if labels.path is None:
        return _take_own(run, labels, partition, source)
    run.progress("reading labels")
    with scratch_folder() as folder:
        found = take_in_delivery(_source(run, labels, source), run.spec, labels, folder)
        manifest = Manifest(
            partition=partition, files=found.files, rows_accepted=found.read, capture=_losses(source, found.files)
        )
        version = _version(labels, manifest, found.contradictory)
        run.files.upload(delivery_uri(run, partition, version), found.path)
        _record(run, partition, version, source.listing, found.rows)
    note = _join(_tell(found.contradictory), _warn(labels, source))
    return Taken(found.rows, _problem(manifest), note, _causes(manifest))


def _take_own(run: Run, labels: Labels, partition: Partition, source: DeliveryFiles) -> Taken:
    """Receive the labels that lie in the files of the predictions, which are those of neighbouring days, too."""
    table, manifest = _read(run, labels, partition, source)
    delivered = to_delivery(table, run.spec, labels)
    _save(run, partition, _digest(delivered.rows), source.listing, delivered.rows)
    note = _join(_tell(delivered.contradictory), _warn(labels, source))
    return Taken(delivered.rows.num_rows, _problem(manifest), note, _causes(manifest))


def _losses(source: DeliveryFiles, files: Sequence[SourceFile]) -> CaptureAccount | None:
    """Add up the labels that capture has lost, where it has written them."""
    captured = [file.capture for file in files if file.capture and not file.problem]
    return account_for_losses(captured, read_sidecars(source.store, (one.uri for one in source.beside)))


def _version(labels: Labels, manifest: Manifest, contradictory: int) -> str:
    """Return the version of a delivery; where nothing new has a say in it, that of the first release."""
    content: list[object] = [1, "", sorted((file.uri, file.sha256) for file in manifest.files)]
    own = {key: value for key, value in labels.model_dump(mode="json", include=set(_READING)).items() if value}
    later = {key: value for key, value in own.items() if key not in _SINCE_FIRST or isinstance(value, dict)}
    # files with values that cannot be read were refused, and of contradictory rows the first counted
    added = [later, manifest.faults, contradictory]
    content += [added] if any(added) else []
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _take_of_table(run: Run, labels: Labels, days: Sequence[Partition]) -> dict[Partition, Taken]:
    """Read a growing table once, and divide its rows by the days of their watermark."""
    source = find_delivery(run, labels, days[-1])
    if not source.listed:
        return {}
    table, manifest = _read(run, labels, days[-1], source)
    missing = table.column(str(labels.watermark)).null_count
    unknown = f"labels: {missing} rows have no {labels.watermark}" if missing else ""
    warning = _warn(labels, source)
    taken = {}
    for day in days:
        # each day alone: to sort all would hold them twice, and a column of more than 2 GiB of texts cannot be sorted
        rows = _rows_of(day, table, str(labels.watermark)).sort_by(str(labels.watermark))
        delivered = to_delivery(rows, run.spec, labels)
        note = _join(_tell(delivered.contradictory), unknown, warning)
        taken[day] = Taken(delivered.rows.num_rows, _problem(manifest), note, _causes(manifest))
        version = _digest(delivered.rows)
        known = next(iter(run.store.deliveries(run.model, day.day, day.day)), None)
        if known is not None and known.version == version:
            run.store.save_delivery(replace(known, listing=source.listing))
            run.ask_anew()
        elif delivered.rows.num_rows or known is not None:
            _save(run, day, version, source.listing, delivered.rows)
    return taken


def _rows_of(day: Partition, table: pa.Table, column: str) -> pa.Table:
    times = table.column(column)
    return table.filter(pc.and_(pc.greater_equal(times, pa.scalar(day.start)), pc.less(times, pa.scalar(day.end))))


def _read(run: Run, labels: Labels, partition: Partition, source: DeliveryFiles) -> tuple[pa.Table, Manifest]:
    run.progress("reading labels")
    table, files = read_files(_own_source(run, labels, source) if labels.path is None else _source(run, labels, source))
    if labels.path is None:
        # rows of neighbouring days are among them, and what is wrong with a file was said of the predictions
        table = _rows_of(partition, table, run.spec.time_column)
        files = tuple(file for file in files if not file.problem)
    manifest = Manifest(partition=partition, files=files, rows_accepted=table.num_rows)
    return table, manifest


def _source(run: Run, labels: Labels, source: DeliveryFiles) -> ListedSource:
    columns = label_columns(run.spec, labels)
    return ListedSource(
        store=source.store,
        files=source.listed,
        columns=columns,
        timezone=run.spec.predictions.timezone,
        reading=Reading.of(labels, columns=columns),
        envelope=open_label_envelope(labels),
        hashing=_hashing(run),
    )


def _own_source(run: Run, labels: Labels, source: DeliveryFiles) -> ListedSource:
    predictions, time = run.spec.predictions, run.spec.time_column
    columns = label_columns(run.spec, labels) | {time: predictions.columns[time]}
    return ListedSource(
        store=source.store,
        files=source.listed,
        columns=columns,
        timezone=predictions.timezone,
        # it may be written to the files once it is known
        optional=(labels.label,),
        # what cannot be read of these was counted with the predictions, too
        required=(*key_columns(run.spec).values(), time),
        reading=Reading.of(predictions, columns=columns),
        envelope=open_envelope(predictions),
        hashing=_hashing(run),
    )


def _save(run: Run, partition: Partition, version: str, listing: str, rows: pa.Table) -> None:
    run.files.write(delivery_uri(run, partition, version), to_parquet(rows))
    _record(run, partition, version, listing, rows.num_rows)


def _record(run: Run, partition: Partition, version: str, listing: str, rows: int) -> None:
    forget_labelled(run, partition, version)
    uri = delivery_uri(run, partition, version)
    run.store.save_delivery(Delivery(partition=partition, version=version, uri=uri, rows=rows, listing=listing))
    run.ask_anew()


def _digest(rows: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:12]


def _warn(labels: Labels, source: DeliveryFiles) -> str:
    """Say that labels are read from a Delta table without its log; empty if they are not."""
    warning = warn_of_log(source.store, [labels.path] if labels.path else [], labels.format)
    return f"labels: {warning}" if warning else ""


def _problem(manifest: Manifest) -> str:
    is_incomplete = manifest.problems or manifest.faults or manifest.losses
    return f"labels: {manifest.message}" if is_incomplete else ""


def _causes(manifest: Manifest) -> tuple[Cause, ...]:
    """Return the causes for which a delivery is incomplete."""
    kinds = {
        CauseKind.FILES: CauseKind.LABEL_FILES,
        CauseKind.VALUES: CauseKind.LABEL_VALUES,
        CauseKind.CAPTURE: CauseKind.LABEL_CAPTURE,
    }
    return tuple(replace(cause, kind=kinds[cause.kind], words=f"labels: {cause.words}") for cause in manifest.causes)


def _join(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _tell(contradictory: int) -> str:
    return f"labels: {contradictory} ids have rows that contradict each other; the last counts" if contradictory else ""


def _hashing(run: Run) -> Hashing:
    """Return what hashes the keys that are personal, in their spelling of the spec."""
    forms = run.spec.labels.ids if run.spec.labels else ()
    hashed = partial(_hash_key, forms=forms, hash_key=run.hash_key)
    keys = key_columns(run.spec).items()
    return Hashing(
        key=run.hash_key, columns={own: hashed for name, own in keys if run.spec.columns[name].personal is not None}
    )


def _hash_key(values: pa.ChunkedArray, forms: Sequence[IdForm], hash_key: bytes | None) -> pa.Array:
    texts = spell(values.cast(pa.string()), forms)
    return hash_values(texts, hash_key)

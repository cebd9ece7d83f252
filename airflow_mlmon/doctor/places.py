"""Findings on the store, the workspace and the archives of models: whether they are there, and what one may do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow_mlmon.archive.layouts.layout import Listing, list_below, list_dated, list_day, list_delta
from airflow_mlmon.capture.marks import key_id
from airflow_mlmon.doctor.diagnosis import Diagnosis, TellTime, compare_clocks, doubtful, good, wrong
from airflow_mlmon.errors import NotFoundError, ServiceError
from airflow_mlmon.partition import Partition
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.storage import ObjectStore, Storage, join_uri
from airflow_mlmon.store.condition import inspect_store, read_hash_key

_STORE, _WORKSPACE = "store", "workspace"
_PROBE = b"written by mlmon doctor\n"


def check_metric_store(url: str, clock: TellTime) -> Iterator[Diagnosis]:
    """Check the metric store: its schema, whether it may be written to, its messages and its clock."""
    try:
        found = inspect_store(url)
    except NotFoundError as error:
        yield doubtful(_STORE, error.message, "the first run creates it; if there is one, correct [mlmon] store")
        return
    ours = clock()
    if found.is_old:
        yield wrong(_STORE, f"{found.server} is older than any that is supported", "use MySQL 8 or MariaDB 10.6")
    if found.is_current:
        yield good(_STORE, f"{found.shown}: schema {found.revision}, {found.server}, may be written to")
    else:
        state = f"has schema {found.revision}" if found.revision else "has no tables"
        hint = "back it up, then run `mlmon store upgrade`; else the next run upgrades it"
        yield doubtful(_STORE, f"{found.shown} {state}, {found.server}", hint)
    if found.lost:
        said = f"{found.lost} alerts could not be delivered, and are not tried again"
        yield doubtful(_STORE, said, "`mlmon alerts list` says why; mend it, then `mlmon alerts retry`")
    if found.now is not None:
        yield from compare_clocks(_STORE, found.now, ours)


def check_hash_key(part: str, settings: Settings, model: str) -> Iterator[Diagnosis]:
    """Check that the key of personal columns is set, and that with which the model's last run hashed them."""
    if settings.hash_key is None:
        said = "personal columns are hashed, and [mlmon] hash_key is not set: runs refuse them"
        yield wrong(part, said, "set AIRFLOW__MLMON__HASH_KEY, the same wherever days run")
        return
    own, before = key_id(settings.hash_key), read_hash_key(settings.store, model)
    if before not in {"", own}:
        said = f"is another key ({own}) than that of the last run ({before}): hashes of before and after do not compare"
        yield wrong(part, said, "set the key of before; if it has to change, see Rotating keys in maintenance.md")


def check_workspace_access(files: ObjectStore, folder: str, clock: TellTime) -> Iterator[Diagnosis]:
    """Check that one may write, list, read and delete in the workspace, and its clock, by an object that is removed."""
    began = clock()
    uri = join_uri(folder, f"doctor-{began:%Y%m%dT%H%M%S%f}.probe")
    files.write(uri, _PROBE)
    refused = []
    try:
        for verb in ("list", "read"):
            try:
                modified = _look(files, uri, verb, began)
            except ServiceError as error:
                refused.append(wrong(_WORKSPACE, f"one may not {verb} in it: {error.message}", error.hint))
            else:
                refused += compare_clocks(_WORKSPACE, modified, began)
    finally:
        try:
            files.delete(uri)
        except ServiceError as error:
            said = f"one may not delete in it: {error.message}"
            refused.append(
                wrong(_WORKSPACE, said, f"allow it, for retention and reports need it; remove {uri} by hand")
            )
    if not refused:
        yield good(_WORKSPACE, f"{folder}: an object was written, listed, read and deleted")
    yield from refused


def _look(files: ObjectStore, uri: str, verb: str, began: datetime) -> datetime:
    """List or read the object; return when the store says that it was written."""
    if verb == "read":
        if files.read(uri) != _PROBE:
            raise ServiceError(f"{uri} has other content than was written")
        return began
    found = [item for item in files.list(uri) if item.uri == uri]
    if not found:
        raise ServiceError(f"{uri} was written and is not listed")
    return found[0].modified or began


def check_archives(spec: ModelSpec, storage: Storage, clock: TellTime) -> Iterator[Diagnosis]:
    """Check that the archives of a model can be listed, and an object of each read: of the last day that is over."""
    part = f"{spec.model}: archive"
    now = clock()
    last = now.astimezone(ZoneInfo(spec.day_zone)).date() - timedelta(days=1)
    of = Partition.of_day(spec.model, max(spec.start, min(last, spec.end or last)), spec.day_zone)
    predictions = spec.predictions
    store = storage.at(predictions.paths[0], predictions.connection)
    yield from _check_listing(part, f"predictions of {of.key}", store, list_day(store, predictions, of))
    labels = spec.labels
    if labels is not None and labels.path is not None:
        store = storage.at(labels.path, labels.connection or predictions.connection)
        if labels.format is FileFormat.DELTA:
            found = list_delta(store, labels.path, None if labels.watermark else of)
        else:
            found = list_below(store, labels.path) if labels.watermark else list_dated(store, labels.path, of)
        yield from _check_listing(part, f"labels of {of.key}", store, found)


def _check_listing(part: str, what: str, store: ObjectStore, found: Listing) -> Iterator[Diagnosis]:
    folder = found.folders[0] if found.folders else ""
    if not found.files:
        # on most days at most times they are there, but they may be late
        said = f"{what}: no files in {folder}, which may be listed"
        yield doubtful(part, said, "if they are not late, `mlmon check SPEC --data` says what is there instead")
        return
    item = found.files[0].item
    if item.size:
        store.read_range(item.uri, 0, 1)
    yield good(part, f"{what}: {len(found.files)} files in {folder}, of which the first can be read")

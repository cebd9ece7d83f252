"""Log of a Delta table: which of its files are live, with the values of their partition and of their statistics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from airflow_mlmon.errors import ConfigError, DataError, ServiceRejectedError
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.storage import ObjectStore, StoredObject, join_uri
from airflow_mlmon.storage.scratch import scratch_folder

LOG = "_delta_log"
_VERSION = re.compile(r"\d{20}(?=\.)")
_LAST = "_last_checkpoint"
_PARTITION, _MIN, _MAX = "partition.", "min.", "max."
_MAPPING = "delta.columnMapping.mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """File that the log has added and not removed.

    Attributes:
        paths: Its path below the table, as the log writes it and decoded.
        values: Values of its partition, as texts; None for a missing one.
        least: Smallest value of each column, where the log has it.
        most: Largest value of each column, where the log has it.
    """

    paths: tuple[str, ...]
    values: Mapping[str, str | None]
    least: Mapping[str, Any] = field(default_factory=dict)
    most: Mapping[str, Any] = field(default_factory=dict)


def has_log(store: ObjectStore, root: str) -> bool:
    """Return whether a folder is a Delta table."""
    return bool(store.list(join_uri(root, LOG, "")))


def read_live_files(store: ObjectStore, root: str) -> list[LiveFile]:
    """Read the log of a Delta table: its live files.

    Raises:
        ConfigError: there is no log, the package that reads it is not installed, or the table needs a feature that is
            not applied when its files are read.
        DataError: the log is damaged.
    """
    try:
        from deltalake import DeltaTable  # noqa: PLC0415 - an extra
        from deltalake.exceptions import DeltaError  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"{root} is a Delta table, which needs the package deltalake.", hint="pip install 'airflow-mlmon[delta]'"
        ) from error
    listed = store.list(join_uri(root, LOG, ""))
    if not listed:
        raise ConfigError(f"{root} has no {LOG}: it is no Delta table.", hint="correct the path or the format")
    with scratch_folder() as folder:
        _copy(store, listed, join_uri(root, LOG, ""), folder / LOG)
        try:
            table = DeltaTable(str(folder))
            _refuse_mapping(table, root)
            _refuse_deleted_rows(table, root)
            actions = pa.table(table.get_add_actions(flatten=True))
        except DeltaError as error:
            reason = str(error).splitlines()[0][:160]
            raise DataError(f"The log of the Delta table {root} cannot be read: {reason}.", file=root) from error
    return [_to_live(row) for row in actions.to_pylist()]


def find_table(store: ObjectStore, path: str) -> str | None:
    """Return the folder with a log that is, or holds, the folder of a path with placeholders; None if there is none."""
    fixed = path.partition("{")[0].rpartition("/")[0] if "{" in path else path.rstrip("/")
    try:
        return next((root for root in _parents(fixed) if has_log(store, root)), None)
    except ServiceRejectedError:
        # who may list a day's folder may not list those that hold it
        return None


def warn_of_log(store: ObjectStore, paths: Iterable[str], declared: FileFormat | None) -> str:
    """Say that the files of a Delta table are read without its log; empty if no path is in one, or it is declared."""
    if declared is FileFormat.DELTA:
        return ""
    found = next((root for path in paths if (root := find_table(store, path))), None)
    if found is None:
        return ""
    return f"{found} is a Delta table, whose removed files are read too: set the format to delta in the spec"


def match_objects(store: ObjectStore, root: str, live: list[LiveFile]) -> Iterator[tuple[LiveFile, StoredObject]]:
    """Yield the objects of live files.

    Raises:
        DataError: a file of the log is not there, or not below the table.
    """
    folders = {file.paths[0].rpartition("/")[0] for file in live} | {file.paths[-1].rpartition("/")[0] for file in live}
    items = {item.uri: item for folder in folders for item in store.list(join_uri(root, *filter(None, [folder]), ""))}
    for file in live:
        item = next((items[uri] for path in file.paths if (uri := join_uri(root, path)) in items), None)
        if item is None:
            raise DataError(
                f"{file.paths[0]} is in the log of the Delta table {root}, but not there.",
                hint="restore the file, or repair the table",
                file=root,
            )
        yield file, item


def _parents(folder: str) -> Iterator[str]:
    """Yield a folder and those that hold it, up to two: tables are seldom partitioned by more before the day."""
    is_remote = "://" in folder
    for _ in range(3):
        if is_remote is not ("://" in folder) or not folder.rpartition("://")[2].strip("/"):
            return
        yield folder
        folder = folder.rpartition("/")[0]


def _copy(store: ObjectStore, listed: list[StoredObject], root: str, target: Path) -> None:
    """Copy the log from its last checkpoint on."""
    names = {item.uri.removeprefix(root): item.uri for item in listed}
    first = json.loads(store.read(names[_LAST]))["version"] if _LAST in names else 0
    for name, uri in names.items():
        version = _VERSION.match(name)
        if version is not None and int(version[0]) < first:
            continue
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.read(uri))


def _refuse_mapping(table: Any, root: str) -> None:
    if table.metadata().configuration.get(_MAPPING, "none") != "none":
        raise ConfigError(
            f"The Delta table {root} maps the names of its columns, which is not applied when its files are read.",
            hint=f"rewrite it without {_MAPPING}",
        )


def _refuse_deleted_rows(table: Any, root: str) -> None:
    """Refuse deletion vectors: their rows are still in the files."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return
    try:
        used = any(len(batch) for batch in table.deletion_vectors())
    except Exception as error:
        # it looks for their files, which lie beside the data
        raise _deleted_rows(root) from error
    if used:
        raise _deleted_rows(root)


def _deleted_rows(root: str) -> ConfigError:
    return ConfigError(
        f"The Delta table {root} has deletion vectors, which are not applied when its files are read.",
        hint="rewrite its files: REORG TABLE … APPLY (PURGE), and switch delta.enableDeletionVectors off",
    )


def _to_live(row: Mapping[str, Any]) -> LiveFile:
    path = str(row["path"])

    def of(prefix: str) -> dict[str, Any]:
        return {key.removeprefix(prefix): value for key, value in row.items() if key.startswith(prefix)}

    return LiveFile(
        paths=tuple(dict.fromkeys((path, unquote(path)))),
        values={name: _to_text(value) for name, value in of(_PARTITION).items()},
        least=of(_MIN),
        most=of(_MAX),
    )


def _to_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)

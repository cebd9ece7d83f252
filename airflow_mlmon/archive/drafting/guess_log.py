"""Recognition of the log of a serving system in a sample, and unpacking of its rows before their columns are known."""

from __future__ import annotations

import base64
import binascii
import csv
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.drafting.plain import find_null_words, to_plain, without_words
from airflow_mlmon.archive.envelopes.envelope import Envelope, open_envelope
from airflow_mlmon.archive.envelopes.records import find_column
from airflow_mlmon.archive.envelopes.reserved import REASON, SAMPLING
from airflow_mlmon.archive.envelopes.systems import SYSTEMS
from airflow_mlmon.spec.archives import Log, Predictions
from airflow_mlmon.storage import Storage
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading

# columns by which the records of a system with both sides in one are known
_SIGNS: Mapping[Log, frozenset[str]] = {
    "sagemaker": frozenset({"captureData.endpointInput.data", "eventMetadata.eventId"}),
    "databricks": frozenset({"databricks_request_id", "request", "response"}),
}
_ID, _TIME = "prediction_id", "event_time"
_LISTS = ("instances", "dataframe_records", "predictions", "inputs", "outputs")
_MOST_FILES = 20


class _Sides(NamedTuple):
    """Names of the columns in a request and in its response."""

    request: tuple[str, ...]
    response: tuple[str, ...]


def find_log(names: Collection[str]) -> Log | None:
    """Find the system whose records have these columns."""
    return next((log for log, signs in _SIGNS.items() if signs <= set(names)), None)


def unpack_sample(storage: Storage, files: Sequence[str], log: Log) -> pa.Table | None:
    """Unpack the rows of a log; None if no request can be read.

    Columns of payloads without names are called x1, x2 and so on, in their order.
    """
    records = list(_records(storage, files, _open(log, _Sides((), ()))))
    for _, piece in records:
        first = piece.table.slice(0, 1)
        sides = _Sides(_names(first, log, "request", "x"), _names(first, log, "response", "score"))
        if sides.request and sides.response:
            return _unpack(_open(log, sides), records)
    return None


def _open(log: Log, sides: _Sides) -> Envelope:
    columns: dict[str, dict[str, str]] = {
        _ID: {"type": "string", "role": "id"},
        _TIME: {"type": "timestamp", "role": "time"},
    }
    columns |= {name: {"type": "string"} for name in sides.request}
    # any output: which it is, is guessed from its values
    columns |= {name: {"type": "float", "role": "score"} for name in sides.response[:1]}
    envelope = open_envelope(Predictions.model_validate({"path": "{date}", "log": log, "columns": columns}))
    assert envelope is not None  # noqa: S101 - the predictions have a log
    return envelope


def _records(storage: Storage, files: Sequence[str], envelope: Envelope) -> Iterator[tuple[int, Piece]]:
    for number, uri in enumerate(files[:_MOST_FILES]):
        with storage.at(uri).local_copy(uri) as path:
            for piece in envelope.read(path, uri, Reading()):
                yield number, piece


def _unpack(envelope: Envelope, records: Sequence[tuple[int, Piece]]) -> pa.Table | None:
    tables = [piece.table for _, piece in envelope.rows(iter(records), [None] * (len(records) + _MOST_FILES))]
    rows = pa.concat_tables(tables, promote_options="permissive")
    if REASON in rows.column_names:
        rows = rows.filter(pc.is_null(rows.column(REASON)))
    kept = rows.select([name for name in rows.column_names if name not in (REASON, SAMPLING)])
    return to_plain(without_words(kept, find_null_words(kept)), texts_as_written=True) if rows.num_rows else None


def _names(first: pa.Table, log: Log, side: str, unnamed: str) -> tuple[str, ...]:
    """Return the names of the values in the payload of a record; made-up ones where it has none."""
    text, encoding = (_field(first, log, f"{side}_{part}") for part in ("data", "encoding"))
    if encoding.upper() == "BASE64":
        try:
            text = base64.b64decode(text).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ()
    if not text:
        return ()
    try:
        found = _named(json.loads(text))
    except ValueError:
        found = len(next(csv.reader(text.splitlines()[:1]), []))
    if isinstance(found, tuple):
        return found
    return (unnamed,) if found == 1 and side == "response" else tuple(f"{unnamed}{n + 1}" for n in range(found))


def _field(record: pa.Table, log: Log, name: str) -> str:
    found = (find_column(record, path) for path in SYSTEMS[log].fields.get(name, ()))
    return next((str(values[0]) for values in found if values is not None and len(values) and values[0].is_valid), "")


def _named(body: Any) -> tuple[str, ...] | int:
    """Return the names in a decoded payload, or the number of its values."""
    if isinstance(body, Mapping):
        if isinstance(split := body.get("dataframe_split", body), Mapping) and "columns" in split:
            return tuple(map(str, split["columns"]))
        inner = next((body[name] for name in _LISTS if isinstance(body.get(name), list)), None)
        return _named(inner) if inner is not None else tuple(map(str, body))
    if isinstance(body, list) and body:
        return _named(body[0]) if isinstance(body[0], list | Mapping) else len(body)
    return 1

"""Pairing of requests with their responses, which may be records of different files.

Records wait in buckets by the hash of their id; beyond a size all of them go to disk. So the memory is that of a
bucket, and the order of the files changes nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.envelopes.exchange import UNPAIRED_REQUEST, UNPAIRED_RESPONSE
from airflow_mlmon.archive.envelopes.numbering import count_before
from airflow_mlmon.archive.envelopes.reserved import COUNTERPART, FILE, REASON
from airflow_mlmon.storage.scratch import scratch_folder

_BUCKETS = 64
_BODIES = ("body_", "request_", "response_")
_BYTES_IN_MEMORY = 1 << 26
_UNIT = "\x1f"
_DIRECTION = r"\.[^.]*$"
_RESPONSE = r"(response|output)s?[^.]*$"
_REQUEST = r"(request|input)s?[^.]*$"
_RESPONSE_BODY = r'^\s*\{.*"(outputs|predictions|model_version)"\s*:'


class Pairing:
    """Records of requests and responses that wait for each other; to be used as a context."""

    def __init__(self) -> None:
        self._waiting: list[pa.Table] = []
        self._bytes = 0
        self._spilled: list[Path] = []
        self._disk = ExitStack()
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete what is on disk."""
        self._disk.close()

    def add(self, records: pa.Table) -> None:
        """Add records."""
        self._waiting.append(records)
        self._bytes += records.nbytes
        if self._bytes > _BYTES_IN_MEMORY:
            self._spill()

    def pairs(self) -> Iterator[pa.Table]:
        """Yield exchanges, each of requests with their responses; those without have a reason."""
        if not self._spilled:
            if self._waiting:
                yield _pair(pa.concat_tables(self._waiting))
            return
        self._spill()
        files = [pa.ipc.open_file(pa.memory_map(str(path))) for path in self._spilled]
        for bucket in range(_BUCKETS):
            yield _pair(pa.Table.from_batches([file.get_batch(bucket) for file in files]))

    def _spill(self) -> None:
        """Write the waiting records, each bucket as one batch."""
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting).combine_chunks()
        buckets = _buckets(table.column("id"))
        if self._folder is None:
            self._folder = self._disk.enter_context(scratch_folder())
        path = self._folder / str(len(self._spilled))
        with pa.ipc.new_file(str(path), table.schema) as writer:
            for bucket in range(_BUCKETS):
                part = table.take(pa.array(np.flatnonzero(buckets == bucket))).combine_chunks()
                writer.write_batch(pa.record_batch([column.combine_chunks() for column in part.columns], table.schema))
        self._spilled.append(path)
        self._waiting, self._bytes = [], 0


def _buckets(ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return np.array([zlib.crc32(own or b"") % _BUCKETS for own in ids.cast(pa.binary()).to_pylist()], dtype=np.int64)


def _pair(records: pa.Table) -> pa.Table:
    """Join requests and responses on their id; the n-th request of an id has its n-th response."""
    ordered = records.sort_by([("time", "ascending"), (FILE, "ascending")])
    is_response = _are_responses(ordered)
    requests, responses = ordered.filter(pc.invert(is_response)), ordered.filter(is_response)
    request_keys, response_keys = _keys(requests), _keys(responses)
    position = pc.index_in(request_keys, response_keys, skip_nulls=True)
    bodies = responses.select([f"body_{part}" for part in ("data", "encoding", "type")]).take(position)
    reasons = pc.if_else(pc.is_valid(position), None, UNPAIRED_REQUEST)
    paired = _to_exchanges(requests, "request", bodies, reasons)
    paired = paired.append_column(COUNTERPART, responses.column(FILE).take(position))
    alone = responses.filter(pc.invert(pc.is_in(response_keys, request_keys, skip_nulls=True)))
    nothing = pa.table({name: pa.nulls(alone.num_rows, pa.string()) for name in bodies.column_names})
    reasons = pa.array([UNPAIRED_RESPONSE] * alone.num_rows, pa.string())
    return pa.concat_tables([paired, _to_exchanges(alone, "response", nothing, reasons)], promote_options="permissive")


def _to_exchanges(records: pa.Table, direction: str, others: pa.Table, reasons: pa.Array) -> pa.Table:
    other = "response" if direction == "request" else "request"
    columns = {name: records.column(name) for name in records.column_names if not name.startswith(_BODIES)}
    for part in ("data", "encoding", "type"):
        columns[f"{direction}_{part}"] = records.column(f"body_{part}")
        columns[f"{other}_{part}"] = others.column(f"body_{part}")
    return pa.table(columns | {REASON: reasons.cast(pa.string())})


def _are_responses(records: pa.Table) -> pa.Array:
    """Return which records are responses, as their kind says, or else their body."""
    kind = records.column("kind")
    body = pc.fill_null(pc.match_substring_regex(records.column("body_data"), _RESPONSE_BODY), fill_value=False)
    says_response = pc.fill_null(pc.match_substring_regex(kind, _RESPONSE, ignore_case=True), fill_value=False)
    says_request = pc.fill_null(pc.match_substring_regex(kind, _REQUEST, ignore_case=True), fill_value=False)
    return pc.or_(says_response, pc.and_(pc.invert(says_request), body))


def _keys(records: pa.Table) -> pa.Array:
    """Return a key of each record: its id, its scope and how often these came before; null without an id."""
    scopes = pc.replace_substring_regex(pc.fill_null(records.column("scope"), ""), _DIRECTION, "")
    ids = pc.binary_join_element_wise(records.column("id"), scopes, _UNIT)
    before, _ = count_before(ids)
    return pc.binary_join_element_wise(ids, pa.array(before).cast(pa.string()), _UNIT).combine_chunks()

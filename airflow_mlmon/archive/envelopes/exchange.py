"""Unpacking of requests with their responses to one row per prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.envelopes.decoded import NO_PAYLOAD, Decoded
from airflow_mlmon.archive.envelopes.numbering import number
from airflow_mlmon.archive.envelopes.payload import Bodies, decode_payloads
from airflow_mlmon.archive.envelopes.reserved import REASON
from airflow_mlmon.archive.envelopes.sides import Side

UNPAIRED_REQUEST = "unpaired request"
UNPAIRED_RESPONSE = "unpaired response"
COUNTS_DIFFER = "row counts differ"
FAILED = "status not 200"

_SUCCESS = "200"
_PARTS = ("data", "encoding", "type")


class EnvelopeNames(NamedTuple):
    """Columns that the envelope itself fills: the id, the time (if any), and fields of its own by their column."""

    id: str
    time: str | None
    own: Mapping[str, str]


def unpack_exchanges(exchanges: pa.Table, names: EnvelopeNames, inputs: Side, outputs: Side) -> Iterator[pa.Table]:
    """Unpack exchanges to rows of texts: those of sound ones, then one row for each that is refused.

    A row is named by the id of its exchange and its position in it (`id#0`), or by the id alone where it is the only
    one. `exchanges` has a reason in REASON for those that were refused before.
    """
    request = _decode(exchanges, "request", inputs)
    response = _decode(exchanges, "response", outputs, request.counts)
    parts = [part for part, side in ((request, inputs), (response, outputs)) if side.slots]
    reasons = _refuse(exchanges, parts)
    is_sound = reasons == None  # noqa: E711 - compared element by element
    counts = np.where(is_sound, parts[0].counts, 0)
    if counts.any():
        owners = np.repeat(np.arange(len(counts)), counts)
        columns = _envelope_columns(exchanges.take(pa.array(owners)), names)
        ends = np.cumsum(counts)
        positions = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        columns[names.id] = number(columns[names.id], positions, np.repeat(counts, counts))
        for part in parts:
            is_taken = pa.array(np.repeat(is_sound, part.counts))
            columns = {name: own.filter(is_taken) for name, own in part.columns.items()} | columns
        yield pa.table(columns | {REASON: pa.nulls(len(owners), pa.string())})
    if not is_sound.all():
        refused = exchanges.filter(pa.array(~is_sound))
        empty = {
            slot.name: pa.nulls(refused.num_rows, pa.list_(pa.float64()) if slot.is_vector else pa.string())
            for side in (inputs, outputs)
            for slot in side.slots
        }
        said = pa.array(reasons[~is_sound], pa.string())
        yield pa.table(empty | _envelope_columns(refused, names) | {REASON: said})


def _decode(exchanges: pa.Table, direction: str, side: Side, expected: npt.NDArray[np.int64] | None = None) -> Decoded:
    if not side.slots:
        return Decoded.refused(np.full(exchanges.num_rows, None, dtype=object))
    bodies = Bodies(*(exchanges.column(f"{direction}_{part}").combine_chunks() for part in _PARTS))
    return decode_payloads(bodies, side, expected)


def _refuse(exchanges: pa.Table, parts: Iterable[Decoded]) -> npt.NDArray[np.object_]:
    """Return why each exchange is refused, None for those that are not: the first of its reasons."""
    reasons = np.array(exchanges.column(REASON).to_pylist(), dtype=object)
    status = exchanges.column("status")
    has_failed = pc.fill_null(pc.not_equal(status, _SUCCESS), fill_value=False).to_numpy()
    reasons[has_failed & (reasons == None)] = FAILED  # noqa: E711 - compared element by element
    first: Decoded | None = None
    for part in parts:
        empty = np.where((part.counts == 0) & (part.reasons == None), NO_PAYLOAD, part.reasons)  # noqa: E711
        reasons = np.where(reasons == None, empty, reasons)  # noqa: E711
        if first is not None:
            differs = first.counts != part.counts
            reasons[differs & (reasons == None)] = COUNTS_DIFFER  # noqa: E711
        first = first or part
    return reasons


def _envelope_columns(exchanges: pa.Table, names: EnvelopeNames) -> dict[str, pa.Array]:
    columns = {column: exchanges.column(field) for column, field in names.own.items()}
    if names.time is not None:
        columns[names.time] = exchanges.column("time")
    return columns | {names.id: exchanges.column("id")}

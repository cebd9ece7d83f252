"""Decoding of JSON payloads: records, tables split or by column, instances and predictions, tensors.

Values are texts as they are written; those of a vector are numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.archive.envelopes.decoded import UNDECODABLE, Decoded
from airflow_mlmon.archive.envelopes.records import decode_json, gather_texts, write_as_text
from airflow_mlmon.archive.envelopes.reserved import RESERVED
from airflow_mlmon.archive.envelopes.sides import Side
from airflow_mlmon.archive.envelopes.tensors import are_tensors, flatten, read_tensors

PayloadRow = dict[str, Any]


def decode_json_bodies(bodies: pa.Array, side: Side, expected: npt.NDArray[np.int64] | None = None) -> Decoded:
    """Decode JSON bodies one by one."""
    counts = np.zeros(len(bodies), dtype=np.int64)
    reasons = np.full(len(bodies), None, dtype=object)
    rows: list[PayloadRow] = []
    for n, body in enumerate(bodies.cast(pa.binary()).to_pylist()):
        try:
            wanted = 0 if expected is None else int(expected[n])
            found = [convert_row(row, side) for row in unfold(_parse(body), side, wanted)]
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError):
            reasons[n] = UNDECODABLE
        else:
            counts[n] = len(found)
            rows += found
    return Decoded(counts, reasons, gather(rows, side))


def gather(rows: Sequence[PayloadRow], side: Side) -> dict[str, pa.Array]:
    """Return the columns of rows, null where a row has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return {
        name: pa.array(values, pa.list_(pa.float64())) if name in side.vectors else gather_texts(values)
        for name, values in columns.items()
    }


def convert_row(row: PayloadRow, side: Side) -> PayloadRow:
    """Return the values of a row as texts, those of a vector as numbers; without names that are the envelope's."""
    if not row.keys().isdisjoint(RESERVED):
        row = {name: value for name, value in row.items() if name not in RESERVED}
    if not side.vectors:
        return {name: value if isinstance(value, str) else write_as_text(value) for name, value in row.items()}
    return {name: _to_vector(value) if name in side.vectors else write_as_text(value) for name, value in row.items()}


def unfold(payload: Any, side: Side, expected: int = 0) -> list[PayloadRow]:
    """Return the rows of a payload, each as its values by column.

    Raises:
        ValueError: its values fit no columns.
        TypeError: it has another shape than those that are known.
    """
    if isinstance(payload, list):
        return _read_list(payload, side, expected)
    if not isinstance(payload, dict):
        return _read_list([payload], side, expected)
    for key, reader in _READERS.items():
        if key in payload and key not in side.names:
            return reader(payload, side, expected)
    if isinstance(payload.get("data"), dict | list):
        return _read_data(payload, side, expected)
    return _read_columns(payload, side) if _is_by_column(payload) else [_name(payload, side)]


def _read_wrapped(key: str) -> Callable[[Mapping[str, Any], Side, int], list[PayloadRow]]:
    def read(payload: Mapping[str, Any], side: Side, expected: int) -> list[PayloadRow]:
        inner = payload[key]
        if are_tensors(inner):
            raw = next((payload[name] for name in payload if name.lower().replace("_", "").startswith("raw")), None)
            return _read_tensors(inner, raw, side)
        return unfold(inner, side, expected)

    return read


def _read_split(payload: Mapping[str, Any], side: Side, _: int) -> list[PayloadRow]:
    table = payload["dataframe_split"]
    return _read_named(table.get("columns"), table["data"], side)


def _read_data(payload: Mapping[str, Any], side: Side, expected: int) -> list[PayloadRow]:
    """Read a table that is split, or Seldon's first protocol: names beside an array or a tensor."""
    data = payload["data"]
    if isinstance(data, list):
        return _read_named(payload.get("columns") or payload.get("names"), data, side, expected)
    if "ndarray" in data:
        return _read_named(data.get("names"), data["ndarray"], side, expected)
    if "tensor" in data:
        width = int(data["tensor"]["shape"][-1])
        values = data["tensor"]["values"]
        return _read_named(
            data.get("names"), [values[n : n + width] for n in range(0, len(values), width)], side, expected
        )
    return unfold(data, side, expected)


def _read_named(names: Sequence[str] | None, rows: list[Any], side: Side, expected: int = 0) -> list[PayloadRow]:
    if not names or any(isinstance(row, dict) for row in rows):
        return _read_list(rows, side, expected)
    return [_name(dict(zip(names, _as_list(row), strict=True)), side) for row in rows]


def _read_list(values: list[Any], side: Side, expected: int = 0) -> list[PayloadRow]:
    """Read the rows of a list; one of plain values is a row, or as many as there are values of a single column."""
    if not any(isinstance(value, dict | list) for value in values) and side.width > 1:
        if len(values) != side.width * max(expected, 1):
            raise ValueError(f"not rows of {side.width} values")
        values = [values[start : start + side.width] for start in range(0, len(values), side.width)]
    return [_read_row(value, side) for value in values]


def _read_row(value: Any, side: Side) -> PayloadRow:
    if isinstance(value, dict):
        inner = value.get("features")
        if isinstance(inner, list) and "features" not in side.names:
            return _place(inner, side)
        return _name(value, side)
    return _place(_as_list(value), side)


def _place(values: list[Any], side: Side) -> PayloadRow:
    """Assign values by position."""
    if len(values) != len(side.slots):
        values = flatten(values)
        if len(values) != side.width:
            raise ValueError(f"{len(values)} values, not {side.width}")
        starts = np.cumsum([0, *(slot.width for slot in side.slots)])
        pairs = zip(side.slots, starts, strict=False)
        return {slot.name: values[at : at + slot.width] if slot.is_vector else values[at] for slot, at in pairs}
    return {
        slot.name: value[0] if isinstance(value, list) and len(value) == 1 and not slot.is_vector else value
        for slot, value in zip(side.slots, values, strict=True)
    }


def _name(record: Mapping[str, Any], side: Side) -> PayloadRow:
    """Assign values by name; those of an object in it are named `outer.inner`.

    Raises:
        ValueError: there is none of the columns.
    """
    row = _flatten(record, side)
    if not side.names & row.keys():
        raise ValueError(f"none of {', '.join(sorted(side.names))}")
    return row


def _flatten(record: Mapping[str, Any], side: Side) -> PayloadRow:
    row: PayloadRow = {}
    for key, value in record.items():
        if isinstance(value, dict) and key not in side.names:
            row |= _flatten({f"{key}.{inner}": own for inner, own in value.items()}, side)
        else:
            row[side.name_of(key)] = value
    return row


def _is_by_column(payload: Mapping[str, Any]) -> bool:
    lengths = {len(value) if isinstance(value, list) else -1 for value in payload.values()}
    return len(lengths) == 1 and lengths != {-1}


def _read_columns(payload: Mapping[str, list[Any]], side: Side) -> list[PayloadRow]:
    names = list(payload)
    return [_name(dict(zip(names, row, strict=True)), side) for row in zip(*payload.values(), strict=True)]


def _read_tensors(tensors: Sequence[Mapping[str, Any]], raw: Sequence[str] | None, side: Side) -> list[PayloadRow]:
    """Read tensors whose first dimension is the row: by name, the others by position."""
    named: dict[str, list[Any]] = {}
    placed: list[list[list[Any]]] = []
    for tensor in read_tensors(tensors, raw):
        name = side.name_of(tensor.name)
        if name in side.names:
            is_vector = name in side.vectors
            if not is_vector and any(len(row) != 1 for row in tensor.rows):
                raise ValueError(f"{name} has several values a row")
            named[name] = tensor.rows if is_vector else [row[0] for row in tensor.rows]
        else:
            placed.append(tensor.rows)
    rest = Side(tuple(slot for slot in side.slots if slot.name not in named))
    parts = [[dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]] if named else []
    if placed and rest.slots:
        parts.append([_place([value for part in row for value in part], rest) for row in zip(*placed, strict=True)])
    return [{name: value for part in row for name, value in part.items()} for row in zip(*parts, strict=True)]


def _parse(body: bytes) -> Any:
    try:
        value = decode_json(body)
        if b"\\u" in body:
            # half a character that was escaped is no text
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise
    except ValueError:
        # JSON Lines
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) < 2:  # noqa: PLR2004 - one line is what could not be parsed
            raise
        return [decode_json(line) for line in lines]
    return value


def _to_vector(value: Any) -> list[float | None] | None:
    if value is None:
        return None
    return [None if own is None else float(own) for own in flatten(_as_list(value))]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_READERS: dict[str, Callable[[Mapping[str, Any], Side, int], list[PayloadRow]]] = {
    "dataframe_records": _read_wrapped("dataframe_records"),
    "dataframe_split": _read_split,
    "instances": _read_wrapped("instances"),
    "inputs": _read_wrapped("inputs"),
    "predictions": _read_wrapped("predictions"),
    "outputs": _read_wrapped("outputs"),
}

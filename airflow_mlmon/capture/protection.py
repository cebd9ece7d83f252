"""Protection of personal values before they leave the process, as the monitoring itself would protect them."""

from __future__ import annotations

import hashlib
import hmac
import os
import time

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.capture.marks import Protection
from airflow_mlmon.capture.schema import CapturedColumn, CaptureError, CaptureSchema

_KEYS = ("MLMON_HASH_KEY", "AIRFLOW__MLMON__HASH_KEY")
# a step such as 0.1 is no exact double: 0.3 / 0.1 is just below 3
_PLACES = 1e9
# hashes between which other threads may run
_SLICE = 500
_DIGITS = 32


def find_hash_key(schema: CaptureSchema, given: bytes | str | None) -> bytes | None:
    """Return the key of personal columns that are hashed: the given one, or else that of the environment.

    Raises:
        CaptureError: a column must be hashed, and there is no key.
    """
    found = given or next((value for name in _KEYS if (value := os.environ.get(name))), None)
    hashed = [name for name, column in schema.columns.items() if column.personal == "hash"]
    if hashed and not found:
        raise CaptureError(
            f"predictions.columns.{hashed[0]}.personal: must be hashed, but no key is set; give capture the `hash_key`"
            f" of the monitoring, or set {_KEYS[0]}"
        )
    return found.encode() if isinstance(found, str) else found


def protections(schema: CaptureSchema) -> dict[str, Protection]:
    """Return what is done to the columns of a schema, for the marks of its files."""
    found = {}
    for name, column in schema.columns.items():
        if column.personal is not None:
            found[name] = Protection.DROPPED if column.personal == "drop" else Protection.HASHED
        elif column.truncate is not None or column.generalise is not None:
            found[name] = Protection.COARSENED
    return found


def protect_values(values: pa.ChunkedArray, column: CapturedColumn, key: bytes | None) -> pa.ChunkedArray:
    """Hash or coarsen the values of a column, as it declares."""
    if column.personal == "hash":
        return hash_by_key(values, key or b"")
    if column.truncate is not None:
        return pc.utf8_slice_codeunits(values, 0, column.truncate)
    if isinstance(column.generalise, str):
        return pc.floor_temporal(values, unit=column.generalise)
    return values if column.generalise is None else _round_down(values, column.generalise)


def hash_by_key(values: pa.ChunkedArray, key: bytes) -> pa.ChunkedArray:
    """Compute the HMAC-SHA256 of each value's text, as the first 128 bits in hexadecimal; null stays null."""
    encoded = pa.chunked_array([values.cast(pa.string()).combine_chunks()]).chunk(0).dictionary_encode()
    hashed = []
    for number, text in enumerate(encoded.dictionary.to_pylist(), 1):
        hashed.append(None if text is None else hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_DIGITS])
        if not number % _SLICE:
            time.sleep(0)
    texts = pa.DictionaryArray.from_arrays(encoded.indices, pa.array(hashed, pa.string())).cast(pa.string())
    return pa.chunked_array([texts])


def _round_down(values: pa.ChunkedArray, step: float) -> pa.ChunkedArray:
    if pa.types.is_integer(values.type):
        whole = pa.scalar(step, pa.int64())
        # Arrow divides towards zero
        rest = pc.subtract(values, pc.multiply(pc.divide(values, whole), whole))
        rest = pc.if_else(pc.less(rest, 0), pc.add(rest, whole), rest)
        return pc.subtract(values, rest)
    ratio = pc.multiply(pc.divide(values, float(step)), _PLACES)
    steps = pc.floor(pc.divide(pc.round(ratio, round_mode="half_to_even"), _PLACES))
    return pc.multiply(steps, float(step))

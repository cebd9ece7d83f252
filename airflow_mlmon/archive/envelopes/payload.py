"""Decoding of payloads: the bodies of requests or responses as the columns of their rows."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.envelopes.binary_tensors import read_binary_tensors
from airflow_mlmon.archive.envelopes.csv_payload import decode_csv
from airflow_mlmon.archive.envelopes.decoded import NO_PAYLOAD, UNDECODABLE, Decoded, Reasons, merge
from airflow_mlmon.archive.envelopes.json_payload import decode_json_bodies
from airflow_mlmon.archive.envelopes.protobuf import read_message
from airflow_mlmon.archive.envelopes.sides import Side

_BASE64 = "base64"
_OF_JSON = r"^\s*[\[{]"


class Bodies(NamedTuple):
    """Bodies as archived, with their encoding (CSV, JSON, BASE64) and content type, each null if it is not said."""

    data: pa.Array
    encodings: pa.Array
    types: pa.Array


def decode_payloads(bodies: Bodies, side: Side, expected: npt.NDArray[np.int64] | None = None) -> Decoded:
    """Decode bodies that are CSV or JSON, in base64 or not.

    `expected` is how many rows each should have, for a payload whose shape does not say so.
    """
    texts, reasons = _to_texts(bodies)
    is_sound = reasons == None  # noqa: E711 - compared element by element
    is_json = _are_json(texts, bodies.types) & is_sound
    parts = [(np.flatnonzero(~is_sound), Decoded.refused(reasons[~is_sound]))]
    for mask, decoder in ((is_json, decode_json_bodies), (is_sound & ~is_json, decode_csv)):
        if mask.any():
            wanted = None if expected is None else expected[mask]
            parts.append((np.flatnonzero(mask), decoder(texts.filter(pa.array(mask)), side, wanted)))
    return merge(parts, len(texts))


def _to_texts(bodies: Bodies) -> tuple[pa.Array, Reasons]:
    """Unpack what is in base64, and explain what has no text."""
    texts = bodies.data
    reasons = np.full(len(texts), None, dtype=object)
    said = pc.ascii_lower(bodies.encodings)
    is_packed = _fill(pc.or_kleene(pc.equal(said, _BASE64), pc.is_null(said)))
    is_packed &= ~_fill(pc.match_substring_regex(texts, _OF_JSON)) & _fill(pc.is_valid(texts))
    if is_packed.any():
        is_said = _fill(pc.is_valid(said))
        values = texts.cast(pa.binary()).to_pylist()
        for n in np.flatnonzero(is_packed):
            plain = _unpack(values[n])
            if plain is not None:
                values[n] = plain
            elif is_said[n]:
                reasons[n] = UNDECODABLE
        texts = pa.array(values, pa.binary()).cast(pa.string(), safe=False)
    reasons[~_fill(pc.greater(pc.binary_length(texts), 0))] = NO_PAYLOAD
    return texts, reasons


def _unpack(packed: bytes) -> bytes | None:
    """Return what is in base64 as text, tensors in binary as their JSON; None if it is neither."""
    try:
        plain = base64.b64decode(packed, validate=True)
        tensors = read_message(plain) or read_binary_tensors(plain)
        if tensors is not None:
            return json.dumps(tensors).encode()
        plain.decode()
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    return plain


def _are_json(texts: pa.Array, types: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which bodies are JSON: by how they begin, or by their content type, such as a single number."""
    is_said = _fill(pc.match_substring(types, "json", ignore_case=True))
    return is_said | _fill(pc.match_substring_regex(texts, _OF_JSON))


def _fill(mask: pa.Array) -> npt.NDArray[np.bool_]:
    filled: npt.NDArray[np.bool_] = pc.fill_null(mask, fill_value=False).to_numpy(zero_copy_only=False)
    return filled

"""Binary tensor data of the Open Inference protocol: JSON, and after it the raw values of its tensors.

The length of the JSON is a header of HTTP, which no log keeps.
"""

from __future__ import annotations

import json
from typing import Any

from airflow_mlmon.archive.envelopes.tensors import read_raw

_SIZE = "binary_data_size"
_DECODER = json.JSONDecoder()


def read_binary_tensors(body: bytes) -> dict[str, Any] | None:
    """Return a body as the JSON of the protocol, with the values of each tensor in it; None if it is none.

    Raises:
        ValueError: the raw values are not as long as the tensors say.
    """
    if not body.startswith(b"{") or f'"{_SIZE}"'.encode() not in body:
        return None
    text = body.decode("utf-8", "surrogateescape")
    payload, end = _DECODER.raw_decode(text)
    raw = text[end:].encode("utf-8", "surrogateescape")
    side = "inputs" if "inputs" in payload else "outputs"
    tensors, at = [], 0
    for tensor in payload[side]:
        size = (tensor.get("parameters") or {}).get(_SIZE)
        if size is not None:
            values = read_raw(raw[at : at + size], tensor["datatype"])
            at += size
            tensors.append({**tensor, "data": values})
        else:
            tensors.append(tensor)
    if at != len(raw):
        raise ValueError(f"{len(raw)} bytes of raw values, {at} are expected")
    return {side: tensors}

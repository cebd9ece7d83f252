"""Reads back what is written for Druid."""

from __future__ import annotations

import pyarrow as pa


def unpacked(data: bytes) -> bytes:
    """The lines of an input, which may be several frames one after the other."""
    return bytes(pa.input_stream(pa.BufferReader(data), compression="zstd").read())

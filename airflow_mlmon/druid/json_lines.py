"""Encoding of a table as the gzipped JSON Lines that Druid reads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from json.encoder import encode_basestring_ascii

import pyarrow as pa
import pyarrow.compute as pc
from isal import isal_zlib

from airflow_mlmon.errors import SchemaMismatchError

BLOCK_ROWS = 1 << 14
_LARGEST_EXACT = 1 << 53
# blocks that are encoded ahead of the one that is taken, by thread
_AHEAD = 2
# takes a third of the time of zlib at the same size
_LEVEL = 1
# what JSON writes otherwise than it is: a text of other characters is only quoted
_ESCAPED = r"[^ !#-\[\]-~]"
_GZIP = 31


def write_json_lines(table: pa.Table) -> bytes:
    r"""Encode the rows as gzipped JSON Lines; the same table gives the same bytes.

    NaN and ±inf become null, since JSON has no such numbers. Timestamps become ISO text in UTC (those without a zone
    are taken as UTC), booleans 0 and 1, decimals and integers beyond 2**53 text.

    >>> import gzip
    >>> gzip.decompress(write_json_lines(pa.table({"x": [0.5, float("nan")], "ok": [True, False]})))
    b'{"x":0.5,"ok":1}\n{"x":null,"ok":0}\n'
    """
    starts = range(0, table.num_rows, BLOCK_ROWS)
    return b"".join(encode_blocks(table.slice(start, BLOCK_ROWS) for start in starts)) or _zip(b"")


def encode_blocks(blocks: Iterable[pa.Table]) -> Iterator[bytes]:
    """Encode blocks of rows as gzip members, which are one file when they follow each other; a few at a time."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="json") as pool:
        pending: deque[Future[bytes]] = deque()
        for block in blocks:
            pending.append(pool.submit(_encode, block))
            if len(pending) > workers * _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _encode(block: pa.Table) -> bytes:
    return b"".join(_zip(_lines(batch)) for batch in block.combine_chunks().to_batches())


def _zip(lines: bytes | memoryview) -> bytes:
    return isal_zlib.compress(lines, _LEVEL, _GZIP)


def _lines(batch: pa.RecordBatch) -> bytes | memoryview:
    pieces: list[pa.Array | str] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        pieces += [f"{',' if pieces else '{'}{encode_basestring_ascii(name)}:", _literals(name, column)]
    if not pieces or not batch.num_rows:
        return b""
    lines = pc.binary_join_element_wise(*pieces, "}\n", "", null_handling="replace", null_replacement="null")
    # the texts of an array without nulls follow each other
    return memoryview(lines.buffers()[2])[: pc.sum(pc.binary_length(lines)).as_py()]


def _literals(name: str, column: pa.Array) -> pa.Array:
    """Format each value as JSON; null if there is none."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _literals(name, column.dictionary_decode())
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8()).cast(pa.string())
    if pa.types.is_floating(kind):
        numbers = column.cast(pa.float64())
        text, is_finite = numbers.cast(pa.string()), pc.is_finite(numbers)
        # texts are only copied where some are dropped
        return text if pc.all(is_finite, min_count=0).as_py() else pc.if_else(is_finite, text, None)
    if pa.types.is_integer(kind):
        return _integers(column)
    text = to_text(name, column)
    # moments, days and decimals need no escaping
    return _escaped(text) if _is_text(kind) else _quoted(text)


def _integers(column: pa.Array) -> pa.Array:
    kind = column.type
    text = column.cast(pa.string())
    if kind not in {pa.int64(), pa.uint64()}:
        return text
    is_exact = pc.less_equal(column, pa.scalar(_LARGEST_EXACT, kind))
    if kind == pa.int64():
        is_exact = pc.and_(is_exact, pc.greater_equal(column, pa.scalar(-_LARGEST_EXACT, kind)))
    return pc.if_else(is_exact, text, _quoted(text))


def to_text(name: str, column: pa.Array) -> pa.Array:
    """Convert a column of a type other than number and boolean to text.

    Raises:
        SchemaMismatchError: its type has no text form.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        # thirteen times as fast as strftime
        text = column.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp(kind.unit)).cast(pa.string())
        return pc.binary_join_element_wise(pc.replace_substring(text, " ", "T"), "Z", "")
    if _is_text(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return column.cast(pa.string())
    raise SchemaMismatchError(f"Column {name!r} is of type {kind}, which cannot be ingested into Druid.")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', text, '"', "")


def _escaped(column: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
        return _quoted(column)
    encoded = column.dictionary_encode()
    words = [encode_basestring_ascii(word) for word in encoded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(encoded.indices)

"""Tables as files of every format that is read, by the ending of their names."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq

_AVRO = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.int64(): "long",
    pa.bool_(): "boolean",
    pa.timestamp("us", tz="UTC"): {"type": "long", "logicalType": "timestamp-micros"},
}


def to_parquet(table: pa.Table, **options: Any) -> bytes:
    """Encode as Parquet with checksums of its pages."""
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True, **options)
    return sink.getvalue()


def to_csv(table: pa.Table, separator: str = ",") -> bytes:
    """Encode as CSV with quotes around texts."""
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(delimiter=separator))
    return sink.getvalue()


def to_objects(table: pa.Table) -> list[str]:
    """Encode each row as a JSON object, with times as texts."""
    rows = table.to_pylist()
    return [json.dumps({key: _plain(value) for key, value in row.items()}) for row in rows]


def to_lines(table: pa.Table) -> bytes:
    """Encode as JSON Lines."""
    return "".join(f"{one}\n" for one in to_objects(table)).encode()


def to_array(table: pa.Table) -> bytes:
    """Encode as one JSON array, each object over several lines."""
    return json.dumps([json.loads(one) for one in to_objects(table)], indent=1).encode()


def to_sequence(table: pa.Table) -> bytes:
    """Encode as JSON objects with nothing between them."""
    return "".join(to_objects(table)).encode()


def to_avro(table: pa.Table, codec: str = "deflate") -> bytes:
    """Encode as Avro."""
    fields = [{"name": field.name, "type": ["null", _AVRO[field.type]]} for field in table.schema]
    sink = io.BytesIO()
    schema = fastavro.parse_schema({"type": "record", "name": "row", "fields": fields})
    fastavro.writer(sink, schema, table.to_pylist(), codec=codec, sync_interval=2_000)
    return sink.getvalue()


def to_orc(table: pa.Table) -> bytes:
    """Encode as ORC."""
    sink = io.BytesIO()
    pyarrow.orc.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _pack(kind: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, kind) as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()

    return pack


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


TEXTS: dict[str, Callable[[pa.Table], bytes]] = {
    ".csv": to_csv,
    ".tsv": lambda table: to_csv(table, "\t"),
    ".semicolon.csv": lambda table: to_csv(table, ";"),
    ".jsonl": to_lines,
    ".array.json": to_array,
    ".sequence.json": to_sequence,
}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": _pack("zstd"),
    ".bz2": bz2.compress,
    ".lz4": _pack("lz4"),
}
WHOLE: dict[str, Callable[[pa.Table], bytes]] = {
    ".parquet": to_parquet,
    ".zstd.PARQUET": lambda table: to_parquet(table, compression="zstd"),
    ".brotli.pq": lambda table: to_parquet(table, compression="brotli"),
    ".lz4.parq": lambda table: to_parquet(table, compression="lz4"),
    ".avro": to_avro,
    ".orc": to_orc,
}


def every_format() -> dict[str, Callable[[pa.Table], bytes]]:
    """Return the encoders of every format and compression, by ending."""
    packed = {
        f"{ending}{packing}": lambda table, write=write, pack=pack: pack(write(table))
        for ending, write in TEXTS.items()
        for packing, pack in PACKED.items()
    }
    return WHOLE | packed

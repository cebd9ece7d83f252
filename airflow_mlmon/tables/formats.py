"""Recognition of the format and the compression of a file, by its name or by its first bytes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from airflow_mlmon.spec.choices import FileFormat


class Compression(StrEnum):
    """Compression of a text file, as Arrow calls it."""

    GZIP = "gzip"
    ZSTD = "zstd"
    BZ2 = "bz2"
    LZ4 = "lz4"


ENDINGS = {
    ".parquet": FileFormat.PARQUET,
    ".parq": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.TSV,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".json": FileFormat.JSON,
    ".avro": FileFormat.AVRO,
    ".orc": FileFormat.ORC,
}
PACKED_ENDINGS = {
    ".gz": Compression.GZIP,
    ".gzip": Compression.GZIP,
    ".zst": Compression.ZSTD,
    ".zstd": Compression.ZSTD,
    ".bz2": Compression.BZ2,
    ".lz4": Compression.LZ4,
}
TEXT_FORMATS = {FileFormat.CSV, FileFormat.TSV, FileFormat.JSON_LINES, FileFormat.JSON}
_MAGIC = {b"PAR1": FileFormat.PARQUET, b"PARE": FileFormat.PARQUET, b"Obj\1": FileFormat.AVRO, b"ORC": FileFormat.ORC}
_PACKED_MAGIC = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    b"\x04\x22\x4d\x18": Compression.LZ4,
}
_BZ2 = (b"BZh", b"1AY&SY")
_BLANK = b" \t\r\n"
_UTF8_MARK = b"\xef\xbb\xbf"
HEAD = 64


def format_of_name(uri: str) -> FileFormat | None:
    """Return the format that the ending of a name says; only text files may be compressed as a whole.

    >>> format_of_name("a/PART-0.PARQUET"), format_of_name("a/b.csv.gz"), format_of_name("a/b.parquet.gz")
    (<FileFormat.PARQUET: 'parquet'>, <FileFormat.CSV: 'csv'>, None)
    """
    packed, rest = split_compression(uri)
    found = ENDINGS.get(Path(rest).suffix.lower())
    return None if packed and found not in TEXT_FORMATS else found


def split_compression(uri: str) -> tuple[Compression | None, str]:
    """Split the ending of a compression from a name.

    >>> split_compression("a/b.csv.GZ")
    (<Compression.GZIP: 'gzip'>, 'a/b.csv')
    """
    ending = Path(uri).suffix
    packed = PACKED_ENDINGS.get(ending.lower())
    return packed, uri.removesuffix(ending) if packed else uri


def format_of_head(head: bytes) -> FileFormat | None:
    """Return the format of the first bytes of a file that is not compressed; a table of text has none.

    >>> format_of_head(b"PAR1..."), format_of_head(b' {"x": 1}'), format_of_head(b"x,y")
    (<FileFormat.PARQUET: 'parquet'>, <FileFormat.JSON: 'json'>, None)
    """
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    return FileFormat.JSON if head.removeprefix(_UTF8_MARK).lstrip(_BLANK)[:1] in (b"{", b"[") else None


def compression_of_head(head: bytes) -> Compression | None:
    """Return the compression that the first bytes of a file say."""
    start, block = _BZ2
    if head.startswith(start) and head[4:10] == block:
        return Compression.BZ2
    return next((found for magic, found in _PACKED_MAGIC.items() if head.startswith(magic)), None)

"""Text files, packed or not, in blocks of whole lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.tables.damage import naming_damage, refuse_file
from airflow_mlmon.tables.formats import Compression

BLOCK = 1 << 23
_PART = 1 << 20
_BUFFER = 1 << 20
_LONGEST_LINE = 1 << 28
# a bomb of zeros is 1,000 times (gzip) or 10,000 times (zstd) its size
_EXPANDED = 1 << 26
_RATIO = 200
_EXPANDED_AT_ALL = 1 << 38
# what Arrow says where a part ends within a row, among other things
_CUT_ROWS = ("straddling", "CSV pars")
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_chunks(path: Path, origin: str, compression: Compression | None, size: int = BLOCK) -> Iterator[bytes]:
    """Read a text file in chunks, unpacked and without the mark of UTF-8.

    Raises:
        UnreadableFileError: it is damaged, unpacks to far more than its size, or contains NUL bytes.
    """
    kind = compression or "text"
    packed = path.stat().st_size
    read = 0
    with naming_damage(origin, kind):
        file = pa.input_stream(str(path), compression=compression and compression.value, buffer_size=_BUFFER)
    with file:
        while True:
            with naming_damage(origin, kind):
                chunk = file.read(size)
            if not chunk:
                return
            if not read:
                if chunk.startswith(_UTF16_MARKS):
                    raise refuse_file(origin, "is UTF-16 text", hint="write UTF-8")
                chunk = chunk.removeprefix(_UTF8_MARK)
            read += len(chunk)
            if compression:
                _refuse_bomb(origin, packed, read)
            if b"\0" in chunk:
                raise refuse_file(origin, "contains NUL bytes", hint="rewrite the file")
            yield chunk


def read_line_blocks(chunks: Iterator[bytes], origin: str, *, has_quotes: bool = False) -> Iterator[bytes]:
    """Join chunks to blocks that end with a line; with quotes, at a line end that no quotes enclose.

    Raises:
        UnreadableFileError: a line is longer than 256 MB, or quotes are not closed.
    """
    rest, is_open = b"", False
    for chunk in chunks:
        end = _end_of_lines(chunk, is_open=is_open, has_quotes=has_quotes)
        if end:
            yield b"".join((rest, memoryview(chunk)[:end]))
            rest = chunk[end:]
            is_open = has_quotes and bool(rest.count(b'"') % 2)
        else:
            rest += chunk
            is_open ^= has_quotes and bool(chunk.count(b'"') % 2)
        if len(rest) > _LONGEST_LINE:
            raise refuse_file(origin, f"has a line longer than {_LONGEST_LINE >> 20} MB")
    if is_open:
        raise refuse_file(origin, "has an unclosed quote: the file is truncated or malformed")
    if rest:
        yield rest


def _end_of_lines(chunk: bytes, *, is_open: bool, has_quotes: bool) -> int:
    """Return where the last line of a chunk ends that no quotes enclose; 0 if none does."""
    end = _last_line_end(chunk, len(chunk))
    if has_quotes:
        is_open ^= bool(chunk.count(b'"', 0, end) % 2)
        while end and is_open:
            before = _last_line_end(chunk, end - 1)
            is_open ^= bool(chunk.count(b'"', before, end) % 2)
            end = before
    return end


def _last_line_end(block: bytes, stop: int) -> int:
    """Return the position after the last line feed before `stop`; 0 if there is none."""
    return block.rfind(b"\n", 0, stop) + 1


def is_utf8(block: bytes) -> bool:
    """Return whether bytes are UTF-8 text."""
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_in_parts(block: bytes, parse: Callable[[int], pa.Table]) -> pa.Table:
    """Parse a block by Arrow in parts of 1 MB, one for each core; whole if a row is longer, or has lines within quotes.

    `parse` takes the size of a part.
    """
    try:
        return parse(_PART)
    except pa.ArrowInvalid as error:
        if not any(sign in str(error) for sign in _CUT_ROWS):
            raise
        return parse(len(block) + 1)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a binary column as text; as it is, if one of its values is no UTF-8."""
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return column


def _refuse_bomb(origin: str, packed: int, read: int) -> None:
    if read > _EXPANDED_AT_ALL or (read > _EXPANDED and read > _RATIO * packed):
        raise refuse_file(
            origin,
            f"unpacks to more than {read >> 20} MB from {packed:,} bytes, which no data do",
            hint="unpack it first if it is sound",
        )

"""Reader of CSV and TSV, every value as its text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from airflow_mlmon.tables.damage import naming_damage, refuse_file
from airflow_mlmon.tables.formats import Compression
from airflow_mlmon.tables.lines import as_text, is_utf8, parse_in_parts, read_chunks, read_line_blocks
from airflow_mlmon.tables.piece import Piece, no_rows, repeated_names, slice_rows
from airflow_mlmon.tables.reading import Reading

_LINE_ENDS = b"\r\n"
_SEPARATORS = ",;\t|"


def read_delimited(
    path: Path, origin: str, compression: Compression | None, reading: Reading, *, separator: str | None = None
) -> Iterator[Piece]:
    """Read the rows of a CSV or TSV file with a header, every value as its text.

    An empty field is null, and so is each of the null texts. A column of which a value is no UTF-8 is binary in that
    piece.

    Raises:
        UnreadableFileError: it is damaged, or a row has more or fewer fields than the header.
    """
    blocks = read_line_blocks(read_chunks(path, origin, compression), origin, has_quotes=True)
    with naming_damage(origin, "CSV"):
        first = next(blocks, b"")
        if not first:
            raise pa.ArrowInvalid("it is empty")
        names, first, found = _split_header(first, reading.separator or separator)
        if not names:
            raise pa.ArrowInvalid("it has no header")
        if not is_utf8("".join(names).encode(errors="surrogateescape")):
            raise refuse_file(origin, "is not UTF-8 text (the header)")
    twice = repeated_names(names)
    wanted = [name for name in names if name not in twice and (reading.columns is None or name in reading.columns)]
    all_names = pa.schema([(name, pa.string()) for name in names if name not in twice])
    yield Piece(origin=origin, table=no_rows(all_names), is_text=True, repeated=twice)
    options = _Options(names, wanted, found, reading.null_texts)
    for block in chain((first,), blocks):
        if block.isspace() or not block:
            continue
        with naming_damage(origin, "CSV"):
            table = options.parse(block)
        for piece in slice_rows(table):
            yield Piece(origin=origin, table=piece, is_text=True, repeated=twice)


def read_separator(path: Path, origin: str, compression: Compression | None) -> str:
    """Return the separator of the fields of a CSV file, by its header.

    Raises:
        UnreadableFileError: it is damaged.
    """
    first = next(read_line_blocks(read_chunks(path, origin, compression), origin, has_quotes=True), b"")
    return recognise_separator(_first_record(first).decode(errors="surrogateescape"))


def recognise_separator(header: str) -> str:
    """Return the separator that is the most frequent in a header, outside quotes; the comma if there is none.

    >>> recognise_separator('id;"a, b, c";x'), recognise_separator("x")
    (';', ',')
    """
    bare = "".join(header.split('"')[::2])
    return max(_SEPARATORS, key=bare.count)


def _split_header(block: bytes, separator: str | None) -> tuple[list[str], bytes, str]:
    """Return the names, the block without its header, and the separator."""
    text = _first_record(block)
    header = text.lstrip(_LINE_ENDS).decode(errors="surrogateescape")
    found = separator or recognise_separator(header)
    records = list(csv.reader(header.splitlines(keepends=True), delimiter=found))
    if len(records) > 1:
        raise pa.ArrowInvalid("the quotes of its header do not match")
    names = records[0] if records else []
    return names, block[len(text) :], found


def _first_record(block: bytes) -> bytes:
    start = len(block) - len(block.lstrip(_LINE_ENDS))
    end = start
    while end < len(block):
        feed, back = block.find(b"\n", end), block.find(b"\r", end)
        ends = [place for place in (feed, back) if place >= 0]
        end = min(ends, default=len(block)) + 1
        if block.count(b'"', start, end) % 2 == 0:
            break
    return block[:end]


class _Options:
    """Options of Arrow's parser for one file."""

    def __init__(self, names: list[str], wanted: list[str], separator: str, null_texts: tuple[str, ...]) -> None:
        # names may repeat; places do not
        places = [str(place) for place, _ in enumerate(names)]
        taken = [str(names.index(name)) for name in wanted]
        self._names = wanted
        self._places = places
        self._separator = separator
        self._convert = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.binary()),
            include_columns=taken or places[:1],
            null_values=["", *null_texts],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )

    def parse(self, block: bytes) -> pa.Table:
        """Parse whole lines; looking for quotes takes time."""
        parse = pyarrow.csv.ParseOptions(
            delimiter=self._separator, quote_char='"' if b'"' in block else False, newlines_in_values=False
        )
        whole = pyarrow.csv.ParseOptions(delimiter=self._separator, newlines_in_values=True)
        table = parse_in_parts(block, lambda size: self._read(block, size, whole if size > len(block) else parse))
        if not self._names:
            return table.select([])
        return pa.table([as_text(column) for column in table.columns], names=self._names)

    def _read(self, block: bytes, size: int, parse: pyarrow.csv.ParseOptions) -> pa.Table:
        read = pyarrow.csv.ReadOptions(column_names=self._places, block_size=size)
        return pyarrow.csv.read_csv(pa.BufferReader(block), read, parse, self._convert)

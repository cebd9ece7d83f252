"""Files of every format, damaged at random, and how many rows an independent reader finds in them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tests.support.written import every_format

START = datetime(2026, 3, 1, tzinfo=UTC)
FORMATS = every_format()
SIDECARS = ("_SUCCESS", "part.crc", "_temporary/part.csv")
_TEXTS = ["DE", "", " ", "é", "🎈", 'a "quote"', "a,b;c\td", "two\nlines", "NA", "null", "007", "</script>", "\\", "'"]
_INSERTED = [b"\0", b"\xff", b'"', b"\n", b"\r\n", b",", b"{", b"}", b"[]", b"\\u0000", b"NaN", b"\x1f\x8b", b"PAR1"]


@dataclass(frozen=True, slots=True)
class Damage:
    """What happens to the bytes of a file: `at` is a place in it, from 0 to 1."""

    kind: str
    at: float = 0.0
    bit: int = 0
    text: bytes = b""

    def apply(self, data: bytes) -> bytes:
        """Return the damaged bytes."""
        place = min(int(self.at * len(data)), max(len(data) - 1, 0))
        if self.kind == "flip" and data:
            return data[:place] + bytes([data[place] ^ 1 << self.bit]) + data[place + 1 :]
        if self.kind == "cut":
            return data[:place]
        if self.kind == "insert":
            return data[:place] + self.text + data[place:]
        if self.kind == "zeros":
            return data[:place] + bytes(len(data[place : place + 64])) + data[place + 64 :]
        if self.kind == "repeat":
            return data[:place] + data[max(place - 100, 0) :]
        return data


@dataclass(frozen=True, slots=True)
class FuzzedFile:
    """File as it was written, and its damage."""

    ending: str
    rows: Sequence[tuple[Any, ...]]
    damages: Sequence[Damage]

    def table(self, number: int) -> pa.Table:
        """Return the rows before the damage; ids are unique to the file of that number."""
        amounts, countries, counts = zip(*self.rows, strict=True) if self.rows else ((), (), ())
        rows = range(len(self.rows))
        return pa.table(
            {
                "id": pa.array([f"{number}-{row}" for row in rows], pa.string()),
                "at": pa.array([START + timedelta(seconds=row) for row in rows], pa.timestamp("us", "UTC")),
                "amount": pa.array(amounts, pa.float64()),
                "country": pa.array(countries, pa.string()),
                "count": pa.array(counts, pa.int64()),
            }
        )

    def to_bytes(self, number: int) -> bytes:
        """Return the bytes after the damage."""
        data = FORMATS[self.ending](self.table(number))
        for damage in self.damages:
            data = damage.apply(data)
        return data

    def count(self, data: bytes) -> int:
        """Count the rows of the damaged bytes; a format without texts has those that were written."""
        text = _unpack(data, self.ending).decode("latin-1")
        plain = self.ending.rpartition(".")[0] if self.ending.endswith(_PACKED) else self.ending
        if plain.endswith((".csv", ".tsv")):
            separator = next((one for mark, one in _SEPARATORS.items() if mark in plain), ",")
            return sum(1 for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row) - 1
        if plain.endswith((".json", ".jsonl")):
            return _count_objects(text)
        return len(self.rows)


_SEPARATORS = {".tsv": "\t", ".semicolon": ";"}
_PACKED = (".gz", ".bz2", ".zst", ".lz4")


def _unpack(data: bytes, ending: str) -> bytes:
    if ending.endswith(".gz"):
        return gzip.decompress(data)
    if ending.endswith(".bz2"):
        return bz2.decompress(data)
    kinds = {".zst": "zstd", ".lz4": "lz4"}
    if (kind := kinds.get(ending[-4:])) and not ending.startswith(kinds[ending[-4:]]):
        return pa.CompressedInputStream(pa.BufferReader(data), kind).read()
    return data


def _count_objects(text: str) -> int:
    decoder = json.JSONDecoder(strict=False)
    found, place = 0, 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,[]\ufeff":
            place += 1
        if place == len(text):
            return found
        _, place = decoder.raw_decode(text, place)
        found += 1


_values = st.tuples(
    st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.none() | st.sampled_from(_TEXTS),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)
_places = st.floats(0, 1, exclude_max=True)
_damages = st.one_of(
    st.builds(Damage, st.just("flip"), _places, st.integers(0, 7)),
    st.builds(Damage, st.just("cut"), _places),
    st.builds(Damage, st.just("insert"), _places, st.just(0), st.sampled_from(_INSERTED)),
    st.builds(Damage, st.just("zeros"), _places),
    st.builds(Damage, st.just("repeat"), _places),
)


def fuzzed_files(count: int) -> st.SearchStrategy[list[FuzzedFile]]:
    """Draw files: a third of them sound, most others damaged once."""
    damages = st.just(()) | st.tuples(_damages) | st.tuples(_damages, _damages)
    file = st.builds(FuzzedFile, st.sampled_from(sorted(FORMATS)), st.lists(_values, max_size=30), damages)
    return st.lists(file, min_size=count, max_size=count)

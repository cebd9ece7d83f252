"""Monitoring logs of BentoML: a record per prediction, of which those of one request share its id and time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.envelopes.decoded import UNDECODABLE
from airflow_mlmon.archive.envelopes.fields import add_sampling, are_numbers, read_moments
from airflow_mlmon.archive.envelopes.json_payload import convert_row, gather
from airflow_mlmon.archive.envelopes.numbering import count_before, number
from airflow_mlmon.archive.envelopes.opening import open_json, read_table
from airflow_mlmon.archive.envelopes.records import parse_objects
from airflow_mlmon.archive.envelopes.reserved import REASON, RESERVED
from airflow_mlmon.archive.envelopes.sides import Side, to_slot
from airflow_mlmon.archive.envelopes.split import number_rows, split_by_file
from airflow_mlmon.spec import Column
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading

_ID, _TIME = "request_id", "timestamp"
_RESERVED = frozenset({_ID, _TIME, "trace_id", "bento_meta"})
_SCHEMA = frozenset({"meta_data", "columns"})
_ROTATED = re.compile(r"\.([0-9]{4}-[0-9]{2}-[0-9]{2}[^/]*)$")

_Held = list[tuple[int, Piece]]


class BentomlEnvelope:
    """Records whose id is that of their request, and whose time may be the local one of the host."""

    def __init__(self, columns: Mapping[str, Column], id_column: str, time_column: str, sampling: float | None) -> None:
        self._columns = frozenset(columns)
        self._id, self._time, self._sampling = id_column, time_column, sampling
        own = self._columns - {id_column, time_column}
        self._values = own - _RESERVED | {f"{name}_" for name in own & _RESERVED}
        self._side = Side(tuple(to_slot(name, column) for name, column in columns.items()))

    def read(self, path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
        """Read the records of one file, JSON or a table.

        Raises:
            DataError: the file is damaged.
        """
        blocks = open_json(path, origin, reading)
        if blocks is None:
            for piece in read_table(path, origin, reading):
                names = [name for name in piece.table.column_names if name not in RESERVED]
                yield _replace(piece, piece.table.select(names))
            return
        for block in blocks:
            objects = parse_objects(block, origin)
            rows = [self._convert(row) for row in objects if not row.keys() >= _SCHEMA]
            if rows:
                yield Piece(origin=origin, table=pa.table(gather(rows, self._side)), is_text=True)

    def rows(
        self, pieces: Iterable[tuple[int, Piece]], modified: Sequence[datetime | None]
    ) -> Iterator[tuple[int, Piece]]:
        """Name the rows of each request by its id and their position in it, unless it has one alone.

        The first and the last request of a file wait for the other files, because rotation may cut one.
        """
        del modified  # each record has its time
        held: _Held = []
        for file, own in groupby(pieces, key=itemgetter(0)):
            yield from self._read_file(file, (piece for _, piece in own), held)
        if held:
            held.sort(key=lambda own: (_age(own[1].origin), own[0]))
            tables = [number_rows(piece.table, file) for file, piece in held]
            origins = dict(held)
            for file, table in split_by_file(self._finish(pa.concat_tables(tables, promote_options="permissive"))):
                yield file, Piece(origin=origins[file].origin, table=table, is_text=origins[file].is_text)

    def _read_file(self, file: int, pieces: Iterable[Piece], held: _Held) -> Iterator[tuple[int, Piece]]:
        is_first = True
        rest: Piece | None = None
        for piece in pieces:
            if not piece.table.num_rows:
                continue
            table = self._with_ids(piece.table)
            table = table if rest is None else pa.concat_tables([rest.table, table], promote_options="permissive")
            last, table = _part(table, -1)
            rest = _replace(piece, last)
            if is_first and table.num_rows:
                first, table = _part(table, 0)
                held.append((file, _replace(piece, first)))
                is_first = False
            if table.num_rows:
                yield file, _replace(piece, self._finish(table))
        if rest is not None:
            held.append((file, rest))

    def _convert(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the values of a record as texts; refuse one with a vector that is none, and one of another monitor.

        A worker that uses a second monitor writes the rows of the first to its file, too: both have one logger.
        """
        if self._values and self._values.isdisjoint(row):
            row = {name: row.get(name) for name in (_ID, _TIME)}
            return convert_row(row, Side(())) | {REASON: UNDECODABLE}
        try:
            return convert_row(row, self._side)
        except (ValueError, TypeError):
            others = {name: value for name, value in row.items() if name not in self._side.vectors}
            return convert_row(others, self._side) | {REASON: UNDECODABLE}

    def _with_ids(self, table: pa.Table) -> pa.Table:
        if _ID not in table.column_names:
            return table.append_column(_ID, pa.nulls(table.num_rows, pa.string()))
        ids = table.column(_ID).cast(pa.string(), safe=False)
        return table.set_column(table.column_names.index(_ID), _ID, ids)

    def _finish(self, table: pa.Table) -> pa.Table:
        """Name the columns as the spec does, and number the ids."""
        columns = {name: table.column(name) for name in table.column_names if name not in _RESERVED}
        for name in self._columns & _RESERVED & set(table.column_names):
            # a column with a reserved name is archived with an underscore
            columns[name] = columns.pop(f"{name}_", table.column(name))
        columns[self._id] = number(table.column(_ID), *count_before(table.column(_ID)))
        if _TIME in table.column_names:
            times = table.column(_TIME)
            columns[self._time] = read_moments(times) if are_numbers(times) else times
        return add_sampling(pa.table(columns), self._sampling)


def _part(table: pa.Table, position: int) -> tuple[pa.Table, pa.Table]:
    """Divide rows into those of the same request as one of them, and the others."""
    ids = table.column(_ID)
    is_same = pc.fill_null(pc.equal(ids, ids[position]), fill_value=False)
    return table.filter(is_same), table.filter(pc.invert(is_same))


def _replace(piece: Piece, table: pa.Table) -> Piece:
    return Piece(origin=piece.origin, table=table, is_text=piece.is_text)


def _age(origin: str) -> tuple[str, str]:
    """Order the files of a worker by their age; the one that is still written comes last."""
    rotated = _ROTATED.search(origin)
    return _ROTATED.sub("", origin), rotated[1] if rotated else "~"

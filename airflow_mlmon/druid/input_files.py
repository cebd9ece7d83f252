"""Files that Druid reads, in parts of a bounded number of rows, so that memory does not grow with the rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, count, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.druid.inputs import JSON_LINES, PARQUET
from airflow_mlmon.druid.json_lines import BLOCK_ROWS, encode_blocks
from airflow_mlmon.druid.parquet import to_druid_types
from airflow_mlmon.spec.druid import DruidFormat

# about a segment of Druid, which has five million rows at most
PART_ROWS = 1 << 22
_GROUP_ROWS = 1 << 20


def write_parts(tables: Iterable[pa.Table], folder: Path, form: DruidFormat) -> list[Path]:
    """Write rows as files for Druid; the same rows give the same bytes, whatever tables they come in."""
    is_json = form is DruidFormat.JSON
    size, ending = (BLOCK_ROWS, JSON_LINES) if is_json else (_GROUP_ROWS, PARQUET)
    blocks = cut_tables(tables, size)
    paths: list[Path] = []
    for number in count():
        first = next(blocks, None)
        if first is None:
            return paths
        paths.append(folder / f"{number:04}{ending}")
        part = chain([first], islice(blocks, PART_ROWS // size - 1))
        if is_json:
            with paths[-1].open("wb") as file:
                file.writelines(encode_blocks(part))
        else:
            _write_parquet(part, paths[-1])
    raise AssertionError("the numbers do not end")


def cut_tables(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Cut tables anew into such of as many rows; the last may have fewer.

    >>> [cut.column("x").to_pylist() for cut in cut_tables([pa.table({"x": [1, 2, 3]}), pa.table({"x": [4]})], 2)]
    [[1, 2], [3, 4]]
    """
    held: deque[pa.Table] = deque()
    number = 0
    for table in tables:
        rest = table
        while number + rest.num_rows >= rows:
            yield pa.concat_tables([*held, rest.slice(0, rows - number)]).combine_chunks()
            rest = rest.slice(rows - number)
            held.clear()
            number = 0
        if rest.num_rows:
            held.append(rest)
            number += rest.num_rows
    if held:
        yield pa.concat_tables(held).combine_chunks()


def _write_parquet(blocks: Iterable[pa.Table], path: Path) -> None:
    writer: pq.ParquetWriter | None = None
    for block in blocks:
        plain = to_druid_types(block)
        if writer is None:
            writer = pq.ParquetWriter(path, plain.schema, compression="snappy")
        writer.write_table(plain)
    if writer is not None:
        writer.close()

"""Dictionaries of Parquet columns: texts that are held once, and expanded in rows of a bounded size.

A text that takes a few bits in the file may take megabytes in each row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.tables.bounds import find_ends

# a column with so few bytes a value holds references to its dictionary, and hardly any text beside it
_REFERENCE_BYTES = 4
_BUFFER = 1 << 20
# a dictionary of more bytes is one of long texts: read as such it is held five times over, a few rows at a time twice
_LARGE = 1 << 25
_FEW = 4


def find_coded(path: Path, footer: pq.FileMetaData, rows: int, most_bytes: int) -> list[str]:
    """Return the columns of texts to read as references to their dictionaries, by the first row group.

    These are the columns that hold hardly anything else, and those with texts so long that `rows` of them may take more
    than `most_bytes`.
    """
    if not footer.num_row_groups:
        return []
    schema, group = footer.schema.to_arrow_schema(), footer.row_group(0)
    texts = {field.name for field in schema if field.type == pa.string()}
    coded: list[str] = []
    for number in range(group.num_columns):
        chunk = group.column(number)
        name, size = chunk.path_in_schema, chunk.total_uncompressed_size
        if not chunk.has_dictionary_page or name not in texts:
            continue
        if size < _REFERENCE_BYTES * chunk.num_values:
            coded.append(name)
        elif size * min(rows, chunk.num_values) > most_bytes:
            held = chunk.data_page_offset - chunk.dictionary_page_offset
            # rows that take no more than their dictionary need no references to it
            if _has_longer(path, footer, name, max(most_bytes, held) // rows, is_large=held > _LARGE):
                coded.append(name)
    return coded


def _has_longer(path: Path, footer: pq.FileMetaData, name: str, most: int, *, is_large: bool) -> bool:
    """Return whether a text of a column's first row group has more bytes; of a large dictionary, by its rows."""
    read_dictionary = [] if is_large else [name]
    options = {"pre_buffer": False, "buffer_size": _BUFFER}
    with pq.ParquetFile(path, metadata=footer, read_dictionary=read_dictionary, **options) as file:
        batches = file.iter_batches(_FEW, row_groups=[0], columns=[name], use_threads=False)
        found = (batch.column(0) for batch in (batches if is_large else islice(batches, 1)))
        texts = (column if is_large else column.dictionary for column in found)
        return any((pc.max(pc.binary_length(some)).as_py() or 0) > most for some in texts)


def expand_types(schema: pa.Schema, coded: Collection[str]) -> pa.Schema:
    """Return the schema of the rows as `expand` returns them."""
    fields = [field.with_type(pa.string()) if field.name in coded else field for field in schema]
    return pa.schema(fields, schema.metadata)


def expand(batch: pa.RecordBatch, coded: Collection[str], most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield rows with texts in the place of references, in runs of at most so many bytes of these texts.

    Raises:
        ValueError: a reference is to nothing, as in a damaged file.
    """
    held = [name for name in batch.schema.names if name in coded]
    if not held:
        yield batch
        return
    lengths = {name: _lengths_of(batch.column(name)) for name in held}
    longest = sum(int(own.max(initial=0)) for own in lengths.values())
    ends = [batch.num_rows]
    if longest * batch.num_rows > most_bytes:
        sizes = np.zeros(batch.num_rows, dtype=np.int64)
        for name, own in lengths.items():
            references = batch.column(name).indices
            sizes += np.where(references.is_null(), 0, own[references.fill_null(0).to_numpy()] if len(own) else 0)
        ends = sorted({*find_ends(sizes, most_bytes, batch.num_rows), batch.num_rows})
    for start, end in zip([0, *ends], ends, strict=False):
        part = batch.slice(start, end - start)
        columns = [
            column.cast(pa.string()) if name in coded else column
            for name, column in zip(batch.schema.names, part.columns, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=expand_types(batch.schema, coded))


def _lengths_of(column: pa.DictionaryArray) -> Integers:
    ends = pc.min_max(column.indices)
    if ends["min"].is_valid and not 0 <= ends["min"].as_py() <= ends["max"].as_py() < len(column.dictionary):
        raise ValueError("a value refers to nothing in the dictionary of its column")
    lengths: Integers = pc.fill_null(pc.binary_length(column.dictionary), 0).to_numpy().astype(np.int64)
    return lengths

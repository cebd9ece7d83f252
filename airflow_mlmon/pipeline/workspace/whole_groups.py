"""Rows by the group that they belong to: in parts that fit into memory, none of which has a group in part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.archive.curation.repeats import hash_keys
from airflow_mlmon.storage.scratch import scratch_folder


def divide_by_group(tables: Iterable[pa.Table], group: str, parts: int) -> Iterator[pa.Table]:
    """Divide rows into parts by the hash of their group, and yield each part with its rows in their order.

    All rows are on the disk before the first part is yielded, which is valid until the next.

    Args:
        tables: the rows, in tables of the same columns.
        group: column of the group; rows without one belong to no other.
        parts: number of parts, some of which may be empty.
    """
    with scratch_folder() as folder:
        paths = [folder / f"{number}.arrow" for number in range(parts)]
        _write(tables, group, paths)
        for path in filter(Path.exists, paths):
            with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
                yield reader.read_all()
            path.unlink()


def _write(tables: Iterable[pa.Table], group: str, paths: list[Path]) -> None:
    with ExitStack() as stack:
        writers: dict[Path, pa.RecordBatchFileWriter] = {}
        for table in tables:
            places = hash_keys(table.column(group).cast(pa.string()), 0) % len(paths)
            for number, path in enumerate(paths):
                own = table.filter(pa.array(places == number))
                if own.num_rows and path not in writers:
                    writers[path] = stack.enter_context(pa.ipc.new_file(str(path), table.schema))
                if own.num_rows:
                    writers[path].write_table(own)

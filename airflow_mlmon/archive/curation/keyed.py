"""Rows of a day on disk, with the hashes of the keys by which they are known again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.curate import add_reason
from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.repeats import KeyOf, RepeatedRows, find_repeated_rows, hash_keys
from airflow_mlmon.archive.curation.spool import Positions, Spool
from airflow_mlmon.profiles.engine.hash_sample import HashSample
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.statistics.arrays import Integers

Watch = Callable[[pa.Table], None]

_UNIT = "\x1f"


class Keyed:
    """Rows on disk, with the hash of the key by which a row is known again; `watch` is given them as they come.

    Attributes:
        rows: The rows.
        is_as_watched: Whether the rows are still those that came.
    """

    def __init__(self, folder: Path, name: str, keys: KeyOf, watch: Watch | None = None) -> None:
        self.rows = Spool(folder, name)
        self.is_as_watched = watch is not None
        self._keys = keys
        self._folder, self._name = folder, name
        self._hashes = HashLog(folder / f"{name}.hashes")
        self._sample: HashSample | None = HashSample()
        self._watch = watch

    @classmethod
    def restore(cls, folder: Path, name: str, keys: KeyOf, rows: Path, hashes: Path) -> Self:
        """Take up the rows of a finished file again, with the file of their hashes, in a folder for what follows."""
        restored = cls(folder, name, keys)
        restored.rows = Spool.restore(folder, name, rows)
        restored._hashes = HashLog.restore(hashes)
        restored._sample = None
        return restored

    @property
    def hashes(self) -> Path:
        """File of the 64-bit hashes of the keys, in the order of the rows."""
        return self._hashes.path

    def ranges(self) -> Iterator[Integers]:
        """Yield the hashes of all rows with a key ascending, in ranges that fit into memory."""
        return self._hashes.ranges()

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        hashes = hash_keys(self._keys(table), self.rows.rows)
        if self._sample is not None:
            self._sample.add(table.select(_scalars(table.schema)), hashes)
        self._hashes.add(hashes)
        self.rows.add(table)
        if self._watch is not None:
            self._watch(table)

    def sample(self) -> pa.Table:
        """Draw at most 5,000 rows by the hashes of their keys, always the same, without their vectors."""
        if self._sample is not None:
            return self._sample.table().cast(
                pa.schema([self.rows.schema.field(name) for name in _scalars(self.rows.schema)])
            )
        # rows were dropped, perhaps some of the sampled ones
        sample = HashSample()
        sample.add(self.rows.schema.empty_table().select(_scalars(self.rows.schema)), np.zeros(0, dtype=np.int64))
        for table, _ in self.rows.blocks(_scalars(self.rows.schema)):
            sample.add(table, hash_keys(self._keys(table), 0))
        return sample.table()

    def positions_of(self, hashes: Integers) -> Positions:
        """Return the ascending positions of the rows whose key has one of the ascending hashes."""
        return self._hashes.positions_of(hashes)

    def find_repeated(self) -> RepeatedRows:
        """Return the rows that repeat a key."""
        self.rows.finish()
        return find_repeated_rows(self.rows, self._hashes, self._keys)

    def drop(self, reasons: Mapping[str, Positions], quarantine: Spool) -> None:
        """Move rows to the quarantine, each with its reason."""
        reasons = {reason: positions for reason, positions in reasons.items() if len(positions)}
        if not reasons:
            return
        self.rows.finish()
        dropped = np.sort(np.concatenate(list(reasons.values())))
        name = f"{self._name}-"
        kept = Spool(self._folder, name)
        kept.add(self.rows.schema.empty_table())
        for table, positions in self.rows.blocks():
            kept.add(table.filter(pa.array(~np.isin(positions, dropped, assume_unique=True))))
        for reason, positions in reasons.items():
            for table, _ in self.rows.blocks(at=positions):
                quarantine.add(add_reason(table, reason))
        self.rows.remove()
        kept.finish()
        self._hashes = self._hashes.without(dropped, self._folder / f"{name}.hashes")
        self.rows, self._name = kept, name
        self._sample, self.is_as_watched = None, False


def key_of_id(spec: ModelSpec) -> KeyOf:
    """Return the key of an accepted row: its id."""
    return lambda table: table.column(spec.id_column)


def key_of_error(spec: ModelSpec) -> KeyOf:
    """Return the key of an error: id and time, as a failed retry has its own time; null without an id."""

    def join(errors: pa.Table) -> pa.ChunkedArray:
        times = errors.column(spec.time_column).cast(pa.int64()).cast(pa.string())
        return pc.binary_join_element_wise(errors.column(spec.id_column).cast(pa.string()), times, _UNIT)

    return join


def _scalars(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if not pa.types.is_nested(field.type)]

"""Removal, hashing or coarsening of personal values before anything is written.

Of a captured file the marks say what was done before its values left the service: what is hashed there is not hashed
again, and compares with other hashes only if the keys are the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.capture.marks import Marks, Protection, key_id
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec import Column, ColumnType, ModelSpec, PersonalData

# a step such as 0.1 is no exact double: 0.3 / 0.1 is just below 3
_PLACES = 9


class UnknownKey(bytes):
    """Key that nobody knows, with which an inspection hashes where none is set; hashes of any other key pass."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashing:
    """Columns that are hashed, each with what hashes its values, and the key."""

    key: bytes | None = None
    columns: Mapping[str, Callable[[pa.ChunkedArray], pa.Array]] = field(default_factory=dict)

    def explain_other_key(self, marks: Marks) -> str:
        """Explain why the hashes of a captured file do not compare with those made here; empty if they do."""
        hashed = sorted(name for name in self.columns if _is_hashed(name, marks))
        if not hashed or isinstance(self.key, UnknownKey) or (self.key and marks.key == key_id(self.key)):
            return ""
        own = f"the key set here is {key_id(self.key)}" if self.key else "no key is set here"
        return (
            f"column {hashed[0]!r} was hashed by capture with key {marks.key}, and {own}: set AIRFLOW__MLMON__HASH_KEY "
            "to the key of the service (its MLMON_HASH_KEY), or give the service this one"
        )

    def explain_other_spec(self, marks: Marks, columns: Mapping[str, Column]) -> Iterator[str]:
        """Yield which columns of a captured file were protected by another spec than this one."""
        for name in sorted(marks.protected.keys() & columns.keys()):
            if _is_hashed(name, marks) and name not in self.columns and columns[name].personal is None:
                yield f"column {name!r} was hashed by capture, and has hashes for values: write `personal: hash`"
            elif marks.protected[name] is Protection.DROPPED and columns[name].personal is None:
                yield f"column {name!r} was dropped by capture, and has no values: write `personal: drop`"

    def as_texts(self, columns: Mapping[str, Column], marks: Marks | None = None) -> Mapping[str, Column]:
        """Declare as texts the columns that are hashed in a captured file; without `marks` all, as they are read."""
        return {
            name: column.model_copy(update=_AS_TEXT)
            if name in self.columns and (marks is None or _is_hashed(name, marks))
            else column
            for name, column in columns.items()
        }

    def hash_table(self, table: pa.Table, marks: Marks | None) -> pa.Table:
        """Hash the columns that are not hashed yet."""
        for name in [name for name in table.column_names if name in self.columns]:
            if marks is None or not _is_hashed(name, marks):
                hashed = self.columns[name](table.column(name))
                table = table.set_column(table.schema.get_field_index(name), name, hashed)
        return table


_AS_TEXT = {"type": ColumnType.STRING, "classes": None, "unit": None}


def _is_hashed(name: str, marks: Marks) -> bool:
    return marks.protected.get(name) is Protection.HASHED


def hashing_of(columns: Mapping[str, Column], key: bytes | None) -> Hashing:
    """Return what hashes the columns that are declared to be."""
    hashed = partial(hash_values, hash_key=key)
    names = [name for name, column in columns.items() if column.personal is PersonalData.HASH]
    return Hashing(key=key, columns=dict.fromkeys(names, hashed))


def protect(table: pa.Table, spec: ModelSpec) -> pa.Table:
    """Drop or coarsen the columns of a table, as declared in the spec; those to be hashed are, since they were read."""
    for name in [name for name in table.column_names if name in spec.columns]:
        column = spec.columns[name]
        if column.personal is PersonalData.DROP:
            table = table.drop_columns([name])
        elif column.is_coarse:
            coarse = coarsen_values(table.column(name), column)
            table = table.set_column(table.schema.get_field_index(name), name, coarse)
    return table


def coarsen_values(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Keep the start of each text, or round each number or time down to a multiple of its step."""
    if column.truncate is not None:
        return pc.utf8_slice_codeunits(values, 0, column.truncate)
    if isinstance(column.generalise, str):
        return pc.floor_temporal(values, unit=column.generalise)
    step = column.generalise
    if step is None:
        return values
    numbers = values.fill_null(0).to_numpy()
    is_whole = pa.types.is_integer(values.type)
    coarse = numbers - numbers % step if is_whole else np.floor(np.round(numbers / step, _PLACES)) * step
    return pc.if_else(pc.is_valid(values), pa.chunked_array([pa.array(coarse, values.type)]), None)


def hash_values(values: pa.ChunkedArray, hash_key: bytes | None) -> pa.Array:
    """Compute the HMAC-SHA256 of each value's text, as the first 128 bits in hexadecimal; null stays null.

    Raises:
        ConfigError: no key is set.
    """
    if not hash_key:
        raise ConfigError(
            "A personal column must be hashed, but no hash key is set.",
            hint="set AIRFLOW__MLMON__HASH_KEY (or `hash_key` in section [mlmon] of airflow.cfg)",
        )
    encoded = values.combine_chunks().cast(pa.string()).dictionary_encode()
    hashed = [
        None if value is None else hmac.new(hash_key, value.encode(), hashlib.sha256).hexdigest()[:32]
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(hashed, pa.string())).cast(pa.string())

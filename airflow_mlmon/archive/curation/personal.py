"""Removal, hashing or coarsening of personal values before anything is written."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec import Column, ModelSpec, PersonalData

# a step such as 0.1 is no exact double: 0.3 / 0.1 is just below 3
_PLACES = 9


def protect(table: pa.Table, spec: ModelSpec, hash_key: bytes | None) -> pa.Table:
    """Drop, hash or coarsen the columns of a table, as declared in the spec."""
    declared = {name: column for name, column in spec.columns.items() if column.personal or column.is_coarse}
    for name in [name for name in table.column_names if name in declared]:
        column, position = declared[name], table.schema.get_field_index(name)
        if column.personal is PersonalData.DROP:
            table = table.remove_column(position)
        elif column.personal is PersonalData.HASH:
            table = table.set_column(position, name, hash_values(table.column(name), hash_key))
        elif column.is_coarse:
            table = table.set_column(position, name, coarsen_values(table.column(name), column))
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

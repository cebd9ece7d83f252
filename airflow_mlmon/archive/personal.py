"""Removal or hashing of personal columns before anything is written."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec import ModelSpec, PersonalData


def protect(table: pa.Table, spec: ModelSpec, hash_key: bytes | None) -> pa.Table:
    """Drop or hash the personal columns of a table, as declared in the spec."""
    for name, column in spec.columns.items():
        if name not in table.column_names or column.personal is None:
            continue
        position = table.column_names.index(name)
        if column.personal is PersonalData.DROP:
            table = table.remove_column(position)
        else:
            table = table.set_column(position, name, hash_values(table.column(name), hash_key))
    return table


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

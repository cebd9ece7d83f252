"""Derivation of columns from texts, so that no text is stored."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.profiles.values.characters import measure_texts
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.texts import TextFeature, name_derived


def derive_texts(table: pa.Table, texts: Mapping[str, Column]) -> pa.Table:
    """Return the table with each text replaced by the columns derived from it; null stays null.

    An empty text has no shares and no pattern. Bytes that are not UTF-8 count as the replacement character.

    Raises:
        ConfigError: a regular expression is not one of RE2.
    """
    columns: dict[str, pa.ChunkedArray] = {}
    for name in table.column_names:
        if name not in texts:
            columns[name] = table.column(name)
            continue
        derived = _derive(name, table.column(name), texts[name])
        columns |= {name_derived(name, feature): values for feature, values in derived.items()}
    return pa.table(columns)


def _derive(name: str, texts: pa.ChunkedArray, declared: Column) -> dict[TextFeature, pa.ChunkedArray]:
    found = measure_texts(texts)
    if declared.regex is not None:
        found[TextFeature.MATCHES] = _match(name, texts, declared.regex)
    return found


def _match(name: str, texts: pa.ChunkedArray, regex: str) -> pa.ChunkedArray:
    try:
        return pc.match_substring_regex(texts, regex)
    except pa.ArrowInvalid as error:
        raise ConfigError(
            f"predictions.columns.{name}.regex: not a regular expression of RE2.",
            hint="see https://github.com/google/re2/wiki/Syntax",
        ) from error

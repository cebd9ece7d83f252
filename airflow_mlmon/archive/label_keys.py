"""Keys by which labels are joined to predictions: an id or several columns, in one spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.repeats import hash_keys
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.labels import IdForm

_BETWEEN, _ESCAPE = "\x1f", "\x1e"
# in the order in which they apply
_FORMS: dict[IdForm, Callable[[Any], Any]] = {
    IdForm.STRIP: pc.utf8_trim_whitespace,
    IdForm.LOWER: pc.utf8_lower,
    IdForm.WITHOUT_DASHES: lambda texts: pc.replace_substring(texts, "-", ""),
    IdForm.WHOLE: lambda texts: pc.replace_substring_regex(texts, r"^([+-]?[0-9]+)\.0*$", r"\1"),
    IdForm.WITHOUT_ZEROS: lambda texts: pc.replace_substring_regex(texts, r"^0+([0-9A-Za-z])", r"\1"),
}
WORDS = {
    IdForm.STRIP: "without blanks around them",
    IdForm.LOWER: "in lower case",
    IdForm.WITHOUT_DASHES: "without dashes",
    IdForm.WHOLE: "without .0",
    IdForm.WITHOUT_ZEROS: "without leading zeros",
}


def key_columns(spec: ModelSpec) -> dict[str, str]:
    """Return the columns that labels are joined on: those of the labels, by those of the predictions."""
    named = spec.labels.id if spec.labels else None
    return dict(named) if isinstance(named, dict) else {spec.id_column: named or spec.id_column}


def are_ids(spec: ModelSpec) -> bool:
    """Return whether the keys of predictions are their ids as they are."""
    return list(key_columns(spec)) == [spec.id_column] and not forms_of(spec, spec.id_column)


def prediction_keys(rows: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Return the key of each prediction; null where a column of it is null."""
    return _make_keys(rows, {name: name for name in key_columns(spec)}, spec)


def count_merged(tables: Iterable[pa.Table], spec: ModelSpec, folder: Path) -> int:
    """Count the keys of predictions that are no longer told apart in the spelling of the spec.

    Keys are told apart by their hashes, which lie in the folder meanwhile.
    """
    if spec.labels is None or not spec.labels.ids:
        return 0
    names = {name: name for name in key_columns(spec)}
    written, spelled = HashLog(folder / "written.hashes"), HashLog(folder / "spelled.hashes")
    for rows in tables:
        written.add(hash_keys(join_keys([rows.column(name).cast(pa.string()) for name in names]), 0))
        spelled.add(hash_keys(_make_keys(rows, names, spec), 0))
    return written.count_distinct() - spelled.count_distinct()


def label_keys(rows: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Return the key of each row of labels; null where a column of it is null."""
    return _make_keys(rows, key_columns(spec), spec)


def _make_keys(rows: pa.Table, names: Mapping[str, str], spec: ModelSpec) -> pa.ChunkedArray:
    return join_keys([spell(rows.column(own).cast(pa.string()), forms_of(spec, name)) for name, own in names.items()])


def join_keys(texts: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Join the parts of each key, so that no two keys are one text; null where a part is null."""
    if len(texts) == 1:
        return texts[0]
    return pc.binary_join_element_wise(*map(_escape, texts), _BETWEEN, null_handling="emit_null")


def _escape(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.replace_substring(texts, _ESCAPE, _ESCAPE + "0"), _BETWEEN, _ESCAPE + "1")


def forms_of(spec: ModelSpec, name: str) -> tuple[IdForm, ...]:
    """Return the forms of a column of the predictions; hashes are compared as they are."""
    return () if spec.labels is None or spec.columns[name].personal is not None else spec.labels.ids


def spell_stored(keys: pa.Array, spec: ModelSpec) -> pa.Array:
    """Return the keys of a stored delivery, which may be of a time when the spec had other forms."""
    names = list(key_columns(spec))
    return spell(keys, forms_of(spec, names[0])) if len(names) == 1 else keys


def spell_keys(keys: pa.Array, forms: Iterable[IdForm]) -> pa.Array:
    """Return the keys with each of their parts in the spelling of these forms; null keys are left out."""
    parts = pc.split_pattern(keys.drop_null(), _BETWEEN)
    spelled = pa.ListArray.from_arrays(parts.offsets, spell(parts.flatten(), forms))
    return pc.binary_join(spelled, _BETWEEN)


def spell(texts: Any, forms: Iterable[IdForm]) -> Any:
    """Return the texts in the spelling of these forms.

    >>> spell(pa.array([" 0017.0"]), list(IdForm)).to_pylist()
    ['17']
    """
    wanted = set(forms)
    for form, apply in _FORMS.items():
        if form in wanted:
            texts = apply(texts)
    return texts


def every_spelling() -> list[tuple[IdForm, ...]]:
    """Return all combinations of forms, those of the fewest first."""
    return [forms for number in range(1, len(_FORMS) + 1) for forms in combinations(_FORMS, number)]

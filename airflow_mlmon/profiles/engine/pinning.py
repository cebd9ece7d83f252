"""Pinning of a profile schema from a reference table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.further import MAX_FURTHER, checksum_values, pack_hashes
from airflow_mlmon.profiles.columns.segment import MAX_PARTS
from airflow_mlmon.profiles.engine.derivations import choose_derivations
from airflow_mlmon.profiles.engine.derived import derive_chunks
from airflow_mlmon.profiles.engine.division import count_values
from airflow_mlmon.profiles.schema import LONGEST_NAME, ColumnSchema, Kind, ProfileSchema, SegmentSchema
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from airflow_mlmon.profiles.values.deviation import to_deviations
from airflow_mlmon.profiles.values.norm import compute_row_norms
from airflow_mlmon.profiles.values.reading import Texts, count_texts, read_numbers
from airflow_mlmon.profiles.values.vectors import read_vectors
from airflow_mlmon.spec.choices import OUTPUT_ROLES, ColumnType, Role
from airflow_mlmon.statistics.arrays import Floats

if TYPE_CHECKING:
    # a comparison has no spec and need not import pydantic
    from airflow_mlmon.spec.column import Column
    from airflow_mlmon.spec.model import ModelSpec

MAX_VOCABULARY = 1_000
_PROFILED = (Role.FEATURE, *OUTPUT_ROLES, Role.ATTRIBUTION)
_CATEGORIES = (ColumnType.BOOLEAN, ColumnType.STRING, ColumnType.CATEGORY)
_IDENTIFIER_SHARE = 0.9
_ATOM_SHARE = 0.01
_SHARES = np.array([0.01, 0.25, 0.5, 0.75, 0.99])
_MEDIAN = 2
_QUANTUM_BITS = 21
_MAX_EXPONENT = 900
_DOUBLE_DIGITS = 15
_ELEMENTS_LOOKED_AT = 1 << 22
# of a column without a value in the reference, whose scale is thus unknown
_UNKNOWN_SCALE = 2.0**-40


def pin_schema(spec: ModelSpec, table: pa.Table) -> ProfileSchema:
    """Pin the profile schema that fits a reference table best.

    The features, the score and the prediction of the spec are pinned; identifier, time, version, personal and ignored
    columns are not. A column that is missing or all null is pinned around 0 without vocabulary, with a quantum for
    values of any scale. A string feature with more values than a vocabulary holds, nearly all different, is pinned as
    an identifier: its values are counted, not kept. Rows are divided by the version, with every value, and by the
    segments of the spec, with their most frequent values. Columns derived from others follow them.

    Raises:
        SchemaMismatchError: the type of a column does not match the spec.
    """
    columns = {name: column.type for name, column in spec.columns.items() if _is_profiled(column)}
    dimensions = {name: spec.columns[name].dimension or 1 for name in spec.vectors}
    pinned = pin_columns(spec.model, columns, table, dimensions)
    derived = [
        replace(pin_column(name, kind, derive_chunks([derivation], table)[0].chunks), derived=derivation)
        for name, kind, derivation in choose_derivations(spec, table)
    ]
    return replace(pinned, columns=(*pinned.columns, *derived), segments=_pin_segments(spec, table))


def pin_columns(
    model: str,
    columns: Mapping[str, ColumnType],
    table: pa.Table,
    dimensions: Mapping[str, int] = MappingProxyType({}),
) -> ProfileSchema:
    """Pin the profile schema of features with the given types, as `pin_schema` does.

    `dimensions` holds the dimension of each vector.

    Raises:
        SchemaMismatchError: the type of a column does not match its declared type.
    """
    names = set(table.column_names)
    chunks = {name: table.column(name).chunks if name in names else () for name in columns}
    pinned = (
        pin_vector(name, dimensions[name], chunks[name])
        if declared is ColumnType.VECTOR
        else pin_column(name, declared, chunks[name])
        for name, declared in columns.items()
    )
    return ProfileSchema(model=model, columns=tuple(pinned))


def pin_column(name: str, declared: ColumnType, chunks: Sequence[pa.Array]) -> ColumnSchema:
    """Pin the schema of one feature of the given type from its chunks.

    Raises:
        SchemaMismatchError: the type of a chunk does not match the declared type.
    """
    integer = declared in (ColumnType.INTEGER, ColumnType.TIMESTAMP)
    if declared not in _CATEGORIES:
        if declared is ColumnType.DECIMAL:
            _demand_distinct_doubles(name, pa.chunked_array(chunks, chunks[0].type if chunks else pa.null()))
        numbers = [read_numbers(chunk, name).values for chunk in chunks]
        return _pin_numbers(name, np.concatenate(numbers or [np.zeros(0)]), integer=integer)
    texts = Texts.sum_of([count_texts(chunk, name) for chunk in chunks])
    if declared is ColumnType.STRING and _is_identifying(texts):
        return ColumnSchema(name=name, kind=Kind.IDENTIFIER)
    vocabulary, further = _vocabulary(texts)
    return ColumnSchema(name=name, kind=Kind.CATEGORY, vocabulary=vocabulary, further=further)


def pin_vector(name: str, dimension: int, chunks: Sequence[pa.Array]) -> ColumnSchema:
    """Pin the schema of a vector: the norm as a number, and the quantum of its elements."""
    vectors = [read_vectors(chunk, name, dimension).elements for chunk in chunks]
    norms = np.concatenate([np.zeros(0), *(compute_row_norms(part) for part in vectors)])
    of_norm = _pin_numbers(name, norms, integer=False)
    return ColumnSchema(
        name=name,
        kind=Kind.VECTOR,
        dimension=dimension,
        centre=of_norm.centre,
        quantum=of_norm.quantum,
        atoms=of_norm.atoms,
        element_quantum=_element_quantum(vectors, dimension),
    )


def _element_quantum(vectors: Sequence[npt.NDArray[np.number]], dimension: int) -> float:
    """Compute a power of two of about 2**-22 of the largest dimension, by the 99 % quantile of its magnitudes."""
    rows = sum(map(len, vectors))
    every = max(rows * dimension // _ELEMENTS_LOOKED_AT, 1)
    seen = np.concatenate([np.zeros((0, dimension)), *_every(vectors, every)])
    seen = np.abs(seen[np.isfinite(seen).all(axis=1)])
    largest = float(np.quantile(seen, 0.99, axis=0, method="nearest").max()) if len(seen) else 0.0
    exponent = math.frexp(largest or 1.0)[1] - _QUANTUM_BITS
    return math.ldexp(1.0, min(max(exponent, -_MAX_EXPONENT), _MAX_EXPONENT))


def _every(vectors: Sequence[npt.NDArray[np.number]], step: int) -> Iterator[Floats]:
    """Yield each `step`-th row of the concatenated parts."""
    at = 0
    for part in vectors:
        yield part[-at % step :: step].astype(np.float64)
        at += len(part)


def _pin_segments(spec: ModelSpec, table: pa.Table) -> tuple[SegmentSchema, ...]:
    version = [SegmentSchema(columns=(spec.version_column,))] if spec.version_column else []
    return (*version, *(SegmentSchema(columns=columns, values=_most(table, columns)) for columns in spec.divisions))


def _most(table: pa.Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the most frequent values, as many as a segment has parts."""
    counted = count_values(table, SegmentSchema(columns=columns))
    found = sorted((-count, value) for value, count in counted.items() if value is not None)
    return tuple(value for _, value in found[:MAX_PARTS])


def _is_profiled(column: Column) -> bool:
    return column.role in _PROFILED and column.personal is None


def _demand_distinct_doubles(name: str, values: pa.ChunkedArray) -> None:
    """Reject decimals that differ only beyond the 15 digits of a double; their profile would be blind."""
    if not pa.types.is_decimal(values.type) or values.type.precision <= _DOUBLE_DIGITS:
        return
    told_apart = len(np.unique(decimals_to_doubles(values.drop_null())))
    if told_apart * 2 < pc.count_distinct(values).as_py():
        raise SchemaMismatchError(
            f"Column {name!r} holds decimals that differ only in their last digits: profiled as doubles, "
            f"{pc.count_distinct(values).as_py():,} distinct values become {told_apart:,}.",
            hint="archive their difference from a fixed number, or declare `role: ignored`",
            column=name,
        )


def _is_identifying(texts: Texts) -> bool:
    distinct = len(texts.values.unique())
    return distinct > MAX_VOCABULARY and distinct >= _IDENTIFIER_SHARE * int(texts.counts.sum())


def _vocabulary(texts: Texts) -> tuple[tuple[str, ...], str | None]:
    """Return the most frequent values, in descending order of their counts, then by name, and the others by hash."""
    counted: Counter[bytes] = Counter()
    for value, count in zip(texts.values.cast(pa.binary()).to_pylist(), texts.counts.tolist(), strict=True):
        counted[value] += count
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    short = [value for value, _ in ordered if len(value) <= LONGEST_NAME][:MAX_VOCABULARY]
    held = set(short)
    further = [value for value, _ in ordered if value not in held][:MAX_FURTHER]
    names = dict.fromkeys(value.decode(errors="replace") for value in short)
    return tuple(names), pack_hashes(checksum_values(further)) if further else None


def _pin_numbers(name: str, numbers: npt.NDArray[np.number], *, integer: bool) -> ColumnSchema:
    is_finite = np.isfinite(numbers)
    finite = numbers if is_finite.all() else numbers[is_finite]
    if not finite.size:
        return ColumnSchema(name=name, kind=Kind.NUMERIC, quantum=1.0 if integer else _UNKNOWN_SCALE, integer=integer)
    # numpy sorts doubles in a quarter of the time in which it finds a few ranks
    ordered = np.sort(finite)
    ranks = np.around((ordered.size - 1) * _SHARES).astype(np.intp)
    # The lower median is a value that occurs, so that a frequent value often has deviation 0.
    ranks[_MEDIAN] = (ordered.size - 1) // 2
    median = float(ordered[ranks[_MEDIAN]])
    centre = float(round(median)) if integer else median
    pinned = ColumnSchema(name=name, kind=Kind.NUMERIC, centre=centre + 0.0, integer=integer)
    # in the order of the values; adding 0.0 turns -0.0, which a difference may be, into 0.0
    deviations = to_deviations(ordered, centre=pinned.centre, integer=integer) + 0.0
    largest = max(-float(deviations[0]), float(deviations[-1]))
    return replace(pinned, quantum=_quantum(deviations[ranks], largest, integer=integer), atoms=_atoms(deviations))


def _quantum(quantiles: Floats, largest: float, *, integer: bool) -> float:
    """Compute a power of two of about 2**-22 of the spread, and at least 1 for integers."""
    low, first, _, third, high = quantiles.tolist()
    # halves, because the difference of two doubles may overflow
    spread = (third / 2 - first / 2) or (high / 2 - low / 2) or largest / 2 or 0.5
    exponent = math.frexp(spread)[1] - _QUANTUM_BITS
    if integer:
        exponent = max(exponent, 0)
    return math.ldexp(1.0, min(max(exponent, -_MAX_EXPONENT), _MAX_EXPONENT))


def _atoms(ordered: Floats) -> tuple[float, ...]:
    """Return the values that hold a large share of ordered deviations, ascending."""
    fewest = math.ceil(max(_ATOM_SHARE * ordered.size, 2))
    firsts = ordered[: max(ordered.size - fewest + 1, 0)]
    return tuple(np.unique(firsts[firsts == ordered[fewest - 1 :]]).tolist())

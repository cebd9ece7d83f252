"""The layout: what is pinned once, so that profiles of any two partitions can be added and compared.

It names, per column, the kind, the centre, the quantum, the vocabulary and the atoms. Every profile
carries the layout's id, and profiles of two layouts never mix.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.errors import StateError
from airflow_mlmon.profiles.deviation import Floats, to_deviations
from airflow_mlmon.profiles.reading import Texts, count_texts, read_numbers
from airflow_mlmon.spec.model import Column, ColumnType, ModelSpec, Role

MAX_VOCABULARY = 1_000
_FORMAT = 1
_PROFILED = (Role.FEATURE, Role.SCORE, Role.PREDICTION, Role.VERSION)
_CATEGORIES = (ColumnType.BOOLEAN, ColumnType.STRING, ColumnType.CATEGORY)
_LONGEST_NAME = 200
_IDENTIFIER_SHARE = 0.9
_ATOM_SHARE = 0.01
_QUANTUM_BITS = 21
_MAX_EXPONENT = 900


class Kind(StrEnum):
    """How a column is summarised."""

    NUMERIC = "numeric"
    CATEGORY = "category"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLayout:
    """What is pinned of one column.

    Attributes:
        name: The column.
        kind: How it is summarised.
        centre: Where its grid is finest, near the reference's median; 0 for a category.
        quantum: Unit of its exact sums, a power of two.
        integer: Whether values are integers, from which the centre is taken before they become doubles.
        vocabulary: Values of a category with counts of their own, the most frequent first.
        atoms: Single values that hold a share of the reference, as deviations from the centre, ascending.
    """

    name: str
    kind: Kind
    centre: float = 0.0
    quantum: float = 1.0
    integer: bool = False
    vocabulary: tuple[str, ...] = ()
    atoms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The pinned columns of one model."""

    model: str
    columns: tuple[ColumnLayout, ...]

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that stand for exactly this layout."""
        return _identify(self)

    def to_json(self) -> str:
        """The canonical JSON: sorted keys, no spaces, so that equal layouts are equal text."""
        columns = [asdict(column) for column in self.columns]
        document = {"format": _FORMAT, "model": self.model, "columns": columns}
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """The layout that `to_json` wrote.

        Raises:
            StateError: the text is no layout, or one of a later format.
        """
        try:
            document = json.loads(text)
            found = document["format"]
            if found == _FORMAT:
                columns = tuple(_parse_column(column) for column in document["columns"])
                return cls(model=document["model"], columns=columns)
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"The stored layout cannot be read: {error!r}.") from error
        raise StateError(
            f"The stored layout has format {found!r}; this release reads {_FORMAT}.",
            hint="upgrade airflow-mlmon",
            format=found,
        )


@lru_cache(maxsize=64)
def _identify(layout: Layout) -> str:
    return hashlib.sha256(layout.to_json().encode()).hexdigest()[:12]


def _parse_column(column: Mapping[str, Any]) -> ColumnLayout:
    return ColumnLayout(
        **{
            **column,
            "kind": Kind(column["kind"]),
            "vocabulary": tuple(column["vocabulary"]),
            "atoms": tuple(column["atoms"]),
        }
    )


def pin_layout(spec: ModelSpec, table: pa.Table) -> Layout:
    """The layout that fits a reference table best.

    Pinned are the features, the score, the prediction and the version of the spec; identifier,
    time, personal and ignored columns are not. A column that the table lacks, or that is all
    null, is pinned around 0 without vocabulary. A feature declared a string whose values are more than
    a vocabulary holds and nearly all different is pinned as an identifier: they are counted, not kept.

    Raises:
        SchemaMismatchError: a column is of a type that the spec's type cannot be read from.
    """
    columns = {name: column for name, column in spec.columns.items() if _is_profiled(column)}
    return pin_columns(spec.model, columns, table)


def pin_columns(model: str, columns: Mapping[str, Column], table: pa.Table) -> Layout:
    """The layout that fits the given columns of a reference table best, as `pin_layout` does.

    Raises:
        SchemaMismatchError: a column is of a type that its declared type cannot be read from.
    """
    return Layout(model=model, columns=tuple(_pin_column(name, column, table) for name, column in columns.items()))


def _is_profiled(column: Column) -> bool:
    return column.role in _PROFILED and column.personal is None


def _pin_column(name: str, column: Column, table: pa.Table) -> ColumnLayout:
    # A version is a name, even where it is written as a number.
    is_category = column.role is Role.VERSION or column.type in _CATEGORIES
    kind = Kind.CATEGORY if is_category else Kind.NUMERIC
    integer = column.type in (ColumnType.INTEGER, ColumnType.TIMESTAMP)
    if name not in table.column_names:
        return ColumnLayout(name=name, kind=kind, integer=integer and kind is Kind.NUMERIC)
    values = table.column(name)
    if kind is Kind.CATEGORY:
        texts = count_texts(values, name)
        if column.type is ColumnType.STRING and column.role is Role.FEATURE and _is_identifying(texts):
            return ColumnLayout(name=name, kind=Kind.IDENTIFIER)
        return ColumnLayout(name=name, kind=kind, vocabulary=_vocabulary(texts))
    return _pin_numbers(name, read_numbers(values, name).values, integer=integer)


def _is_identifying(texts: Texts) -> bool:
    distinct = len(texts.values.unique())
    return distinct > MAX_VOCABULARY and distinct >= _IDENTIFIER_SHARE * int(texts.counts.sum())


def _vocabulary(texts: Texts) -> tuple[str, ...]:
    """The most frequent values, in descending order of their counts, then by name."""
    counted: Counter[str] = Counter()
    for value, count in zip(texts.values.cast(pa.binary()).to_pylist(), texts.counts.tolist(), strict=True):
        if len(value) <= _LONGEST_NAME:
            counted[value.decode(errors="replace")] += count
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(value for value, _ in ordered[:MAX_VOCABULARY])


def _pin_numbers(name: str, numbers: npt.NDArray[np.number], *, integer: bool) -> ColumnLayout:
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return ColumnLayout(name=name, kind=Kind.NUMERIC, integer=integer)
    # The lower median is a value that occurs, so that a frequent value often has deviation 0.
    centre = float(np.partition(finite, (finite.size - 1) // 2)[(finite.size - 1) // 2])
    if integer:
        centre = float(round(centre))
    pinned = ColumnLayout(name=name, kind=Kind.NUMERIC, centre=centre + 0.0, integer=integer)
    # Adding 0.0 turns -0.0, which a difference may be, into 0.0.
    deviations = to_deviations(finite, centre=pinned.centre, integer=integer) + 0.0
    return replace(pinned, quantum=_quantum(deviations, integer=integer), atoms=_atoms(deviations))


def _quantum(deviations: Floats, *, integer: bool) -> float:
    """A power of two of about 2**-22 of the spread, and at least 1 for integers."""
    low, first, third, high = np.quantile(deviations, [0.01, 0.25, 0.75, 0.99], method="nearest").tolist()
    # Halves, because the difference of two doubles may be none.
    spread = (third / 2 - first / 2) or (high / 2 - low / 2) or float(np.abs(deviations).max()) / 2 or 0.5
    exponent = math.frexp(spread)[1] - _QUANTUM_BITS
    if integer:
        exponent = max(exponent, 0)
    return math.ldexp(1.0, min(max(exponent, -_MAX_EXPONENT), _MAX_EXPONENT))


def _atoms(deviations: Floats) -> tuple[float, ...]:
    values, counts = np.unique(deviations, return_counts=True)
    return tuple(values[counts >= max(_ATOM_SHARE * deviations.size, 2)].tolist())

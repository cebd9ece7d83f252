"""Reading of the vectors of one Arrow column as rows of an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.profiles.values.reading import named_column
from airflow_mlmon.tables.contents import is_vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Vectors of a column with its dimension and no null element, one per row, and the number of other vectors."""

    elements: npt.NDArray[Any]
    nulls: int
    malformed: int


def read_vectors(column: pa.Array, name: str, dimension: int) -> Vectors:
    """Read the vectors of a column; one of another dimension, or with a null element, is malformed.

    Raises:
        SchemaMismatchError: the column does not hold lists of numbers.
    """
    with named_column(column, name):
        if not is_vector(column.type):
            raise pa.ArrowTypeError("no list of numbers")
        lengths = pc.list_value_length(column)
        has_dimension = pc.equal(lengths, dimension)
        sound = column if pc.all(has_dimension).as_py() is not False else column.filter(has_dimension)
        # without what lies under null lists
        flat = sound.flatten()
        if pa.types.is_null(flat.type) or flat.type == pa.float16():
            flat = flat.cast(pa.float32())
        empty = flat.is_null() if flat.null_count else None
        elements = to_numpy(flat.fill_null(0) if flat.null_count else flat).reshape(-1, dimension)
        if empty is not None:
            elements = elements[~to_numpy(empty).reshape(-1, dimension).any(axis=1)]
        return Vectors(
            elements=elements, nulls=column.null_count, malformed=len(column) - column.null_count - len(elements)
        )

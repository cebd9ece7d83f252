"""The local engine: an Arrow table in, its profile out, in one pass over each column."""

from __future__ import annotations

import pyarrow as pa

from airflow_mlmon.profiles.category import CategoryProfile
from airflow_mlmon.profiles.column import ColumnProfile
from airflow_mlmon.profiles.layout import ColumnLayout, Kind, Layout
from airflow_mlmon.profiles.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.reading import count_texts, read_numbers


def profile_table(table: pa.Table, layout: Layout) -> Profile:
    """The profile of the table's rows under a layout.

    A column that the table lacks has a profile of no rows, while the table's rows are counted.

    Raises:
        SchemaMismatchError: a column is of a type that its kind cannot be read from.
    """
    names = set(table.column_names)
    columns = {
        column.name: _profile_column(table.column(column.name), column)
        for column in layout.columns
        if column.name in names
    }
    empty = Profile.empty(layout)
    return Profile(layout_id=layout.id, rows=table.num_rows, columns={**empty.columns, **columns})


def _profile_column(column: pa.ChunkedArray, layout: ColumnLayout) -> ColumnProfile:
    if layout.kind is Kind.CATEGORY:
        return CategoryProfile.of(layout, count_texts(column, layout.name))
    numbers = read_numbers(column, layout.name)
    return NumericProfile.of(layout, numbers, nulls=len(column) - len(numbers))

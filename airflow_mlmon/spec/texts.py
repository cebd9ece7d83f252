"""Columns derived from texts, which take the place of the texts after the archive is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_mlmon.spec.choices import ColumnType, Role

if TYPE_CHECKING:
    # a comparison has no spec and need not import pydantic
    from airflow_mlmon.spec.column import Column


class TextFeature(StrEnum):
    """Number, flag or pattern derived from a text."""

    LENGTH = "length"
    WORDS = "words"
    LETTERS = "letters"
    DIGITS = "digits"
    UPPER = "upper"
    NON_ASCII = "non_ascii"
    PATTERN = "pattern"
    EMPTY = "empty"
    MATCHES = "matches"


_TYPES = {
    TextFeature.LENGTH: ColumnType.INTEGER,
    TextFeature.WORDS: ColumnType.INTEGER,
    TextFeature.LETTERS: ColumnType.FLOAT,
    TextFeature.DIGITS: ColumnType.FLOAT,
    TextFeature.UPPER: ColumnType.FLOAT,
    TextFeature.NON_ASCII: ColumnType.FLOAT,
    TextFeature.PATTERN: ColumnType.CATEGORY,
    TextFeature.EMPTY: ColumnType.BOOLEAN,
    TextFeature.MATCHES: ColumnType.BOOLEAN,
}


def name_derived(text: str, feature: TextFeature) -> str:
    """Return the name of a column derived from a text.

    >>> name_derived("comment", TextFeature.LENGTH)
    'comment.length'
    """
    return f"{text}.{feature}"


def derived_features(column: Column) -> tuple[TextFeature, ...]:
    """Return what is derived from a text; whether it matches, only if it has a regular expression."""
    return tuple(feature for feature in TextFeature if feature is not TextFeature.MATCHES or column.regex)


def derived_of_texts(columns: Mapping[str, Column]) -> dict[str, str]:
    """Return the text that each column derived from texts is derived from."""
    return {
        name_derived(name, feature): name
        for name, column in columns.items()
        if column.role is Role.TEXT
        for feature in derived_features(column)
    }


def derive_columns(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns with each text replaced by the columns derived from it.

    >>> from airflow_mlmon.spec.column import Column
    >>> text = Column(type=ColumnType.STRING, role=Role.TEXT)
    >>> [f"{name} {column.type}" for name, column in derive_columns({"note": text}).items()][:3]
    ['note.length integer', 'note.words integer', 'note.letters float']
    """
    return dict(_derived(columns))


def _derived(columns: Mapping[str, Column]) -> Iterator[tuple[str, Column]]:
    # a comparison is spared pydantic
    from airflow_mlmon.spec.column import Column  # noqa: PLC0415

    for name, column in columns.items():
        if column.role is Role.TEXT:
            for feature in derived_features(column):
                yield name_derived(name, feature), Column(type=_TYPES[feature])
        else:
            yield name, column

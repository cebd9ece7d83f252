"""Guessing, from a sample, of the type of a column, and of personal data.

Every guess states its reason, which never holds a value of the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.drafting.personal_guess import PersonalGuess, guess_personal
from airflow_mlmon.spec import ColumnType, PersonalData, Role

_MOST_CATEGORIES = 1_000
_HIGH_CARDINALITY = 0.5
_FEW_ROWS = 20
# between words: fewer are those of names and addresses
_SPACES = 2
_WHOLE = {ColumnType.INTEGER, ColumnType.DECIMAL}
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_TIME_WORDS = {"time", "timestamp", "ts", "at", "datetime", "date", "epoch", "millis", "ms"}
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# seconds since 1970
_YEARS = (946_684_800, 4_102_444_800)


class PersonalAnswer(StrEnum):
    """How a person wants a column to be treated that may be personal."""

    HASH = "hash"
    DROP = "drop"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessedColumn:
    """Guessed declaration of a column; `type` is None if its values cannot be monitored.

    Attributes:
        name: Name of the column.
        arrow: Type in the files.
        type: Guessed type.
        role: Guessed role.
        personal: Guessed treatment of personal data.
        required: Whether a row needs a value.
        reason: Reason of the guess; empty where it follows from the files.
        dimension: Number of elements of a vector.
        unit: Unit of times that are numbers since 1970.
        suspicion: Why it may be personal nevertheless.
        others: Columns that might be meant instead.
        is_answered: Whether a person has said how it is treated.
    """

    name: str
    arrow: str
    type: ColumnType | None
    role: Role = Role.FEATURE
    personal: PersonalData | None = None
    required: bool = False
    reason: str = ""
    dimension: int | None = None
    unit: str | None = None
    suspicion: str = ""
    others: tuple[str, ...] = ()
    is_answered: bool = False


def split_words(name: str) -> list[str]:
    """Split a name into its words.

    >>> split_words("predictionID"), split_words("event_time")
    (['prediction', 'id'], ['event', 'time'])
    """
    return [word.lower() for word in _WORD.findall(name)]


def guess_column(name: str, values: pa.ChunkedArray, answer: PersonalAnswer | None = None) -> GuessedColumn:
    """Guess the type of a column, its unit, and if it is personal, a text or an identifier.

    Whether it is personal may have been answered.
    """
    kind = _type_of(values.type)
    if kind is None:
        return _guess_vector(name, values)
    guessed = GuessedColumn(name=name, arrow=str(values.type), type=kind)
    if values.null_count == len(values):
        return replace(guessed, reason="no value in the sample")
    personal = guess_personal(split_words(name), values) if answer is None else PersonalGuess()
    if answer in {PersonalAnswer.HASH, PersonalAnswer.DROP}:
        return replace(guessed, personal=PersonalData(str(answer)), is_answered=True)
    if personal.is_personal:
        # a hash tells of nobody, and loses neither the column nor what can be joined by it
        return replace(guessed, personal=PersonalData.HASH, reason=personal.reason)
    if kind is ColumnType.STRING:
        guessed = _guess_text(name, guessed.arrow, values)
    elif kind in _WHOLE:
        guessed = _guess_whole(guessed, values)
    return replace(guessed, suspicion=personal.reason)


def _guess_whole(guessed: GuessedColumn, values: pa.ChunkedArray) -> GuessedColumn:
    """Guess numbers named as times or as identifiers."""
    if unit := _unit_of(guessed.name, values):
        reason = f"times: whole numbers that are {_NAMES[unit]} since 1970"
        return replace(guessed, type=ColumnType.TIMESTAMP, unit=unit, reason=reason)
    if split_words(guessed.name)[-1:] == ["id"] and _distinct_share(values) > _HIGH_CARDINALITY:
        return replace(guessed, role=Role.IGNORED, reason="an identifier, by its name")
    return guessed


def _unit_of(name: str, values: pa.ChunkedArray) -> str | None:
    """Return the unit in which the numbers of a column named like a time lie in the years 2000 to 2100."""
    if not set(split_words(name)) & _TIME_WORDS:
        return None
    ends = pc.min_max(values).as_py()
    first, last = _YEARS
    return next(
        (unit for unit, size in _UNITS.items() if first * size <= int(ends["min"]) <= int(ends["max"]) < last * size),
        None,
    )


def _guess_vector(name: str, values: pa.ChunkedArray) -> GuessedColumn:
    """Guess a list of numbers of constant length as a vector; other lists are not monitored."""
    guessed = GuessedColumn(name=name, arrow=str(values.type), type=None)
    if not any(is_kind(values.type) for is_kind in _LISTS):
        return guessed
    element = values.type.value_type
    lengths = pc.unique(pc.list_value_length(values)).drop_null().to_pylist()
    if not (pa.types.is_floating(element) or pa.types.is_integer(element)) or len(lengths) != 1 or not lengths[0]:
        return guessed
    reason = f"a vector: each list in the sample has {lengths[0]:,} numbers"
    return replace(guessed, type=ColumnType.VECTOR, dimension=lengths[0], reason=reason)


def _type_of(kind: pa.DataType) -> ColumnType | None:
    tests: tuple[tuple[Callable[[pa.DataType], bool], ColumnType], ...] = (
        (pa.types.is_boolean, ColumnType.BOOLEAN),
        (pa.types.is_integer, ColumnType.INTEGER),
        (pa.types.is_floating, ColumnType.FLOAT),
        (pa.types.is_decimal, ColumnType.DECIMAL),
        (pa.types.is_null, ColumnType.FLOAT),
        (pa.types.is_timestamp, ColumnType.TIMESTAMP),
        (pa.types.is_string, ColumnType.STRING),
        (pa.types.is_large_string, ColumnType.STRING),
    )
    return next((found for test, found in tests if test(kind)), None)


def _guess_text(name: str, arrow: str, values: pa.ChunkedArray) -> GuessedColumn:
    distinct = pc.count_distinct(values).as_py()
    share = _distinct_share(values)
    if distinct <= _MOST_CATEGORIES and (share <= _HIGH_CARDINALITY or len(values) < _FEW_ROWS):
        reason = f"category: {distinct} distinct {'text' if distinct == 1 else 'texts'} in the sample"
        return GuessedColumn(name=name, arrow=arrow, type=ColumnType.CATEGORY, reason=reason)
    spaces = pc.mean(pc.count_substring_regex(values, r"\S\s")).as_py()
    if spaces is not None and spaces >= _SPACES:
        reason = f"free text of {spaces + 1:.0f} words on average; it is described, and never stored"
        return GuessedColumn(name=name, arrow=arrow, type=ColumnType.STRING, role=Role.TEXT, reason=reason)
    reason = f"an identifier: {100 * share:.0f} % of the texts in the sample are distinct"
    return GuessedColumn(name=name, arrow=arrow, type=ColumnType.STRING, role=Role.IGNORED, reason=reason)


def _distinct_share(values: pa.ChunkedArray) -> float:
    return int(pc.count_distinct(values).as_py()) / max(len(values) - int(values.null_count), 1)

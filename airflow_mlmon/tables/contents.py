"""Contents of a column, from its Arrow type or, if all is text, from the values."""

from __future__ import annotations

import re
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec import ColumnType

_INTEGER = r"^[+-]?(0|[1-9][0-9]{0,17})$"
_NUMBER = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$|^(?i:[+-]?(nan|inf|infinity))$"
_BOOLEAN = r"^(?i:true|false)$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$"
_TIME_WITH_ZONE = _TIME.removesuffix("$") + r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
NULL_WORDS = {"na", "n/a", "#n/a", "null", "none", "nil", "-", "?", "."}

# row numbers that pandas writes beside the columns of a frame
_INDEX = re.compile(r"^(__index_level_[0-9]+__|Unnamed: [0-9]+|)$")


class Content(StrEnum):
    """Kind of the values of a column."""

    NUMBER = "numbers"
    TEXT = "texts"
    BOOLEAN = "booleans"
    TIME = "times without a zone"
    TIME_WITH_ZONE = "times with a zone"
    DATE = "dates"
    VECTOR = "vectors"
    NOTHING = "nulls alone"
    OTHER = "values of another kind"


PROFILED = {
    Content.NUMBER: ColumnType.FLOAT,
    Content.TEXT: ColumnType.STRING,
    Content.BOOLEAN: ColumnType.BOOLEAN,
    Content.TIME: ColumnType.TIMESTAMP,
    Content.TIME_WITH_ZONE: ColumnType.TIMESTAMP,
    Content.NOTHING: ColumnType.STRING,
    Content.VECTOR: ColumnType.VECTOR,
}
_PATTERNS = {
    Content.BOOLEAN: _BOOLEAN,
    Content.NUMBER: _NUMBER,
    Content.TIME: _TIME,
    Content.TIME_WITH_ZONE: _TIME_WITH_ZONE,
    Content.DATE: _DATE,
}
_ALWAYS_WRITTEN = {Content.BOOLEAN, Content.NUMBER}
_TIMES = (Content.DATE, Content.TIME, Content.TIME_WITH_ZONE)
# a column holds times if so large a share of its texts are some; the others are missing values
_MOSTLY = 0.9


def is_vector(kind: pa.DataType) -> bool:
    """Return whether a column of that type holds lists of numbers.

    >>> is_vector(pa.list_(pa.float32(), 3)), is_vector(pa.list_(pa.string())), is_vector(pa.float32())
    (True, False, False)
    """
    if not any(is_kind(kind) for is_kind in _LISTS):
        return False
    element = kind.value_type
    return bool(pa.types.is_floating(element) or pa.types.is_integer(element) or pa.types.is_null(element))


def is_index(name: str) -> bool:
    """Return whether a column is the index of a frame, which pandas wrote beside its columns.

    >>> is_index("__index_level_0__"), is_index(""), is_index("index")
    (True, True, False)
    """
    return _INDEX.match(name) is not None


def content_of_type(kind: pa.DataType) -> Content:
    """Determine the contents of a column from its Arrow type.

    >>> content_of_type(pa.int32()).value, content_of_type(pa.list_(pa.int8())).value
    ('numbers', 'vectors')
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return Content.TIME if kind.tz is None else Content.TIME_WITH_ZONE
    tests = {
        Content.NUMBER: (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        Content.TEXT: (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        Content.BOOLEAN: (pa.types.is_boolean,),
        Content.DATE: (pa.types.is_date,),
        Content.VECTOR: (is_vector,),
        Content.NOTHING: (pa.types.is_null,),
    }
    return next((content for content, are in tests.items() if any(is_kind(kind) for is_kind in are)), Content.OTHER)


def content_of_texts(column: pa.ChunkedArray, name: str, origin: str, *, times_alone: bool = False) -> Content:
    """Determine the contents of a text column; numbers with leading zeros, as in ids, are texts.

    With `times_alone`, only times and dates are taken for anything else than texts. A few other texts do not make texts
    of a column of times or dates.

    Raises:
        SchemaMismatchError: the column mixes numbers with a word that may mean null, such as NA.
    """
    values = column.drop_null()
    if not len(values):
        return Content.NOTHING
    head = values.slice(0, 1) if values[0].as_py() else values.filter(pc.not_equal(values, "")).slice(0, 1)
    for content, pattern in _PATTERNS.items():
        if content in _ALWAYS_WRITTEN and times_alone:
            continue
        if _matches(head, pattern) and _matches(values, pattern):
            return content
    for content in _TIMES:
        if _matches(head, _PATTERNS[content]) and _is_mostly(values, _PATTERNS[content]):
            return content
    if times_alone:
        return Content.TEXT
    _refuse_null_words(values, name, origin)
    return Content.TEXT


def parse_texts(column: pa.ChunkedArray, content: Content, *, integer: bool) -> pa.ChunkedArray:
    """Parse the texts as the contents of the column; a few that are no times in a column of times are null.

    Raises:
        pyarrow.ArrowInvalid: a value has another form.
    """
    if content is Content.NUMBER:
        if not _matches(column.drop_null(), _NUMBER):
            raise pa.ArrowInvalid("no number")
        is_whole = integer and _matches(column.drop_null(), _INTEGER)
        return column.cast(pa.int64() if is_whole else pa.float64())
    if content is Content.BOOLEAN:
        return column.cast(pa.bool_())
    if content in (Content.TIME, Content.TIME_WITH_ZONE):
        # a date is the time of its midnight
        pattern = f"{_TIME}|{_DATE}" if content is Content.TIME else _TIME_WITH_ZONE
        if not _matches(column.drop_null(), pattern):
            if not _is_mostly(column.drop_null(), pattern):
                raise pa.ArrowInvalid("no time")
            column = pc.if_else(pc.match_substring_regex(column, pattern), column, None)
        return column.cast(pa.timestamp("us", tz="UTC" if content is Content.TIME_WITH_ZONE else None))
    return column


def is_integer_text(column: pa.ChunkedArray) -> bool:
    """Return whether every text is an integer."""
    return _matches(column.drop_null(), _INTEGER)


def _is_mostly(values: pa.ChunkedArray, pattern: str) -> bool:
    matched = pc.sum(pc.match_substring_regex(values, pattern)).as_py() or 0
    return bool(matched >= _MOSTLY * len(values))


def _matches(values: pa.ChunkedArray, pattern: str) -> bool:
    # an empty column matches
    return bool(pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py())


def _refuse_null_words(values: pa.ChunkedArray, name: str, origin: str) -> None:
    is_number = pc.match_substring_regex(values, _NUMBER)
    if not pc.any(is_number).as_py():
        return
    others = pc.unique(values.filter(pc.invert(is_number)))
    words = {word for word in others.slice(0, len(NULL_WORDS) + 1).to_pylist() if word.strip().lower() in NULL_WORDS}
    if len(others) == len(words):
        raise SchemaMismatchError(
            f"Column {name!r} of {origin} mixes {min(words)!r} with numbers.",
            hint=f"if it stands for a missing value, use --null {min(words)!r}",
            column=name,
            file=origin,
        )

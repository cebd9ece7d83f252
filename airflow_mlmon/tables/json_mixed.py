"""Lines of JSON whose keys have values of several kinds, in groups of one kind for each key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_mlmon.tables.piece import repeated_names

_SAFE = 2**53
_INT64 = 2**63
_Kinds = dict[str, str]


def group_lines(block: bytes, lines_before: int) -> Iterator[bytes]:
    """Group the lines of a block so that a key has values of one kind in each group, or none.

    Integers that a double rounds are a kind of their own; those beyond 64 bits, and lists of several kinds, become
    texts. Single surrogates, which no UTF-8 has, become bytes that are no UTF-8.

    Raises:
        ValueError: a line holds no object; the message names it.
    """
    groups: list[tuple[_Kinds, list[bytes]]] = []
    known: dict[tuple[tuple[str, str], ...], int] = {}
    for number, line in enumerate(block.split(b"\n"), start=lines_before + 1):
        if not line.strip():
            continue
        kinds: _Kinds = {}
        text = _inspect(line, number, kinds)
        key = tuple(kinds.items())
        if key not in known:
            known[key] = _place(groups, kinds)
        groups[known[key]][1].append(text)
    return (b"\n".join(lines) + b"\n" for _, lines in groups)


def _inspect(line: bytes, number: int, kinds: _Kinds) -> bytes:
    """Fill in the kinds of the values of a line, and return it as it is to be parsed."""
    try:
        row = json.loads(line.decode(errors="surrogateescape"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, _Pairs):
        raise ValueError(f"line {number} is no object")  # noqa: TRY004 - of the file's content, not of a caller
    change = _Change()
    try:
        plain = _simplify(row, "", kinds, change)
    except _RepeatedKeyError as error:
        raise ValueError(f"line {number}: key {error.args[0]!r} occurs twice") from error
    return json.dumps(plain, ensure_ascii=False).encode(errors="surrogatepass") if change.is_needed else line


class _Pairs(list[tuple[str, Any]]):
    """Fields of an object, in order."""


class _Change:
    """Whether a line must be written anew."""

    is_needed = False


class _ConflictError(Exception):
    """A key has values of two kinds in one line."""


class _RepeatedKeyError(Exception):
    """An object has a key twice."""


def _simplify(value: Any, name: str, kinds: _Kinds, change: _Change) -> Any:
    """Return a value as Arrow can read it, and note its kind, and those of its parts."""
    if isinstance(value, _Pairs):
        if twice := repeated_names([key for key, _ in value]):
            raise _RepeatedKeyError(twice[0])
        _note(kinds, name, "object")
        return {key: _simplify(part, f"{name}\0{key}", kinds, change) for key, part in value}
    if isinstance(value, list):
        return _simplify_list(value, name, kinds, change)
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        change.is_needed, value = True, str(value)
    if isinstance(value, str) and not value.isascii() and _has_surrogate(value):
        change.is_needed = True
    if value is not None:
        _note(kinds, name, _kind(value))
    return value


def _simplify_list(values: list[Any], name: str, kinds: _Kinds, change: _Change) -> Any:
    parts: _Kinds = {}
    try:
        plain = [_simplify(value, f"{name}\0", parts, change) for value in values]
    except _ConflictError:
        change.is_needed = True
        _note(kinds, name, "text")
        return json.dumps(_to_plain(values), ensure_ascii=False)
    _note(kinds, name, "list")
    kinds |= parts
    return plain


def _to_plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _to_plain(part) for key, part in value}
    return [_to_plain(part) for part in value] if isinstance(value, list) else value


def _kind(value: float | str) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "number" if -_SAFE <= value <= _SAFE else "integer"
    return "number" if isinstance(value, float) else "text"


def _note(kinds: _Kinds, name: str, kind: str) -> None:
    if kinds.setdefault(name, kind) != kind:
        raise _ConflictError


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _place(groups: list[tuple[_Kinds, list[bytes]]], kinds: _Kinds) -> int:
    """Return the first group that the kinds do not contradict, a new one if need be."""
    for place, (known, _) in enumerate(groups):
        if all(known.get(name, kind) == kind for name, kind in kinds.items()):
            known.update(kinds)
            return place
    groups.append((dict(kinds), []))
    return len(groups) - 1

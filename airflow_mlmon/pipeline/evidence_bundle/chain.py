"""Hash chain over lines of JSON: each line ends in a hash of itself and of the hash before it.

A line without its last key is what was chained, so a shell can follow it: the chain of a line is the SHA-256 of the
chain of the line before, a line feed, and the line without `,"chain":"..."`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_mlmon.errors import DataError

START = hashlib.sha256(b"mlmon evidence 1").hexdigest()
_ENDING = re.compile(r',"chain":"([0-9a-f]{64})"\}\Z')


def json_line(record: Mapping[str, Any]) -> str:
    """Write a record as one line of JSON, in one form only.

    >>> json_line({"b": None, "a": "ä"})
    '{"a":"ä","b":null}'
    """
    return json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)


def link(previous: str, line: str) -> str:
    """Compute the hash of a line and of the hash before it."""
    return hashlib.sha256(f"{previous}\n{line}".encode()).hexdigest()


class Chain:
    """Chain that lines are added to; `head` is the hash of the last, and changes with any of them."""

    def __init__(self) -> None:
        self.head = START
        self.length = 0

    def add(self, record: Mapping[str, Any]) -> str:
        """Add a record, and return its line with its hash."""
        line = json_line(record)
        self.head = link(self.head, line)
        self.length += 1
        return f'{line[:-1]},"chain":"{self.head}"}}'


def follow_chain(lines: Iterable[str], name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the record of each line and its hash, if it follows from the line before.

    Raises:
        DataError: a line does not follow; lines before it do.
    """
    previous = START
    for number, text in enumerate(lines, 1):
        found = _ENDING.search(text)
        line = f"{text[: found.start()]}}}" if found else ""
        if found is None or (previous := link(previous, line)) != found[1]:
            raise DataError(f"{name}: line {number} does not follow from the one before: one of them was changed.")
        yield _record(line, f"{name}: line {number}"), previous


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is no JSON.") from error
    if not isinstance(record, dict):
        raise DataError(f"{where} is no record.")
    return record

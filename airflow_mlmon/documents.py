"""Reading of YAML files, with the line of each key.

A file that anyone may have written stops nobody: its size, its depth and what its aliases expand to are bounded before
anything is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from airflow_mlmon.errors import ConfigError

KeyPath = tuple[str | int, ...]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_BYTES = 2_000_000
_MOST_VALUES = 200_000
# the parser written in C is not bounded: it overflows the stack and ends the process
_MOST_DEPTH = 100
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def read_text(path: Path) -> str:
    """Read a file of text.

    Raises:
        ConfigError: it cannot be read, is too large, or is not text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"{path}: is too large: at most {_MOST_BYTES // 1_000_000} MB are read.")
        return content.decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the file: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}).") from error


def parse_mapping(text: str, name: str, otherwise: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Parse `text` as a mapping, with the lines of its keys.

    Args:
        text: YAML.
        name: stands for the file in messages.
        otherwise: message if it is no mapping.

    Raises:
        ConfigError: it is not valid, or not a mapping; each mistake is on a line of its own.
    """
    try:
        _check_bounds(text, name)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_mistake(error, name)) from error
    except ValueError as error:
        # such as the date 2026-02-30
        raise ConfigError(f"{name}:1: not valid YAML: {error}.") from error
    if node is None or not isinstance(data, dict):
        raise ConfigError(f"{name}:1: {otherwise}")
    if repeats := [f"{name}:{line}: {dotted(key)}: the key is given twice" for key, line in _repeats(node, ())]:
        raise ConfigError("\n".join(repeats), file=name)
    return data, dict(_lines(node, ()))


def line_of(key: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Find the line of a key, or of the nearest section around it."""
    while key not in lines:
        key = key[:-1]
    return lines[key]


def dotted(key: KeyPath) -> str:
    """Write a key as messages do.

    >>> dotted(("alerts", "rules", 0, "max"))
    'alerts.rules.0.max'
    """
    return ".".join(str(part) for part in key)


def _check_bounds(text: str, name: str) -> None:
    """Check depth and size of a document, aliases expanded, before anything is made of it."""
    loader = _Loader(text)
    open_, anchors = [_Open()], dict[str, int]()
    try:
        while loader.check_event():
            event = cast("Any", loader.get_event())
            where = f"{name}:{event.start_mark.line + 1}"
            if isinstance(event, yaml.AliasEvent):
                anchor = event.anchor or ""
                # an unknown one is the parser's to report; an open one contains itself
                if any(anchor == each.anchor for each in open_):
                    raise ConfigError(f"{where}: contains itself by an alias.")
                open_[-1].size += anchors.get(anchor, 1)
            elif isinstance(event, yaml.ScalarEvent):
                open_[-1].size += 1
            elif isinstance(event, yaml.CollectionStartEvent):
                open_.append(_Open(event.anchor))
            elif isinstance(event, _ENDS):
                closed = open_.pop()
                open_[-1].size += closed.size + 1
                if closed.anchor:
                    anchors[closed.anchor] = closed.size + 1
            if len(open_) > _MOST_DEPTH:
                raise ConfigError(f"{where}: is nested too deeply.")
            if open_[-1].size > _MOST_VALUES:
                raise ConfigError(f"{where}: has more than {_MOST_VALUES} values.")
    finally:
        loader.dispose()


class _Open:
    """Collection that has begun and not ended: its anchor, and the number of values in it."""

    __slots__ = ("anchor", "size")

    def __init__(self, anchor: str | None = None) -> None:
        self.anchor = anchor
        self.size = 0


def _yaml_mistake(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return f"{name}:{line}: not valid YAML: {getattr(error, 'problem', None) or error}"


def _lines(node: yaml.Node, key: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    yield key, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _lines(value, (*key, name.value))
            yield (*key, name.value), name.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _lines(value, (*key, position))


def _repeats(node: yaml.Node, key: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for name, value in node.value:
            if name.value in seen:
                yield (*key, name.value), name.start_mark.line + 1
            seen.add(name.value)
            yield from _repeats(value, (*key, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _repeats(value, (*key, position))

"""Standard output of a command: its own answer and nothing else; light, for all commands import it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO

_RESERVED: ContextVar[TextIO | None] = ContextVar("reserved", default=None)


@contextmanager
def reserve_output() -> Iterator[None]:
    """Keep standard output for the command's own answer; what libraries and providers print goes to standard error."""
    token = _RESERVED.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _RESERVED.reset(token)


def detach_output() -> None:
    """Leave standard output to the command for the rest of the process, as `reserve_output` does for what it calls.

    Log handlers that were made before hold the stream itself: the descriptor below it becomes standard error's.
    """
    old = sys.stdout
    old.flush()
    # the process ends with it
    answer = open(os.dup(old.fileno()), "w", encoding=old.encoding, errors=old.errors, buffering=1)  # noqa: PTH123, SIM115 - a descriptor
    os.dup2(sys.stderr.fileno(), old.fileno())
    sys.stdout = answer


def open_output() -> TextIO:
    """Return the stream of the command's answer."""
    return _RESERVED.get() or sys.stdout


def print_json(content: Mapping[str, Any]) -> None:
    """Print an object on one line and flush it, so that readers can follow a long call."""
    open_output().write(json.dumps(content, allow_nan=False) + "\n")
    open_output().flush()


def close_output() -> None:
    """Close the stream of the answer, of which the reader has gone, so that no flush at exit fails again."""
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), sys.stdout.fileno())

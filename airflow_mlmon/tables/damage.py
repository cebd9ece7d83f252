"""Names of damaged files in errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from airflow_mlmon.errors import UnreadableFileError

# Arrow quotes the row of a CSV that is too long or too short, and a row may be personal
_QUOTED_ROW = re.compile(r"(Expected \d+ columns, got \d+): .*")


def refuse_file(origin: str, problem: str, *, hint: str = "") -> UnreadableFileError:
    """Return the error of a file that cannot be read, by name and problem."""
    return UnreadableFileError(f"{origin} {problem}.", hint=hint, problem=problem, file=origin)


@contextmanager
def naming_damage(origin: str, kind: str) -> Iterator[None]:
    """Turn the errors of a library that reads a file of that kind into ours, which name the file.

    Raises:
        UnreadableFileError: a library could not read the file.
    """
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, ArithmeticError, LookupError, EOFError, RecursionError) as error:
        reason = _QUOTED_ROW.sub(r"\1", (str(error).strip() or type(error).__name__).splitlines()[0])[:160].rstrip(".")
        problem = f"not a readable {kind} file"
        raise UnreadableFileError(
            f"{origin} is {problem}: {reason}.", problem=f"{problem} ({reason})", file=origin
        ) from error

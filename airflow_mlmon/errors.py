"""The errors of airflow_mlmon, in one tree.

    MlmonError
    ├── ConfigError                   the spec or a setting is wrong: fix it
    ├── DataError                     the archive contradicts the spec
    │   ├── SchemaMismatchError       a column is absent or has another type
    │   └── UnreadableFileError       a file is damaged
    ├── StateError                    stored state does not allow the step
    │   ├── PartitionConflictError R  another run moved the partition meanwhile
    │   ├── ProfileSchemaMismatchError       two profiles have different profile schemas
    │   └── NotFoundError             no such model, partition or report
    └── ServiceError                  a system that we call failed
        ├── ServiceUnavailableError R time-out, refused, 5xx
        └── ServiceRejectedError      4xx, wrong key, a failed Druid task

R: retryable. Each message says what happened and to what; `hint` says what to do;
`facts` keeps the particulars for logs and alerts.
"""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

# characters of the text of an error that nobody foresaw
_LONGEST = 300


class MlmonError(Exception):
    """Root of every error that airflow_mlmon raises on purpose."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        """Return the message, and the hint on the same line."""
        return f"{self.message} Hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep hint and facts when the error crosses a process border."""
        return _rebuild, (type(self), self.message, self.hint, self.facts)


def _rebuild(kind: type[MlmonError], message: str, hint: str, facts: dict[str, Any]) -> MlmonError:
    return kind(message, hint=hint, **facts)


def suggest_name(name: str, valid: Iterable[str]) -> str:
    """Suggest a valid name for an unknown one: the closest match, or else all valid names.

    >>> suggest_name("amout", ["amount", "term"]), suggest_name("x", ["amount", "term"])
    ("did you mean 'amount'?", 'valid are amount, term')
    """
    valid = [str(word) for word in valid]
    close = difflib.get_close_matches(name, valid, n=1)
    return f"did you mean {close[0]!r}?" if close else f"valid are {', '.join(valid)}"


def describe_unexpected(error: Exception) -> str:
    """Describe an error that nobody foresaw on one line: its kind, what it says and where it arose.

    >>> describe_unexpected(IsADirectoryError(21, "Is a directory", "spec.yaml"))
    'spec.yaml: Is a directory.'
    """
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}."
    said = " ".join(str(error).split())[:_LONGEST]
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if __package__ in Path(frame.filename).parts]
    where = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    return (
        f"Unexpected {type(error).__name__}{where}: {said} Hint: PYTHONDEVMODE=1 shows the traceback; please report it"
    )


class ConfigError(MlmonError):
    """The spec or a setting is wrong."""


class DataError(MlmonError):
    """The archive contradicts the spec."""


class SchemaMismatchError(DataError):
    """A column is absent or has another type than the spec declares."""


class UnreadableFileError(DataError):
    """A file is damaged, or is not of the format that its name says; `problem` says so without its name."""

    def __init__(self, message: str, *, hint: str = "", problem: str = "", **facts: Any) -> None:
        super().__init__(message, hint=hint, **(facts | ({"problem": problem} if problem else {})))
        self.problem = problem or message


class StateError(MlmonError):
    """Stored state does not allow the step."""


class PartitionConflictError(StateError):
    """Another run moved the partition meanwhile."""

    retryable = True


class ProfileSchemaMismatchError(StateError):
    """Two profiles have different profile schemas."""


class NotFoundError(StateError):
    """No such model, partition or report."""


class ServiceError(MlmonError):
    """A system that we call failed."""


class ServiceUnavailableError(ServiceError):
    """A system that we call did not answer, or answered 5xx."""

    retryable = True


class ServiceRejectedError(ServiceError):
    """A system that we call refused the request; `status` is its answer, `refused` what of the request it refused."""

    def __init__(
        self, message: str, *, hint: str = "", status: int | None = None, refused: tuple[str, ...] = (), **facts: Any
    ) -> None:
        own = {"status": status, "refused": refused}
        super().__init__(message, hint=hint, **facts, **{name: value for name, value in own.items() if value})
        self.status = status
        self.refused = refused

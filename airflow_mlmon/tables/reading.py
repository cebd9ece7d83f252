"""How the files of a data set are to be read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, Self

from airflow_mlmon.spec.choices import FileFormat


class DeclaredFiles(Protocol):
    """Section of a spec that declares a format."""

    @property
    def format(self) -> FileFormat | None:
        """Format of the files."""
        ...

    @property
    def separator(self) -> str | None:
        """Character between fields."""
        ...

    @property
    def null(self) -> tuple[str, ...]:
        """Texts that are missing values."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Settings of the readers.

    Attributes:
        format: Format of the files; None: each has that of its ending, or else of its first bytes.
        separator: Character between the fields of a CSV file; None: recognised by its header.
        null_texts: Texts that are missing values in a CSV file, beside the empty one.
        columns: Columns that are needed; None: all. Others are not decoded, where the format permits.
        nested: Whether objects stay what they are; else each of their fields is a column with a dotted name.
    """

    format: FileFormat | None = None
    separator: str | None = None
    null_texts: tuple[str, ...] = ()
    columns: Collection[str] | None = None
    nested: bool = False

    @classmethod
    def of(cls, files: DeclaredFiles, *, columns: Collection[str] | None = None, nested: bool = False) -> Self:
        """Return the settings that a section of a spec declares."""
        return cls(
            format=files.format,
            separator=files.separator,
            null_texts=files.null,
            columns=columns,
            nested=nested,
        )

"""What was listed and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Status

# Raise it when the same files would be curated differently: results get new versions then.
CURATION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One listed file; `problem` says why it was not taken, `rows` is None where nobody knows."""

    uri: str
    size: int
    sha256: str
    rows: int | None
    problem: str = ""
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The account of one partition: rows listed = rows curated + rows quarantined.

    `repeats` stands for the rows whose id was taken on a day before, and is empty where there are none.
    """

    partition: Partition
    files: tuple[SourceFile, ...]
    rows_curated: int
    quarantined: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    repeats: str = ""

    @property
    def rows_quarantined(self) -> int:
        """Rows that were not taken, those of files that could be read but do not fit included."""
        return sum(self.quarantined.values())

    @property
    def rows_listed(self) -> int:
        """Rows of all files whose rows can be counted."""
        return self.rows_curated + self.rows_quarantined

    @property
    def problems(self) -> tuple[SourceFile, ...]:
        """Files that were not taken."""
        return tuple(file for file in self.files if file.problem)

    @property
    def status(self) -> Status:
        """OK only when every listed file and row was taken."""
        if not self.files or (self.rows_listed == 0 and not self.problems):
            return Status.NO_DATA
        if self.rows_curated == 0:
            return Status.QUARANTINED
        return Status.PARTIAL if self.rows_quarantined or self.problems else Status.OK

    @property
    def version(self) -> str:
        """The name of the content: the same files under the same declaration give the same.

        The days before count only by the rows of these files that they make duplicates.
        """
        content = [CURATION, self.fingerprint, sorted((file.uri, file.sha256) for file in self.files)]
        content += [self.repeats] if self.repeats else []
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]

    @property
    def message(self) -> str:
        """What went wrong, in words; empty when nothing did."""
        if self.status is Status.NO_DATA:
            return "No rows have arrived." if self.files else "No files have arrived."
        parts = [f"{file.uri.rsplit('/', 1)[-1]}: {file.problem}" for file in self.problems]
        parts += [f"{count} rows: {reason}" for reason, count in sorted(self.quarantined.items())]
        return "; ".join(parts)

    def to_json(self) -> str:
        """The manifest as it is kept beside the curated rows."""
        content: dict[str, Any] = asdict(self)
        content["partition"] = {"model": self.partition.model, "day": self.partition.key}
        content |= {"status": self.status, "version": self.version, "rows_listed": self.rows_listed}
        return json.dumps(content, indent=1, sort_keys=True)

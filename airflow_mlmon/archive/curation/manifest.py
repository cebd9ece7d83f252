"""Manifest of a partition: the files read, and the rows accepted and quarantined."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_mlmon.archive.curation.capture_account import CaptureAccount
from airflow_mlmon.archive.curation.reasons import ACCEPTED_BEFORE, DUPLICATE, EMPTY, OUTSIDE
from airflow_mlmon.archive.layouts.layout import PassedOver
from airflow_mlmon.causes import Cause, CauseKind, add_up_causes, name_file_problem, name_reason
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Status

# Raise it when the same files would be curated differently: results then get new versions.
CURATION = 1
# by what the reason to quarantine a row says
_KINDS = {
    OUTSIDE: CauseKind.OUTSIDE,
    DUPLICATE: CauseKind.DUPLICATES,
    ACCEPTED_BEFORE: CauseKind.DUPLICATES,
    EMPTY: CauseKind.LACKING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """Listed file; `problem` says why it was rejected, `rows` is None if unknown.

    `faults` are the values that could not be read, in columns that a row may lack, by column and reason. `notes`
    say how columns were read where the spec leaves it open. `unsampled` are the rows that its rows stand for, where
    only a fraction of the requests is logged. `handed_over` are the rows of other days, by day; of a neighbouring
    day's file (`is_neighbour`) `rows` are those of this day alone. A file that `is_joined` has responses to requests of
    the day. `capture` are the marks of a captured file.
    """

    uri: str
    size: int
    sha256: str
    rows: int | None
    problem: str = ""
    undeclared: tuple[str, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)
    handed_over: Mapping[str, int] = field(default_factory=dict)
    is_joined: bool = False
    is_neighbour: bool = False
    notes: tuple[str, ...] = ()
    unsampled: float | None = None
    capture: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Account of one partition: rows read = rows accepted + rows quarantined + rows handed over to their own days.

    Of the rows accepted, `rows_errors` have an error status. `folder` is the listed folder. `repeats`
    is a digest of the rows whose id was accepted on an earlier day, empty if none. `passed_over` are the listed
    objects that are no data, with the reason. Of a day that was divided, its rows lie in as many files as it had
    `shards`. `capture` says what of a captured archive is not there.
    """

    partition: Partition
    files: tuple[SourceFile, ...]
    rows_accepted: int
    rows_errors: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    repeats: str = ""
    folder: str = ""
    passed_over: tuple[PassedOver, ...] = ()
    lateness_days: int | None = None
    shards: int = 1
    capture: CaptureAccount | None = None

    @property
    def rows_quarantined(self) -> int:
        """Rows not accepted."""
        return sum(self.quarantined.values())

    @property
    def rows_read(self) -> int:
        """Rows of all files whose rows can be counted."""
        return self.rows_accepted + self.rows_quarantined + sum(self.rows_handed_over.values())

    @property
    def rows_handed_over(self) -> dict[str, int]:
        """Rows of other days, by day: they are curated there."""
        found: Counter[str] = Counter()
        for file in self.files:
            found.update(file.handed_over)
        return dict(sorted(found.items()))

    @property
    def sampling_fraction(self) -> float | None:
        """Fraction of the requests that is logged; None where no file says it."""
        sampled = [file for file in self.files if file.unsampled]
        if any(file.capture for file in sampled):
            # beside captured files, rows of others stand for themselves
            sampled = [file for file in self.files if not file.problem and not file.is_neighbour]
        unsampled = sum(file.unsampled or file.rows or 0.0 for file in sampled)
        return sum(file.rows or 0 for file in sampled) / unsampled if unsampled else None

    @property
    def problems(self) -> tuple[SourceFile, ...]:
        """Files that were rejected."""
        return tuple(file for file in self.files if file.problem)

    @property
    def faults(self) -> dict[str, int]:
        """Values that could not be read, in columns that a row may lack, by column and reason."""
        found: Counter[str] = Counter()
        for file in self.files:
            found.update(file.faults)
        found.update(self.capture.refused if self.capture else {})
        return dict(sorted(found.items()))

    @property
    def notes(self) -> list[str]:
        """Sentences on how columns were read where the spec leaves it open."""
        return sorted({note for file in self.files for note in file.notes})

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Causes for which the status is not OK."""
        return add_up_causes(
            [
                *map(_of_file, self.problems),
                *(_of_rows(reason, count) for reason, count in sorted(self.quarantined.items())),
                *(
                    Cause(kind=CauseKind.VALUES, about=name_reason(reason), count=count, words=_values(reason, count))
                    for reason, count in self.faults.items()
                ),
                *(
                    Cause(kind=CauseKind.CAPTURE, about=reason, count=count, words=_rows(reason, count))
                    for reason, count in self.losses.items()
                ),
            ]
        )

    @property
    def status(self) -> Status:
        """OK only if every file, row and value of the declared columns was accepted, and none is known to be lost."""
        if not self.files or (self.rows_accepted + self.rows_quarantined == 0 and not self.problems):
            return Status.NO_DATA
        if self.rows_accepted == 0:
            return Status.QUARANTINED
        is_incomplete = self.rows_quarantined or self.problems or self.faults or self.losses
        return Status.PARTIAL if is_incomplete else Status.OK

    @property
    def losses(self) -> dict[str, int]:
        """Rows that were logged and that capture has lost, by reason."""
        return self.capture.losses if self.capture else {}

    @property
    def version(self) -> str:
        """Version of the content: equal for the same files under the same spec.

        Earlier days count only through the rows of these files that they make duplicates.
        """
        content: list[Any] = [CURATION, self.fingerprint, sorted((file.uri, file.sha256) for file in self.files)]
        content += [self.repeats] if self.repeats else []
        content += [{"lateness_days": self.lateness_days}] if self.lateness_days else []
        # files with such values were refused by earlier releases
        content += [self.faults] if self.faults else []
        content += [{"capture": asdict(self.capture)}] if self.capture else []
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]

    @property
    def message(self) -> str:
        """Problems and notes in words; empty if there are none."""
        of_capture = [_rows(reason, count) for reason, count in self.losses.items()]
        of_capture += [self.capture.note] if self.capture and self.capture.note else []
        if self.status is Status.NO_DATA:
            return "; ".join([self._absence, *of_capture])
        parts = [_file(file) for file in self.problems]
        parts += [_rows(reason, count) for reason, count in sorted(self.quarantined.items())]
        parts += [_values(reason, count) for reason, count in self.faults.items()]
        return "; ".join([*parts, *of_capture, *self.notes])

    @property
    def _absence(self) -> str:
        if self.files:
            return f"No rows under {self.folder} (files read: {len(self.files)})."
        passed_over = f", {found} of which are no data" if (found := len(self.passed_over)) else ""
        return (
            f"No files under {self.folder} ({len(self.passed_over)} objects listed{passed_over}). "
            "If the day's folder is named otherwise, change predictions.path."
        )

    def to_json(self) -> str:
        """Encode the manifest as stored beside the curated rows."""
        content: dict[str, Any] = asdict(self)
        content["passed_over"] = [one._asdict() for one in self.passed_over]
        content["partition"] = {"model": self.partition.model, "day": self.partition.key}
        content |= {"status": self.status, "version": self.version, "rows_read": self.rows_read}
        content["rows_handed_over"] = self.rows_handed_over
        content["sampling_fraction"] = self.sampling_fraction
        if self.shards == 1:
            del content["shards"]
        if self.capture is None:
            del content["capture"]
            for file in content["files"]:
                del file["capture"]
        return json.dumps(content, indent=1, sort_keys=True)


def _of_file(file: SourceFile) -> Cause:
    name = file.uri.rsplit("/", 1)[-1]
    return Cause(kind=CauseKind.FILES, about=name_file_problem(name, file.problem), count=1, words=_file(file))


def _of_rows(reason: str, count: int) -> Cause:
    kinds = (kind for words, kind in _KINDS.items() if words in reason)
    kind = next(kinds, CauseKind.ROWS)
    return Cause(kind=kind, about=name_reason(reason), count=count, words=_rows(reason, count))


def _file(file: SourceFile) -> str:
    return f"{file.uri.rsplit('/', 1)[-1]}: {file.problem}"


def _rows(reason: str, count: int) -> str:
    return f"{count} rows: {reason}"


def _values(reason: str, count: int) -> str:
    return f"{reason} ({count} values)"

"""Causes of a partition's status: what of a day could not be taken in, each with its count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# causes of one kind that a day has at most; more are one
_MOST = 8
_DAY = re.compile(r" on \d{4}-\d{2}-\d{2}")
_DETAIL = re.compile(r" ?\([^()]*\)")
_NUMBERED = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4,12}){4}|[^\W_]*\d[^\W_]*")
_NUMBERS = re.compile(r"#(?:[-_.]#)+")
_COUNT = re.compile(r"\d+")


class CauseKind(StrEnum):
    """Kind of a cause."""

    FILES = "files_refused"
    OUTSIDE = "rows_outside_day"
    DUPLICATES = "duplicates"
    LACKING = "rows_lacking_values"
    ROWS = "rows_refused"
    VALUES = "values_unreadable"
    CAPTURE = "rows_not_captured"
    LABEL_FILES = "label_files_refused"
    LABEL_VALUES = "label_values_unreadable"
    LABEL_IDS = "label_ids_unmatched"
    LABEL_CAPTURE = "labels_not_captured"

    @property
    def is_of_labels(self) -> bool:
        """Return whether it is about a delivery of labels, which not every day has."""
        return self in _OF_LABELS

    @property
    def is_of_rows(self) -> bool:
        """Return whether rows of the day are missing for it."""
        return self not in _OF_LABELS and self is not CauseKind.VALUES


_OF_LABELS = frozenset({CauseKind.LABEL_FILES, CauseKind.LABEL_VALUES, CauseKind.LABEL_IDS, CauseKind.LABEL_CAPTURE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Cause of a partition's status.

    Attributes:
        kind: Kind of the cause.
        about: Reason by which causes of one kind are told apart on all days, without the particulars of one day.
        count: Files, rows or values concerned.
        words: Reason in words, with its particulars.
    """

    kind: CauseKind
    about: str = ""
    count: int
    words: str

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Cause:
        """Restore it from JSON."""
        return cls(**{**content, "kind": CauseKind(content["kind"])})

    @property
    def key(self) -> tuple[CauseKind, str]:
        """Identity of the cause on all days."""
        return self.kind, self.about


def name_reason(reason: str) -> str:
    """Return a reason without the particulars of one day.

    >>> name_reason("the prediction id was already accepted on 2026-03-01"), name_reason("is empty (0 bytes)")
    ('the prediction id was already accepted', 'is empty')
    """
    return _DETAIL.sub("", _DAY.sub("", reason))


def name_file_problem(name: str, problem: str) -> str:
    """Return the form of a file's name, and its problem without particulars.

    >>> name_file_problem("part-00000-c000.snappy.parquet", "only 12 of 99 listed bytes could be read")
    'part-#.snappy.parquet: only # of # listed bytes could be read'
    """
    form = _NUMBERS.sub("#", _NUMBERED.sub("#", name))
    return f"{form}: {_COUNT.sub('#', name_reason(problem))}"


def add_up_causes(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Add up the causes of one identity; too many of one kind are one."""
    found: dict[CauseKind, dict[str, list[Cause]]] = {}
    for cause in causes:
        found.setdefault(cause.kind, {}).setdefault(cause.about, []).append(cause)
    gathered = []
    for by_reason in found.values():
        groups = list(by_reason.values())
        if len(groups) > _MOST:
            gathered.append(_added([cause for group in groups for cause in group], ""))
        else:
            gathered += [_added(group, about) for about, group in by_reason.items()]
    return tuple(gathered)


def _added(causes: list[Cause], about: str) -> Cause:
    words = list(dict.fromkeys(cause.words for cause in causes))
    return Cause(
        kind=causes[0].kind,
        about=about,
        count=sum(cause.count for cause in causes),
        words="; ".join(words[:_MOST]) + (f"; and {len(words) - _MOST} more" if len(words) > _MOST else ""),
    )

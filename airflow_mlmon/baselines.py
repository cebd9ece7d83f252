"""Baselines as accepted by people, and as partitions were compared with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from airflow_mlmon.spec.baseline import Baseline, BaselineKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinePin:
    """Baseline that somebody accepted.

    Attributes:
        number: Position among the pins of the model; the first is 1.
        version: Model version that it applies to; None for the whole model.
        baseline: Accepted baseline.
        first: First day that is compared with it.
        who: Person who accepted it.
        why: Reason given.
        accepted_at: Time at which it was accepted.
    """

    number: int
    version: str | None = None
    baseline: Baseline
    first: date
    who: str
    why: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFacts:
    """Baseline that columns of a partition were compared with.

    Attributes:
        title: Description in words.
        kind: Rule that selected its days.
        columns: Columns compared with it.
        asked: Number of days it asks for.
        needed: With fewer days a model version has no baseline of its own.
        days: Version of the rows of each day in the sum.
        other_schema: Days left out because their profile has another schema.
        pin: Number of the pin that set it; None if the spec did.
    """

    title: str
    kind: BaselineKind
    columns: tuple[str, ...]
    asked: int
    needed: int
    days: Mapping[date, str]
    other_schema: int = 0
    pin: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Convert to a dict for JSON."""
        return {
            "title": self.title,
            "kind": self.kind,
            "columns": list(self.columns),
            "asked": self.asked,
            "needed": self.needed,
            "days": {day.isoformat(): version for day, version in self.days.items()},
            "other_schema": self.other_schema,
            "pin": self.pin,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> BaselineFacts:
        """Parse the dict that `to_dict` wrote."""
        return cls(
            **{
                **content,
                "kind": BaselineKind(content["kind"]),
                "columns": tuple(content["columns"]),
                "days": {date.fromisoformat(day): version for day, version in content["days"].items()},
            }
        )

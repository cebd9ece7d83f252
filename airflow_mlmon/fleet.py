"""Records of the monitored models: each as its spec describes it, its plans, and what people did to its days."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from airflow_mlmon.partition import DEFAULT_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """Model as its spec described it to its last run, or when the specs were last listed.

    Attributes:
        zone: Time zone whose days are its days.
        version_column: Column with the version of the model; empty if it has none.
        hash_key: Id of the key with which its last run hashed personal columns; empty if none has.
        spec: Path of its spec.
        error: Why its spec cannot be loaded; empty if it can.
    """

    model: str
    task: str = ""
    owner: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    start: date | None = None
    end: date | None = None
    zone: str = DEFAULT_ZONE
    version_column: str = ""
    hash_key: str = ""
    spec: str = ""
    error: str = ""


class AuditKind(StrEnum):
    """What a person did to a day, other than to its alerts and baselines, which keep their own record."""

    FORGET = "forget"
    RUN_AGAIN = "run_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Deed of a person on a day of a model.

    Attributes:
        detail: What it changed, in words.
    """

    kind: AuditKind
    day: date
    who: str
    why: str
    detail: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPlan:
    """Plan that a model is monitored by, as results name it: `id` is a hash of the content, which is JSON."""

    id: str
    content: str

    @classmethod
    def of(cls, content: str) -> MonitoringPlan:
        """Return the plan with a content."""
        return cls(id=hashlib.sha256(content.encode()).hexdigest()[:16], content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEntry:
    """Evidence bundle that somebody made of a range of days.

    Attributes:
        head: Head of its chain, which changes with every byte of its files.
        is_held: Whether what it says of its days can be compared with the store later: `mlmon prune` keeps that.
    """

    first: date
    last: date
    head: str
    is_held: bool
    who: str
    why: str
    at: datetime

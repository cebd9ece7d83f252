"""Outcome profile: additive summary of predictions and their labels, exact to the bit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_mlmon.errors import StateError
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.schema import ColumnSchema, ProfileSchema

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSchema:
    """Pinned schema of the outcome profiles of a model.

    Attributes:
        columns: Columns that are profiled of labelled predictions: the label, then what follows from it.
        edges: Ascending values of the output that divide predictions, such as its deciles in the reference.
        settings: What else the profiles depend on, by name in the order of the names.
    """

    columns: tuple[ColumnSchema, ...]
    edges: tuple[float, ...] = ()
    settings: tuple[tuple[str, float], ...] = ()

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that identify the schema."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def __getitem__(self, name: str) -> ColumnSchema:
        """Return the schema of the column of this name."""
        return next(column for column in self.columns if column.name == name)

    def to_json(self) -> str:
        """Return canonical JSON, so that equal schemas are equal text."""
        document = {
            "format": _FORMAT,
            "columns": ProfileSchema(model="", columns=self.columns).to_json(),
            "edges": self.edges,
            **({"settings": dict(self.settings)} if self.settings else {}),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> OutcomeSchema:
        """Parse the schema that `to_json` wrote.

        Raises:
            StateError: the text is no schema of outcomes, or has a later format.
        """
        try:
            document = json.loads(text)
            found, columns, edges = document["format"], document["columns"], tuple(document["edges"])
            settings = tuple(sorted(document.get("settings", {}).items()))
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"Cannot parse the stored schema of outcomes: {error!r}.") from error
        if found != _FORMAT:
            raise StateError(
                f"The stored schema of outcomes has format {found!r}; this release reads {_FORMAT}.",
                hint="upgrade airflow-mlmon",
                format=found,
            )
        return cls(columns=ProfileSchema.from_json(columns).columns, edges=edges, settings=settings)


class OutcomeProfile(Protocol):
    """Summary of predictions and their labels; profiles of one task and schema add up, no others mix."""

    @property
    def schema(self) -> OutcomeSchema | None:
        """Pinned schema; None of no rows."""
        ...

    @property
    def rows(self) -> int:
        """Predictions."""
        ...

    @property
    def excluded(self) -> int:
        """Predictions that will never be labelled."""
        ...

    @property
    def label(self) -> ColumnProfile:
        """The ordinary column profile of the labels that have come."""
        ...

    def __add__(self, other: Any) -> Any:
        """Sum two profiles."""
        ...

    def __sub__(self, part: Any) -> Any:
        """Subtract the profile of a part of the rows."""
        ...

    def to_bytes(self) -> bytes:
        """Encode the profile as bytes that are the same on every platform."""
        ...

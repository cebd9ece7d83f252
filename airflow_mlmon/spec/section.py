"""Base classes of the sections of a spec."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.metric import Metric


def name_class(value: Any) -> Any:
    """Return the text of a class that is a whole number, as archived numbers are read.

    >>> name_class(7), name_class("cat"), name_class(True)
    ('7', 'cat', True)
    """
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ClassName = Annotated[str, BeforeValidator(name_class)]


class UnknownNameError(ValueError):
    """Reference to an unknown name; pydantic carries it to the loader, which adds the line."""

    def __init__(self, key: str, name: str, valid: Iterable[str]) -> None:
        super().__init__(f"{key}: {name!r} is unknown")
        self.key = key
        self.name = name
        self.valid = sorted(valid)


class Vocabulary(Protocol):
    """Names that the task adds to a spec; the loader passes them as the context of validation."""

    @property
    def has_labels(self) -> bool:
        """Whether predictions may get labels."""
        ...

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics of that task alone."""
        ...

    @property
    def types(self) -> Mapping[Role, tuple[ColumnType, ...]]:
        """Types that the columns of its roles may have."""
        ...

    @property
    def needs(self) -> tuple[tuple[Role, ...], ...]:
        """Roles of which a model has one at least, group by group."""
        ...

    @property
    def keys(self) -> frozenset[str]:
        """Keys of a spec that only some tasks read, of those that it reads."""
        ...


class Section(BaseModel):
    """Section of a spec: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the end of a message: the closest valid name, or else all of them.

    >>> nearest("amout", ["amount", "country"])
    '; did you mean amount?'
    """
    valid = list(valid)
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; valid: {', '.join(valid)}"

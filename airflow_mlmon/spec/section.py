"""Base classes of the sections of a spec."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict


class UnknownNameError(ValueError):
    """Reference to an unknown name; pydantic carries it to the loader, which adds the line."""

    def __init__(self, key: str, name: str, valid: Iterable[str]) -> None:
        super().__init__(f"{key}: {name!r} is unknown")
        self.key = key
        self.name = name
        self.valid = sorted(valid)


class Section(BaseModel):
    """Section of a spec: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

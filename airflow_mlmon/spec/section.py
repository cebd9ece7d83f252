"""What the sections of a spec have in common."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict


class UnknownNameError(ValueError):
    """A name that refers to nothing; pydantic carries it to the loader, which finds the line."""

    def __init__(self, key: str, name: str, valid: Iterable[str]) -> None:
        super().__init__(f"{key}: {name!r} is unknown")
        self.key = key
        self.name = name
        self.valid = sorted(valid)


class Section(BaseModel):
    """A part of a spec: it takes no keys but its own, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

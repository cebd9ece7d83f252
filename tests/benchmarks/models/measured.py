"""What a key's function returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure, what to print beside it, and what it comes of."""

    figure: float
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

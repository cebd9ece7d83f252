"""What a benchmark found: figures beside their goals, printed as a table and kept as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUILD = Path("build/bench")


@dataclass(kw_only=True)
class Report:
    """The figures of one benchmark, by the keys of its goals.

    Attributes:
        name: of the file below `build/bench`.
        goals: by key, in the order in which they are printed; empty where there is none.
        figures: what was measured.
        details: what the figures come of.
        notes: what is printed beside a figure.
    """

    name: str
    goals: Mapping[str, str]
    figures: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Print the table and write the JSON, keeping figures of earlier runs that were not asked for."""
        path = BUILD / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = json.loads(path.read_text()) if path.exists() else {"figures": {}, "details": {}}
        figures = {**known["figures"], **self.figures}
        details = {**known["details"], **self.details}
        path.write_text(json.dumps({"figures": figures, "details": details}, indent=1, sort_keys=True) + "\n")
        width = max(map(len, self.goals))
        lines = [
            f"{key:{width}} {self.figures[key]:12.4g}   {self._goal(key):14} {self.notes.get(key, '')}".rstrip()
            for key in self.goals
            if key in self.figures
        ]
        sys.stdout.write("\n".join(lines) + "\n")

    def _goal(self, key: str) -> str:
        return f"goal {self.goals[key]}" if self.goals[key] else ""

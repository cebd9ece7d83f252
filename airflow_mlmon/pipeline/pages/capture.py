"""Captured rows of a day, for its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlmon.archive.curation.capture_account import CaptureAccount
from airflow_mlmon.reports.capture import CaptureSummary


def captured_of(manifest: Mapping[str, Any]) -> CaptureSummary | None:
    """Collect what the manifest of a day says of capture; None where no file is captured."""
    if not manifest.get("capture"):
        return None
    account = CaptureAccount(**manifest["capture"])
    marks = [file["capture"] for file in manifest["files"] if file.get("capture")]
    protected: dict[str, set[str]] = {}
    for one in marks:
        for name, done in one["protected"].items():
            protected.setdefault(done, set()).add(name)
    return CaptureSummary(
        rows=account.rows,
        lacking=account.lacking,
        unknown=account.unknown,
        processes=account.processes,
        losses=account.losses,
        note=account.note,
        protected={done: tuple(sorted(names)) for done, names in sorted(protected.items())},
        keys=tuple(sorted({one["key"] for one in marks if one["key"]})),
    )

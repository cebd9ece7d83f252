"""The accessibility of pages, by axe-core in a real browser."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support.processes import require

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".cache" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = "() => axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
_GRAVE = {"serious", "critical"}


def grave_findings(page: Page) -> list[str]:
    """What axe finds in a page that is serious or critical, each with the first place where it is so."""
    page.evaluate(_source())
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in _GRAVE]


@cache
def _source() -> str:
    require(available=AXE.exists(), what="axe-core (make axe installs it with npm)")
    return AXE.read_text()

"""A real Chromium for the tests that look at pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright


@dataclass(kw_only=True)
class Visit:
    """What a browser saw of a page."""

    width: int = 0
    title: str = ""
    text: str = ""
    hacked: bool = False
    counted: int = 0
    sheets: int = 0
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped, and in CI it fails."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium on the path, and CI=true")
        pytest.skip("no chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def visit(
    browser: Browser, path: Path, *, width: int = 1280, count: str = "", wait_for: str = "", pdf: bool = False
) -> Visit:
    """Opens a file and waits until it is still; `count` and `wait_for` are selectors."""
    seen = Visit()
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda said: seen.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(path.as_uri(), wait_until="load")
        if wait_for:
            page.wait_for_selector(wait_for, timeout=60_000)
        page.wait_for_timeout(300)
        seen.requests = [
            url for url in seen.requests if url != path.as_uri() and not url.startswith(("data:", "blob:"))
        ]
        seen.width = page.evaluate("document.documentElement.scrollWidth")
        seen.title = page.title()
        seen.text = page.inner_text("body")
        seen.hacked = page.evaluate("window.hacked === 1")
        seen.counted = page.evaluate("selector => document.querySelectorAll(selector).length", count) if count else 0
        seen.sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) if pdf else 0
    finally:
        page.close()
    return seen

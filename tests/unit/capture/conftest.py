"""Captures that a test opens."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlmon.capture import Capture
from tests.support.logged import spec_of


@pytest.fixture
def opened(tmp_path):
    made = []

    def open_capture(columns=(), **options: Any) -> Capture:
        spec = spec_of(tmp_path, **dict(columns))
        made.append(Capture(spec, spool=tmp_path / "spool", **options))
        return made[-1]

    yield open_capture
    for capture in made:
        capture.close()

"""No test depends on how long it takes."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def test_examples_may_take_as_long_as_they_take():
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check

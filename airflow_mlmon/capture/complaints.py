"""Complaints: failures in the background, told to the service's log now and then."""

from __future__ import annotations

import logging
import time

QUIET_SECONDS = 600.0
_log = logging.getLogger("airflow_mlmon.capture")


class Complaints:
    """Failures by cause; each is logged when it is new, and again after ten minutes."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.is_quiet = False
        self._told: dict[str, float] = {}

    def add(self, cause: str, error: BaseException | None = None) -> None:
        """Log a failure, unless it was just logged; of an error that may quote a row, give its type alone."""
        now = time.monotonic()
        if self.is_quiet or now - self._told.get(cause, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        self._told[cause] = now
        said = type(error).__name__ if error is not None else "lost rows"
        detail = f": {error}" if isinstance(error, OSError) else ""
        _log.warning("capture of %s: %s: %s%s", self._model, cause, said, detail[:500])

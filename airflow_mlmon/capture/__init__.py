"""Capture of predictions where they are made, for the monitoring to read.

The first mile: a service logs what it predicts, and a background thread writes it as partitioned files to the archive
that the spec of the model describes. This package needs pyarrow and PyYAML alone, and is a wheel of its own, so that a
service carries neither Airflow nor pandas.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_mlmon.capture.release import check_release

if TYPE_CHECKING:
    from airflow_mlmon.capture.asgi import CaptureMiddleware
    from airflow_mlmon.capture.capture import Capture
    from airflow_mlmon.capture.declared import read_schema
    from airflow_mlmon.capture.schema import CapturedColumn, CaptureError, CaptureSchema

__all__ = ["Capture", "CaptureError", "CaptureMiddleware", "CaptureSchema", "CapturedColumn", "read_schema"]

# the monitoring reads the marks of a captured file, and captures nothing
_LAZY = {
    "Capture": "capture",
    "CaptureError": "schema",
    "CaptureMiddleware": "asgi",
    "CaptureSchema": "schema",
    "CapturedColumn": "schema",
    "read_schema": "declared",
}

check_release(sys.modules["airflow_mlmon"])


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

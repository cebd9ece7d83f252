"""Release of the capture library, which has to be that of the package around it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType


def check_release(around: ModuleType) -> None:
    """Refuse a small wheel that lies over the whole package of another release, and so mixes files of both.

    Args:
        around: the package `airflow_mlmon`; only the whole one has a file of its own.

    Raises:
        ImportError: the wheels are of different releases.
    """
    if around.__file__ is None:
        return
    release = around.__version__
    for found in Path(around.__file__).parents[1].glob("airflow_mlmon_capture-*.dist-info"):
        other = found.stem.partition("-")[2]
        if other != release:
            raise ImportError(
                f"airflow-mlmon {release} and airflow-mlmon-capture {other} are installed over each other. The first"
                " has the capture library too: uninstall the second, and install the first again"
                " (pip install --force-reinstall --no-deps airflow-mlmon)."
            )

"""Takes `airflow_mlmon.capture` into the small wheel from the checkout around; an sdist holds it already.

`airflow_mlmon/__init__.py` stays out: there `airflow_mlmon` is a namespace of this package alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "airflow_mlmon/capture"


class CaptureHook(BuildHookInterface):
    """Build from a checkout or from an sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling asks so
        """Take the package of the checkout where the folder that is built has none."""
        if not Path(self.root, PACKAGE).exists():
            build_data["force_include"][str(Path(self.root).parents[1] / PACKAGE)] = PACKAGE

"""The command `mlmon`, as a shell or a script calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def mlmon(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command in a folder, which holds its home too."""
    return subprocess.run(
        [sys.executable, "-m", "airflow_mlmon.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "AIRFLOW_HOME": str(folder / "home"), "COLUMNS": "120"},
    )

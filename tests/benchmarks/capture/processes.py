"""Starts the process that logs, in the environment of a service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / ".cache" / "environments" / "serving" / "bin" / "python"


def start_service(options: dict[str, Any], **environment: str) -> subprocess.Popen[str]:
    """Start a process that logs; what it prints can be read from it."""
    python = SERVICE if SERVICE.exists() else Path(sys.executable)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true", **environment}
    command = [str(python), "-m", "tests.benchmarks.capture.service_process", json.dumps(options)]
    return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_service(options: dict[str, Any], **environment: str) -> dict[str, Any]:
    """Let a process log to its end, and return what it found."""
    return read_output(start_service(options, **environment))


def read_output(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of a process, and return what it found."""
    output, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors)
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found

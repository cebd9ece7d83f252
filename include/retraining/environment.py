"""The environment of the service, in which models are trained: started from the one of the monitoring."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".cache" / "environments" / "serving" / "bin" / "python"
_TOLD = 3_000
_TIMEOUT_S = 30


class StepFailed(Exception):  # noqa: N818 - what happened
    """A step of the training ended with an error."""


def call(step: str, registry: Mapping[str, str], **arguments: Any) -> Any:
    """Run a step of `include.retraining` in the environment of the service, and return what it returns.

    Args:
        step: its name.
        registry: variables of MLflow's client that say where the registry is.
        arguments: arguments of the step, which can be JSON.

    Raises:
        StepFailed: it ended with an error.
    """
    done = subprocess.run(
        [str(PYTHON), "-m", "include.retraining", step],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1", **registry},
    )
    if done.returncode:
        raise StepFailed(f"{step} ended with {done.returncode}:\n{done.stderr[-_TOLD:]}")
    return json.loads(done.stdout.splitlines()[-1])


def refresh(service: str) -> dict[str, float]:
    """Have the service ask the registry again, and return the share of each version that it serves now."""
    with urlopen(Request(f"{service}/refresh", method="POST"), timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http
        shares: dict[str, float] = json.load(answer)
    return shares

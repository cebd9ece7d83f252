"""Environments of `make environments`: what runs beside the monitoring, each with packages of its own."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import require

ROOT = Path(__file__).parents[2]
# the capture library is not installed in them, and nobody hears of the tests
VARIABLES = {
    "PYTHONPATH": str(ROOT),
    "BENTOML_DO_NOT_TRACK": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}


def environment(name: str) -> Path:
    """The folder with the programs of an environment; the test is skipped where there is none, and fails in CI."""
    place = ROOT / ".cache" / "environments" / name
    require(available=(place / "ready").exists(), what=f"the environment {name} (`make environments`)")
    return place / "bin"

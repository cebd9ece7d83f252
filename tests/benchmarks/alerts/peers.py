"""What evidently and NannyML say of the same days, by their defaults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.alerts import faults
from tests.benchmarks.profiles.environments import interpreter
from tests.support.drawn import LEVELS, LOGNORMAL, NORMAL, Fault, draw

DAYS = 20
_ROWS = 5_000
_PAST = 60
_BUILD = Path("build/bench")
_HEALTHY = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}

SETTINGS: dict[str, tuple[Fault | None, str | None, float]] = {
    "healthy": (None, None, 0.0),
    "healthy, daily variation": (None, None, 0.1),
    "shift_0_2sd": (faults.shifted(0.2), NORMAL[3], 0.0),
    "new_category_2pct": (faults.new_category, LEVELS[4], 0.0),
    "nulls_1_to_3pct": (faults.nulls, LOGNORMAL[2], 0.0),
    "unit_x100": (faults.other_unit, NORMAL[5], 0.0),
    "swapped_columns": (faults.swapped, NORMAL[1], 0.0),
    "stuck_value": (faults.stuck, NORMAL[7], 0.0),
    "shift_0_5sd_daily": (faults.shifted(0.5), NORMAL[3], 0.1),
}


def compare(days: int) -> dict[str, dict[str, float]]:
    """By setting and tool, the share of days with any alarm, or of faults found in the column that has them."""
    found: dict[str, dict[str, float]] = {}
    for name, (fault, column, daily) in SETTINGS.items():
        random = np.random.default_rng(23)
        past = [_frame(random, None, daily) for _ in range(_PAST)]
        current = [_frame(random, fault, daily) for _ in range(days)]
        alarms = {"evidently": [find_drifted(past[0], day) for day in current], "nannyml": _nannyml(past, current)}
        found[name] = {
            tool: float(np.mean([bool(columns) if column is None else column in columns for columns in of_days]))
            for tool, of_days in alarms.items()
        }
        each = ", ".join(f"{tool} {share:.2f}" for tool, share in found[name].items())
        sys.stderr.write(f"{name}: {each}, of {days} days\n")
    return found


def _frame(random: np.random.Generator, fault: Fault | None, daily: float) -> pd.DataFrame:
    rows = draw(random, _ROWS, daily)
    table = (fault(rows, random) if fault else rows).table(random)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def find_drifted(reference: pd.DataFrame, current: pd.DataFrame) -> set[str]:
    """The columns that have drifted from a day before by the preset's defaults."""
    from evidently import Report  # noqa: PLC0415 - slow to import
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = Report([DataDriftPreset()]).run(current, reference)
    return {column for column, drifted in _drifted(json.loads(report.json())).items() if drifted}


def _drifted(content: dict[str, Any]) -> dict[str, bool]:
    """By column, whether its score passes the threshold of its method: a p-value below, a distance above."""
    found = {}
    for metric in content["metrics"]:
        config = metric.get("config", {})
        if "column" in config and "threshold" in config:
            is_p_value = "p_value" in str(config.get("method", ""))
            value, threshold = float(metric["value"]), float(config["threshold"])
            found[config["column"]] = value < threshold if is_p_value else value >= threshold
    return found


def _nannyml(past: list[pd.DataFrame], current: list[pd.DataFrame]) -> list[set[str]]:
    """The columns outside the thresholds that the past days, a chunk each, give."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("past.parquet", "current.parquet")]
        for path, frames in zip(paths, (past, current), strict=True):
            pq.write_table(pa.Table.from_pandas(pd.concat(frames, ignore_index=True)), path)
        script = Path(__file__).parents[1] / "profiles" / "peers" / "nannyml_alerts.py"
        done = subprocess.run(
            [str(interpreter(_BUILD, "nannyml")), str(script), *map(str, paths), str(_ROWS)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **_HEALTHY},
        )
    return [set(columns) for columns in json.loads(done.stdout.splitlines()[-1])]

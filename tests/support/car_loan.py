"""Car loan data of NannyML, beside the repository: its chunks with what was published of them, and what we find."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.binary.estimate import estimate_performance
from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "car_loan"
CHUNK = 5_000
CHUNKS = 10


def read_rows(period: str) -> pa.Table:
    """Read the rows of a period joined with their labels."""
    table = pq.read_table(FOLDER / f"synthetic_car_loan_{period}.parquet")
    if period == "analysis":
        target = pq.read_table(FOLDER / "synthetic_car_loan_analysis_target.parquet")
        assert table["id"].equals(target["id"])
        table = table.append_column("repaid", target["repaid"])
    return pa.table(
        {
            "score": table["y_pred_proba"],
            "prediction": table["y_pred"].cast(pa.bool_()),
            "label": table["repaid"].cast(pa.bool_()),
            "excluded": pa.array([False] * table.num_rows),
        }
    )


@lru_cache(maxsize=1)
def published_estimates() -> dict[tuple[str, int], float]:
    """Return the published estimates of the analysis period, by metric and chunk."""
    with (FOLDER / "expected_nannyml_docs.csv").open(encoding="utf-8") as file:
        return {
            (row["measure"], int(row["chunk_index"])): float(row["value"])
            for row in csv.DictReader(file)
            if row["field"] == "value"
            and "Estimating Standard Performance Metrics - Binary" in row["notebook"]
            and row["period"] == "analysis"
        }


@lru_cache(maxsize=1)
def _reference() -> BinaryOutcomes:
    return profile_outcomes(read_rows("reference"))


@lru_cache(maxsize=1)
def _chunks() -> list[BinaryOutcomes]:
    rows = read_rows("analysis")
    return [profile_outcomes(rows.slice(chunk * CHUNK, CHUNK)) for chunk in range(CHUNKS)]


def estimated(chunk: int) -> dict[str, MetricValue]:
    """Estimate the performance of a chunk of the analysis period, by the metric that is estimated."""
    found = estimate_performance(_chunks()[chunk], _reference())
    return {value.metric.removeprefix("estimated_"): value for value in found}


def realised(chunk: int) -> dict[str, float | None]:
    """Measure the performance of a chunk of the analysis period."""
    return {value.metric: value.value for value in measure_outcomes(_chunks()[chunk], 0.8)}

"""Healthy days through every step of the nightly run: intake, checks, labels, drift, evaluation and pages."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.faults.source import write_day

SIZES = (50, 500, 5_000)
SEEDS = (1, 2, 3)
DAYS = 200
_REFERENCE = 28
_WARM_UP = 28
_DAY = timedelta(days=1)
_FIRST = date(2026, 1, 1)
_SPEC = """\
model: healthy
start: {start}
predictions:
  path: {root}/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    born: {{type: timestamp}}
    amount: {{type: float}}
    balance: {{type: float}}
    rate: {{type: float}}
    age: {{type: integer}}
    member: {{type: boolean}}
    country: {{type: category}}
    channel: {{type: category}}
    town: {{type: category}}
    score: {{type: float, role: score}}
    flagged: {{type: boolean, role: prediction}}
segments: [channel]
labels:
  path: {root}/labels/dt={{date}}/
  id: id
  label: fraud
  delay_days: 2
reference:
  path: {root}/reference/
  label: fraud
"""
_COUNTRIES = ("AT", "CH", "CZ", "DE", "DK", "FR", "IT", "PL")
_COUNTRY_SHARES = (0.04, 0.05, 0.01, 0.5, 0.02, 0.2, 0.15, 0.03)
_TOWNS = 5_000


def alarms(rows: int, days: int, seed: int) -> Mapping[date, list[str]]:
    """Run so many days of a Poisson number of rows, after four weeks of history; the alerts by day that has any."""
    random = np.random.default_rng(1_000 * seed + rows)
    with tempfile.TemporaryDirectory() as folder:
        root, store_url = Path(folder) / "archive", f"sqlite:///{folder}/store.db"
        start = _FIRST + _REFERENCE * _DAY
        past = [_draw(random, _FIRST + back * _DAY, rows) for back in range(_REFERENCE)]
        (root / "reference").mkdir(parents=True)
        pq.write_table(pa.concat_tables(past), root / "reference" / "part-0.parquet")
        spec = parse_spec(_SPEC.format(root=root, start=start), "healthy.yaml")
        with MetricStore(store_url) as store:
            run = Run(spec=spec, storage=Storage(), store=store, workspace=f"{folder}/workspace")
            for day in (start + offset * _DAY for offset in range(_WARM_UP + days)):
                table = _draw(random, day, rows)
                write_day(root / "predictions", day, table.drop_columns("fraud"))
                write_day(root / "labels", day + _DAY, table.select(["id", "fraud"]))
                run_partition(run, run.partition(day))
            first = start + _WARM_UP * _DAY
            found: dict[date, list[str]] = {}
            for alert in store.alerts("healthy", first, first + days * _DAY, include_resolved=True):
                found.setdefault(alert.partition.day, []).append(alert.text)
    return found


def _draw(random: np.random.Generator, day: date, mean: int) -> pa.Table:
    """The rows of a day with their labels, which its score is the probability of; more of them by day than by night."""
    rows = max(int(random.poisson(mean)), 1)
    by_hour = 1 + np.sin(np.arange(24) / 24 * np.pi) ** 2
    hours = random.choice(24, rows, p=by_hour / by_hour.sum())
    seconds = np.sort(hours * 3_600 + random.integers(0, 3_600, rows))
    start = datetime.combine(day, time(), UTC)
    age = random.integers(18, 80, rows)
    balance = random.normal(1_000, 300, rows)
    score = 1 / (1 + np.exp(-(random.normal(size=rows) - 1.5 + (balance - 1_000) / 600)))
    score = np.clip(score, 0.001, 0.999)
    at = [start + timedelta(seconds=int(one)) for one in seconds]
    towns = np.minimum(random.zipf(1.5, rows), _TOWNS)
    return pa.table(
        {
            "id": [f"{day}-{number:06d}" for number in range(rows)],
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "born": pa.array(
                [when - timedelta(days=int(365 * years)) for when, years in zip(at, age, strict=True)],
                pa.timestamp("us", "UTC"),
            ),
            "amount": random.lognormal(3, 1, rows).round(2),
            "balance": pa.array(balance, mask=random.random(rows) < 0.02),
            "rate": random.beta(2, 5, rows),
            "age": age,
            "member": random.random(rows) < 0.7,
            "country": random.choice(_COUNTRIES, rows, p=_COUNTRY_SHARES),
            "channel": random.choice(["app", "branch", "web"], rows, p=[0.5, 0.1, 0.4]),
            "town": [f"town {number}" for number in towns],
            "score": score,
            "flagged": score > 0.5,
            "fraud": random.random(rows) < score,
        }
    )

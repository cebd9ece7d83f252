"""Times a day of 100,000 rows and 20 columns through `dag.test()`, whole process, imports included.

    make bench

Prints the seconds of the whole process and of each task, and writes build/bench/in_airflow.json:
`{"figures": {"whole_s": …, "cpu_s": …}, "tasks": {…}}`. The archive lies in a folder; the
reference has 59 days of 1,000 rows, and the history is theirs.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.support.archive import to_bytes
from tests.support.dag import DAG_FILE
from tests.support.runs import write_file

ROWS = 100_000
FLOATS, CATEGORIES = 12, 4
DAY = date(2026, 3, 1)
OUTPUT = Path(__file__).parents[3] / "build" / "bench" / "in_airflow.json"

HEAD = """\
model: large
start: 2026-03-01
predictions:
  path: {root}/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    score: {{type: float, role: score}}
    flagged: {{type: boolean, role: prediction}}
"""
TAIL = """\
labels: {{path: "{root}/labels/dt={{date}}/", id: id, label: label, delay_days: 3}}
reference: {{path: "{root}/reference/", label: label}}
alerts:
  rules:
    - {{metric: score_mean, history: {{deviations: 5, floor: 0.02}}}}
    - {{metric: null_rate, max: 0.1}}
"""


def day_table(day: date, rows: int) -> pa.Table:
    """One day: 12 floats with 2 % nulls, 4 categories, id, time, score, class, and the label."""
    rng = np.random.default_rng(day.toordinal())
    score = rng.beta(2, 5, rows)
    midnight = np.datetime64(day, "us")
    columns: dict[str, object] = {
        "id": [f"{day}-{number:07d}" for number in range(rows)],
        "at": pa.array(midnight + np.sort(rng.integers(0, 86_400_000_000, rows))).cast(pa.timestamp("us", "UTC")),
        "score": score,
        "flagged": score > 0.5,
    }
    for number in range(FLOATS):
        columns[f"x{number}"] = pa.array(rng.lognormal(0, 1, rows), mask=rng.random(rows) < 0.02)
    for number in range(CATEGORIES):
        columns[f"c{number}"] = rng.choice([f"level {level}" for level in range(8 + number)], rows)
    columns["label"] = rng.random(rows) < score
    return pa.table(columns)


def write_archive(root: Path) -> str:
    """The archive of one day and its reference; the text of its spec."""
    past = pa.concat_tables([day_table(DAY - timedelta(days=n), 1_000) for n in range(59, 0, -1)])
    write_file(f"{root}/reference/part.parquet", to_bytes(past))
    table = day_table(DAY, ROWS)
    for number in range(4):
        part = table.slice(number * ROWS // 4, ROWS // 4).drop_columns(["label"])
        write_file(f"{root}/predictions/dt={DAY}/part-{number}.parquet", to_bytes(part))
    write_file(f"{root}/labels/dt={DAY}/part.parquet", to_bytes(table.select(["id", "label"])))
    return spec_text(root)


def spec_text(root: Path | str) -> str:
    """The spec of a model whose days are those of `day_table`."""
    columns = [f"    x{number}: {{type: float}}" for number in range(FLOATS)]
    columns += [f"    c{number}: {{type: category}}" for number in range(CATEGORIES)]
    return HEAD.format(root=root) + "\n".join(columns) + "\n" + TAIL.format(root=root)


def main() -> None:
    """Run the day once and print where the time went."""
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
            "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
        }
        (folder / "dags").mkdir()
        (folder / "dags" / "large.yaml").write_text(write_archive(folder / "archive"))
        (folder / "dags" / "large.py").write_text(DAG_FILE.format(folder=str(folder / "dags")))
        subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, env=environment
        )
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, "-m", "tests.support.dag_run", str(folder / "dags" / "large.py"), str(DAY)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        whole, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(re.findall(r'^\{"state".*$', done.stdout, flags=re.MULTILINE)[-1])
    if found["state"] != "success":
        sys.exit(done.stdout[-3000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {"whole_s": round(whole, 1), "cpu_s": round(cpu, 1), "peak_mb": after.ru_maxrss // 1024, "rows": ROWS}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"figures": figures, "tasks": found["seconds"]}, indent=1))
    for task, seconds in sorted(found["seconds"].items(), key=lambda item: -item[1]):
        print(f"{seconds:8.1f} s  {task}")  # noqa: T201 - the point of the command
    print(f"{whole:8.1f} s  whole process, {cpu:.1f} s of CPU, peak {figures['peak_mb']} MB, {ROWS:,} rows")  # noqa: T201


if __name__ == "__main__":
    main()

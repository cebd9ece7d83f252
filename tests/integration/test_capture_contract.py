"""Contract between capture and the monitoring: what one logs the other reads, with no word beside the spec."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from airflow_mlmon.capture import Capture
from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.traced import find_traced
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import Archive
from tests.support.attributed import COLUMNS as SHAP
from tests.support.attributed import PATTERN, attributed, write_attributed
from tests.support.kinds import FIRST, OUTPUTS, SPEC, day_of_kind
from tests.support.runs import opened, write_file

ROWS, DAYS = 150, (FIRST, FIRST + timedelta(days=1))
KEY = b"k" * 32
TRACE = "00-{:032x}-b7ad6b7169203331-01"
PROTECTED = """\
    amount: {{type: float}}
    shop: {{type: integer, personal: hash}}
    mail: {{type: string, personal: drop, required: true}}
    city: {{type: category, truncate: 2}}
    traceparent: {{type: string, role: trace}}
"""
BINARY = """\
    score: {type: float, role: score}
    prediction: {type: boolean, role: prediction}"""
# of each kind of model a metric that needs its labels, or its rows
METRIC = {
    "binary": "roc_auc",
    "multiclass": "accuracy",
    "regression": "mae",
    "ranking": "ndcg_at_k",
    "none": "null_rate",
}
LABELS = SPEC[SPEC.index("labels:") : SPEC.index("reference:")]


def spec_of(task: str, root: Path, file_format: str) -> str:
    """The spec of a model of a kind, with columns that leave the service hashed, coarse or not at all."""
    text = SPEC.replace("    amount: {{type: float}}\n", PROTECTED)
    text = text.replace("role: id}}", "role: id, personal: hash}}").replace(
        "  columns:\n", f"  format: {file_format}\n  columns:\n"
    )
    if task == "none":
        text = text.replace(LABELS, "").replace(", label: truth", "")
    else:
        text = text.replace(", id: id", f", format: {file_format}, id: id")
    outputs, keys = {"binary": (BINARY, ""), "none": ("", ""), **OUTPUTS}[task]
    return text.format(name="shop", task=task, root=root, outputs=outputs, keys=keys)


def day_table(task: str, day: date) -> pa.Table:
    """The rows of a day as the service has them, with the labels that will come."""
    table = day_of_kind("regression" if task in {"binary", "none"} else task, day, ROWS)
    if task in {"binary", "none"}:
        random = np.random.default_rng(day.toordinal())
        score = random.random(ROWS)
        others = {"score": score, "prediction": score > 0.5, "truth": random.random(ROWS) < score}
        table = pa.table({**{name: table.column(name) for name in ("id", "at", "amount", "channel")}, **others})
    if task == "none":
        table = table.select(["id", "at", "amount", "channel"])
    beside = {
        "shop": np.arange(ROWS) % 7,
        "mail": [f"{row}@shop.example" for row in range(ROWS)],
        "city": np.array(["Berlin", "Paris", "Rome"])[np.arange(ROWS) % 3],
        "traceparent": [TRACE.format(row + 1) for row in range(ROWS)],
    }
    return pa.table({**dict(zip(table.column_names, table.columns, strict=True)), **beside})


def log_days(spec: Path, spool: Path, file_format: str) -> None:
    """Log all days as a service does, a row at a time, and the labels of each on its day."""
    outputs = {"score", "prediction", "probability"}
    with Capture(spec, hash_key=KEY, spool=spool, close_seconds=60) as capture:
        for day in DAYS:
            for row in day_table(load_spec(spec).task, day).to_pylist():
                features = {name: value for name, value in row.items() if name not in {*outputs, "id", "at", "truth"}}
                trace = features.pop("traceparent")
                predicted = {name: row[name] for name in outputs & row.keys()}
                own = capture.log(features, predicted or None, id=row["id"], at=row["at"], trace=trace)
                if "truth" in row:
                    capture.log_label(own, row["truth"], at=row["at"])
        # what is written before the end needs last words beside it
        assert file_format == "parquet" or capture.flush(60)
    assert capture.counters["dropped"] == {}


@pytest.mark.parametrize(
    ("task", "file_format"),
    [*((task, "parquet") for task in METRIC), ("binary", "jsonl"), ("multiclass", "jsonl")],
)
def test_two_days_of_a_service_are_read_whole(tmp_path, task, file_format):
    root = tmp_path / "archive"
    before = [day_table(task, FIRST - timedelta(days=back)) for back in range(3, 0, -1)]
    (root / "reference").mkdir(parents=True)
    pq.write_table(pa.concat_tables(before), root / "reference" / "part.parquet")
    spec = tmp_path / "shop.yaml"
    spec.write_text(spec_of(task, root, file_format))

    log_days(spec, tmp_path / "spool", file_format)

    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        run = Run(
            spec=load_spec(spec),
            storage=Storage(),
            store=store,
            workspace=str(tmp_path / "workspace"),
            hash_key=KEY,
        )
        for day in DAYS:
            page = Path(run_partition(run, run.partition(day), evidently="none").report).read_text()
            state = store.state(run.partition(day))
            values = {value.metric: value.value for value in store.metric_values(state.partition) if not value.segment}
            rows = read_curated(run, state.partition, state.version)

            assert (state.status, state.rows_read, state.rows_accepted, state.message) == (Status.OK, ROWS, ROWS, "")
            assert values[METRIC[task]] is not None
            assert (values["capture_loss_rate"], values["capture_unknown"]) == (0.0, 0)
            assert values.get("label_coverage") == expected_coverage(task, day)
            assert "<h2>Capture</h2>" in page
            assert_protected(rows, day)
            [seventh] = find_traced(run, state.partition, f"{7:032x}")
            assert seventh["at"] == day_table(task, day).column("at")[6].as_py()
            assert seventh.keys().isdisjoint({"shop", "mail", "probability"})


def test_attributions_of_a_service_are_measured_and_shown(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    write_attributed(archive, {})
    table = attributed(FIRST)
    features = [name for name in table.column_names if name not in {*SHAP, "id", "at", "version", "repaid", "outcome"}]
    with (
        opened(tmp_path, archive, PATTERN, ("  ready: _SUCCESS\n", "")) as run,
        Capture(yaml.safe_load(archive.spec_text(PATTERN)), spool=tmp_path / "spool", close_seconds=60) as capture,
    ):
        for row in table.to_pylist():
            capture.log(
                {name: row[name] for name in features},
                id=row["id"],
                version=row["version"],
                at=row["at"],
                attributions={name.removeprefix("shap_"): row[name] for name in SHAP},
            )
        capture.close()
        day = run.partition(FIRST)
        page = Path(run_partition(run, day, evidently="none").report).read_text()
        values = {value.key: value.value for value in run.store.metric_values(day)}
        state = run.store.state(day)

    assert (state.status, state.rows_accepted) == (Status.OK, table.num_rows)
    assert values["attribution_ndcg", None, None] > 0.99
    assert values["attribution", "amount", None] > values["attribution", "term", None]
    assert "<h2>Attributions</h2>" in page


def expected_coverage(task: str, day: date) -> float | None:
    """The share of the rows that have a label."""
    table = day_table(task, day)
    return pytest.approx(1 - table.column("truth").null_count / ROWS) if "truth" in table.column_names else None


def assert_protected(rows: pa.Table, day: date) -> None:
    """Rows have what the monitoring's own intake makes of them, and each its trace."""
    assert "mail" not in rows.column_names
    assert set(rows.column("city").to_pylist()) == {"Be", "Pa", "Ro"}
    assert {len(text) for name in ("id", "shop") for text in rows.column(name).to_pylist()} == {32}
    assert pc.count_distinct(rows.column("shop")).as_py() == 7
    assert sorted(rows.column("traceparent").to_pylist()) == [TRACE.format(row + 1) for row in range(ROWS)]
    assert {moment.date() for moment in rows.column("at").to_pylist()} == {day}

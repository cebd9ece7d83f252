"""Several models on a real Airflow: one with days that were really run and hostile texts everywhere, and quiet ones."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, ActionKind, Status
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, replace_columns, to_bytes
from tests.support.hostile import SCRIPT
from tests.support.published import NOW, alert, partition_state, results
from tests.support.runs import write_file

DAYS = 7
LAST = FIRST + timedelta(days=DAYS - 1)
# models without pages: with an alert that could not be sent, one that is acknowledged, and without data
OTHERS = ("churn", "claims", "prices")
EVIL = SCRIPT + '<img src=x onerror="window.hacked=1">'
_DAGS = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_mlmon.dag_factory import build_dags

globals().update(build_dags({folder!r}))

with DAG("other.dag", schedule=None) as other:
    EmptyOperator(task_id="nothing")
"""
# as Evidently's pages are: with a script of their own, beside the folder of the day
_EVIDENTLY = """<title>waits</title><body></body><script src="../evidently-1.js"></script>"""
_EVIDENTLY_SCRIPT = """document.title = "ran at " + self.origin;"""
_WRONG = f"model: refunds\npredictions: {{path: 5}}\nowner_of: {EVIL!r}\n"

METRICS_TOKEN = "for-prometheus-alone"  # noqa: S105 - of a server that lives for the test


def write_models(home: Path) -> dict[str, str]:
    """Write the specs of some models and their DAG file below an AIRFLOW_HOME; the settings."""
    specs, dags = home / "specs", home / "dags"
    specs.mkdir()
    dags.mkdir()
    archive = _archive(home)
    hostile = {"description": EVIL, "owner": f"o {EVIL}", "team": f"t {EVIL}", "tags": [f"g {EVIL}", "credit"]}
    spec = archive.spec_text(
        ("description: Will the loan be repaid?\n", "".join(f"{name}: {text!r}\n" for name, text in hostile.items())),
        ("    channel: {type: category}\n", f"    {('c ' + EVIL)!r}: {{type: category}}\n"),
        extra=["evidently: none"],
    )
    (specs / "loans.yaml").write_text(spec)
    for name in OTHERS:
        (specs / f"{name}.yaml").write_text(archive.spec_text(("model: loans", f"model: {name}")))
    (specs / "refunds.yaml").write_text(_WRONG)
    (dags / "models.py").write_text(_DAGS.format(folder=str(specs)))
    return {
        "AIRFLOW__MLMON__STORE": f"sqlite:///{home / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(home / "workspace"),
        "AIRFLOW__MLMON__METRICS_TOKEN": METRICS_TOKEN,
    }


def run_models(home: Path, settings: dict[str, str]) -> None:
    """Run the days of these models, with their pages."""
    store = settings["AIRFLOW__MLMON__STORE"]
    _run_loans(home / "specs" / "loans.yaml", _archive(home), store, settings["AIRFLOW__MLMON__WORKSPACE"])
    _publish_others(store, home / "specs")
    reports = home / "workspace" / "reports" / "loans"
    (reports / "evidently-1.js").write_text(_EVIDENTLY_SCRIPT)
    for name, text in {"evidently.html": _EVIDENTLY, "evidently.json": "{}", "curated.parquet": "PAR1"}.items():
        (reports / str(LAST) / name).write_text(text)


def _archive(home: Path) -> Archive:
    return Archive(str(home / "archive"), write_file)


def _run_loans(path: Path, archive: Archive, store_url: str, workspace: str) -> None:
    before = [day_table(FIRST - timedelta(days=days)) for days in range(REFERENCE_DAYS, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(_hostile(pa.concat_tables(before))))
    for offset in range(DAYS):
        day = FIRST + timedelta(days=offset)
        shift = 0.35 if day == LAST else 0.0
        archive.write_day(day, shift=shift)
        archive.write_predictions(day, _hostile(day_table(day, shift=shift)))
    with MetricStore(store_url) as store:
        run = Run(spec=load_spec(path), storage=open_storage(), store=store, workspace=workspace)
        for partition in run.partitions(FIRST, LAST):
            run_partition(run, partition)


def _hostile(table: pa.Table) -> pa.Table:
    """The table with markup in a name, in categories and in the version of the model."""
    channel = [f"{value} {EVIL}" for value in table["channel"].to_pylist()]
    table = replace_columns(table, channel=channel, version=[f"v1 {EVIL}"] * table.num_rows)
    return table.rename_columns([f"c {EVIL}" if name == "channel" else name for name in table.column_names])


def _publish_others(store_url: str, specs: Path) -> None:
    with MetricStore(store_url) as store:
        for name in OTHERS:
            run = Run(spec=load_spec(specs / f"{name}.yaml"), storage=open_storage(), store=store, workspace="/nowhere")
            store.register(run.registered)
            of = Partition.of_day(name, LAST)
            if name == "prices":
                store.publish(partition_state(of, status=Status.NO_DATA), [], supersedes=None)
                continue
            found = alert(of=of, title=f"a {EVIL}", text=f"x {EVIL}")
            channels = [f"webhook:h {EVIL}"]
            store.publish(partition_state(of), [results(of, alerts=(found,))], supersedes=None, channels=channels)
            if name == "churn":
                store.mark_failed([claim.id for claim in store.claim_pending(10, NOW, model=name)], f"e {EVIL}", NOW)
            else:
                action = Action(kind=ActionKind.ACKNOWLEDGE, day=of.day, who=f"w {EVIL}", why=f"y {EVIL}", at=NOW)
                store.act(name, [found.fingerprint], action)

"""What the nightly DAG tells OpenLineage, through the provider's own listener and a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    dataset_version_dataset,
    output_statistics_output_dataset,
    schema_dataset,
    test_run,
)

from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.dag import run_dag_file
from tests.support.runs import local_archive

CLASSES = {
    "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
    "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "schema": schema_dataset.SchemaDatasetFacet,
    "test": test_run.TestRunFacet,
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("lineage")


@pytest.fixture(scope="module")
def told(folder: Path, airflow_home: Path) -> dict[str, dict[str, Any]]:
    """The last event of each task of a day with a failed check that does not block."""
    check = "{expectation: expect_column_max_to_be_between, column: term, arguments: {max_value: 24}}"
    transport = {"type": "file", "log_file_path": str(folder / "events"), "append": True}
    done = run_dag_file(
        folder,
        local_archive(folder, 1),
        str(FIRST),
        WITHOUT_EVIDENTLY,
        ("\nhistory:", f"\nquality:\n  - {check}\nhistory:"),
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport),
    )
    assert done["state"] == "success", done["log"][-4000:]
    events = [json.loads(line) for line in (folder / "events").read_text().splitlines()]
    completed = [event for event in events if event["eventType"] == "COMPLETE"]
    return {event["job"]["name"].removeprefix("loans."): event for event in completed}


def facets_of(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from event["run"]["facets"].items()
    for dataset in (*event["inputs"], *event["outputs"]):
        for group in ("facets", "inputFacets", "outputFacets"):
            yield from dataset.get(group, {}).items()


def names(datasets: list[dict[str, Any]]) -> list[str]:
    return [f"{dataset['namespace']} {dataset['name']}" for dataset in datasets]


def test_each_step_tells_what_it_read_and_wrote(told, folder: Path):
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        [state] = store.states("loans", FIRST, FIRST)
        checks = store.checks(state.partition)
        verdicts = store.verdicts(state.partition)
    curated = f"file {folder}/workspace/loans/partitions/{FIRST}/{state.version}"

    prepared = told["prepare_partition"]
    assert names(prepared["outputs"]) == [curated]
    assert f"file {folder}/archive/predictions/dt={FIRST}" in names(prepared["inputs"])
    archive = next(found for found in prepared["inputs"] if f"dt={FIRST}" in found["name"])
    counted = archive["inputFacets"]["dataQualityMetrics"]
    sizes = [path.stat().st_size for path in Path(archive["name"]).glob("*.parquet")]
    assert (counted["rowCount"], counted["fileCount"], counted["bytes"]) == (state.rows_read, len(sizes), sum(sizes))
    [output] = prepared["outputs"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == state.rows_accepted
    assert output["facets"]["version"]["datasetVersion"] == state.version

    evaluated = told["evaluate_partition"]
    assert names(evaluated["inputs"])[0] == curated
    assert names(evaluated["outputs"]) == [f"sqlite:///{folder}/store.db mlmon_metrics"]
    tests = evaluated["run"]["facets"]["test"]["tests"]
    assert len(tests) == len(checks) + len(verdicts) > 1
    assert [(test["status"], test["severity"]) for test in tests if test["type"].startswith("expect_")] == [
        ("fail", "warn")
    ]
    assertions = evaluated["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {one["success"] for one in assertions} == {True, False}


def test_facets_are_those_of_the_providers_classes_and_hold_no_personal_column(told):
    found = [(name, facet) for event in told.values() for name, facet in facets_of(event) if name in CLASSES]

    assert {name for name, _ in found} == set(CLASSES)
    for name, facet in found:
        kept = {key: value for key, value in facet.items() if not key.startswith("_")}
        assert facet["_schemaURL"] == CLASSES[name]._get_schema()
        CLASSES[name](**kept)

    profile = told["evaluate_partition"]["inputs"][0]
    columns = profile["inputFacets"]["dataQualityMetrics"]["columnMetrics"]
    assert columns["amount"]["min"] < columns["amount"]["max"]
    [curated] = Path(profile["name"]).glob("curated*.parquet")
    assert columns["amount"]["nullCount"] == pq.read_table(curated)["amount"].null_count > 0
    assert "email" not in json.dumps(told)

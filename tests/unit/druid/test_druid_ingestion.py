from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from airflow_mlmon.druid.ingestion import (
    Dimension,
    DimensionType,
    build_ingestion_task,
    build_metrics_datasource,
    build_predictions_datasource,
    format_druid_interval,
    task_id,
)
from airflow_mlmon.druid.inputs import build_input_format, build_input_source
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition

SPEC = """\
model: fraud
start: 2026-01-01
predictions:
  path: s3://archive/fraud/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    version: {type: category, role: version}
    score: {type: float, role: score}
    fraud: {type: boolean, role: prediction}
    amount: {type: float}
    items: {type: integer}
    country: {type: category}
    email: {type: string, personal: hash}
    phone: {type: string, personal: drop}
    debug: {type: string, role: ignored}
reference: {path: s3://archive/reference/}
"""
DAY = Partition.of_day("fraud", date(2026, 3, 8))
URL = "https://s3/day.json.gz?X-Amz-Signature=abc"


@pytest.fixture
def spec():
    return parse_spec(SPEC, "fraud.yaml")


def test_predictions_have_the_declared_types_and_no_personal_column(spec):
    datasource = build_predictions_datasource(spec)

    assert datasource.name == "fraud_predictions"
    assert datasource.time_column == "at"
    assert {dimension.name: dimension.type.value for dimension in datasource.dimensions} == {
        "id": "string",
        "version": "string",
        "score": "double",
        "fraud": "long",
        "amount": "double",
        "items": "long",
        "country": "string",
    }


def test_a_column_with_a_name_of_druids_is_refused():
    spec = parse_spec(SPEC.replace("country:", "__time:"), "fraud.yaml")

    with pytest.raises(ConfigError, match="__time"):
        build_predictions_datasource(spec)


def test_a_task_replaces_exactly_the_partition_and_forgives_nothing(spec):
    task = build_ingestion_task("t", build_metrics_datasource(spec), DAY, input_urls=[URL], version="4f1c")

    schema, io, tuning = (task["spec"][key] for key in ("dataSchema", "ioConfig", "tuningConfig"))
    assert schema["dataSource"] == "fraud_metrics"
    assert schema["granularitySpec"]["intervals"] == ["2026-03-08T00:00:00.000Z/2026-03-09T00:00:00.000Z"]
    assert (schema["granularitySpec"]["segmentGranularity"], schema["granularitySpec"]["rollup"]) == ("DAY", False)
    assert (io["appendToExisting"], io["dropExisting"]) == (False, False)
    assert tuning["maxParseExceptions"] == 0
    assert io["inputSource"] == {"type": "http", "uris": [URL]}
    json.dumps(task, allow_nan=False)


def test_days_without_rows_among_several_are_emptied(spec):
    days = Partition("fraud", DAY.start, DAY.shift(1).end)

    task = build_ingestion_task("t", build_metrics_datasource(spec), days, input_urls=[URL], version="4f1c")

    assert task["spec"]["ioConfig"]["dropExisting"] is True


def test_only_the_id_has_no_bitmap_index(spec):
    task = build_ingestion_task("t", build_predictions_datasource(spec), DAY, input_urls=[URL], version="4f1c")

    dimensions = task["spec"]["dataSchema"]["dimensionsSpec"]["dimensions"]
    assert [one["name"] for one in dimensions if one.get("createBitmapIndex") is False] == ["id"]


def test_each_part_of_a_load_changes_the_id(spec):
    table = build_predictions_datasource(spec).name
    ids = {
        task_id(table, DAY, version="a", clear_number=0, attempt=1),
        task_id(build_metrics_datasource(spec).name, DAY, version="a", clear_number=0, attempt=1),
        task_id(table, DAY.shift(1), version="a", clear_number=0, attempt=1),
        task_id(table, Partition("fraud", DAY.start, DAY.shift(1).end), version="a", clear_number=0, attempt=1),
        task_id(table, DAY, version="b", clear_number=0, attempt=1),
        task_id(table, DAY, version="a", clear_number=1, attempt=1),
        task_id(table, DAY, version="a", clear_number=0, attempt=2),
    }

    assert len(ids) == 7


@pytest.mark.parametrize("version", ["", "a/b", "'; x", ".a", "a" * 65])
def test_a_version_that_is_no_part_of_an_id_is_refused(spec, version):
    with pytest.raises(ConfigError):
        task_id(build_metrics_datasource(spec).name, DAY, version=version, clear_number=0, attempt=1)


def test_an_interval_of_hours_is_refused():
    hours = Partition("fraud", datetime(2026, 3, 8, 1, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC))

    with pytest.raises(ConfigError, match="midnight"):
        format_druid_interval(hours)


@pytest.mark.parametrize(
    ("urls", "what"),
    [
        ([], "no input files"),
        (["https://s3/day.json"], "no input format"),
        (["https://s3/day.json.gz", "https://s3/day.parquet"], "no input format"),
        (["gs://bucket/day.json.gz"], "got gs"),
        (["https://s3/a.gz", "file:///a.gz"], "got file, https"),
    ],
)
def test_input_that_druid_cannot_read_is_refused(urls, what):
    with pytest.raises(ConfigError, match=what):
        build_input_source(urls), build_input_format(urls)


def test_paths_and_file_urls_are_local_input():
    assert build_input_source(["file:///a%20b/day.gz", "/c/day.gz"]) == {
        "type": "local",
        "files": ["/a b/day.gz", "/c/day.gz"],
    }


def test_vectors_are_left_out_by_name_and_decimals_are_doubles():
    spec = parse_spec(
        SPEC.replace("amount: {type: float}", "amount: {type: decimal}\n    e: {type: vector, dimension: 3}"),
        "fraud.yaml",
    )

    datasource = build_predictions_datasource(spec)

    kinds = {dimension.name: dimension.type.value for dimension in datasource.dimensions}
    assert kinds["amount"] == "double"
    assert "e" not in kinds
    assert datasource.left_out == ("e",)


def test_objects_of_s3_are_read_by_druid_itself():
    urls = ["s3://bucket/day.parquet"]

    assert build_input_source(urls) == {"type": "s3", "uris": urls}
    assert build_input_format(urls)["type"] == "parquet"


def test_the_label_is_loaded_as_a_number():
    spec = parse_spec(f"{SPEC}labels: {{path: 's3://archive/labels/{{date}}/', id: id, label: proved}}\n", "fraud.yaml")

    assert build_predictions_datasource(spec).dimensions[-1] == Dimension(name="proved", type=DimensionType.LONG)

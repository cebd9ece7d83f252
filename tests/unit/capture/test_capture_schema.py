"""What capture reads of a spec is what the monitoring reads of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlmon.archive.labels import key_columns, label_columns
from airflow_mlmon.archive.layouts.layout import moments_of
from airflow_mlmon.archive.layouts.patterns import Pattern
from airflow_mlmon.capture import CaptureError, CaptureSchema, read_schema
from airflow_mlmon.capture.folders import EPOCH, ArchivePath
from airflow_mlmon.loading import load_spec, parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.registry import task_of
from tests.support import archive, base_day, durations, kinds, searches, species

ROOT = Path(__file__).parents[3]
FILES = sorted([*(ROOT / "include/models").glob("*.yaml"), *(ROOT / "include/serving").glob("*.yaml")])
EVERYTHING = """\
model: everything
start: 2026-03-01
day_zone: Europe/Berlin
classes: [repaid, lost]
predictions:
  path: s3://bucket/all/{year}/{month}/{day}/region={region}/
  path_zone: America/New_York
  timezone: +01:00
  columns:
    id: {type: string, role: id, personal: hash}
    at: {type: timestamp, role: time, unit: ms}
    release: {type: category, role: version}
    age: {type: integer, generalise: 10}
    weight: {type: float, generalise: 0.5}
    seen: {type: timestamp, generalise: month}
    postcode: {type: string, truncate: 3}
    name: {type: string, personal: hash}
    birth: {type: string, personal: drop}
    price: {type: decimal}
    region: {type: category, required: true}
    note: {type: string, role: text}
    face: {type: vector, dimension: 8}
    queue: {type: integer}
    "shap_{feature}": {type: float, role: attribution}
    score: {type: float, role: score}
    predicted: {type: boolean, role: prediction}
operational: {latency_s: took, status: code, errors: [5xx, "429"], saturation: [queue, load]}
labels: {path: "s3://bucket/labels/{date}/{hour}/", id: {id: loan}, label: lost_it, outcome: why}
reference: {path: "s3://bucket/reference/"}
quality:
  - {expectation: expect_column_values_to_be_between, column: age, arguments: {min_value: 18, max_value: 99}}
  - {expectation: expect_column_values_to_not_be_null, column: age}
"""
CLASSES = """\
model: kinds_of_iris
start: 2026-03-01
classes: [setosa, virginica]
task: multiclass
predictions:
  path: flowers/{date}/{hour}
  format: jsonl
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    width: {type: float}
    kind: {type: category, role: prediction}
    "proba_{class}": {type: float, role: probability}
operational: {latency_ms: took, status: state, errors: [failed]}
reference: {path: flowers/reference}
"""
VECTOR = """\
model: explained
start: 2026-03-01
predictions:
  path: ["/data/{date}/"]
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    width: {type: float}
    height: {type: float}
    shap: {type: vector, dimension: 2, role: attribution}
    score: {type: float, role: score}
reference: {path: flowers/reference}
labels: {path: /labels/table/, watermark: written, id: [id, width_code], label: y}
"""
VECTOR = VECTOR.replace(
    "    width: {type: float}\n", "    width: {type: float}\n    width_code: {type: string, role: ignored}\n"
)


def _texts() -> dict[str, str]:
    found = {
        "loans": archive.SPEC.format(root="/data"),
        "species": species.SPEC.format(root="/data"),
        "durations": durations.SPEC.format(root="/data"),
        "searches": searches.SPEC.format(root="/data"),
        "base": (base_day.SPEC + base_day.LABELS).format(root="/data"),
        "everything": EVERYTHING,
        "classes": CLASSES,
        "vector": VECTOR,
    }
    for task, (outputs, keys) in kinds.OUTPUTS.items():
        found[task] = kinds.SPEC.format(name=task, task=task, root="/data", outputs=outputs, keys=keys)
    return found


TEXTS = _texts()


@pytest.mark.parametrize("name", TEXTS)
def test_schema_agrees_with_the_spec(name):
    _agree(read_schema(yaml.safe_load(TEXTS[name])), parse_spec(TEXTS[name], "spec.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_schema_of_a_file_agrees_with_the_spec(file):
    _agree(read_schema(file), load_spec(file))


def test_relative_paths_are_those_of_the_file(tmp_path):
    (tmp_path / "flowers.yaml").write_text(CLASSES)

    _agree(read_schema(tmp_path / "flowers.yaml"), load_spec(tmp_path / "flowers.yaml"))


def _agree(schema: CaptureSchema, spec: ModelSpec) -> None:
    predictions = spec.predictions
    declared = {
        name: (
            *(str(column.type), str(column.role), column.personal and str(column.personal), column.truncate),
            *(column.generalise, column.dimension, column.unit, column.classes, column.feature),
        )
        for name, column in predictions.columns.items()
    }
    read = {
        name: (
            *(column.type, column.role, column.personal, column.truncate),
            *(column.generalise, column.dimension, column.unit, column.classes, column.feature),
        )
        for name, column in schema.columns.items()
    }
    assert list(read) == list(declared)
    assert read == declared
    assert (schema.model, schema.path, schema.timezone) == (spec.model, predictions.paths[0], predictions.timezone)
    assert schema.format == (predictions.format or "parquet")
    assert schema.outputs == tuple(name for name in spec.outputs if spec.columns[name].role != "attribution")
    _agree_on_folders(schema, spec)
    _agree_on_requests(schema, spec)
    _agree_on_labels(schema, spec)


def _agree_on_folders(schema: CaptureSchema, spec: ModelSpec) -> None:
    """Every folder of a day that clocks change on is one that the monitoring lists for that day, and no other."""
    path = ArchivePath(schema)
    for day in (date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25)):
        partition = Partition.of_day(spec.model, day, spec.day_zone)
        pattern = Pattern(schema.path)
        listed = {pattern.time_of(moment) for moment in moments_of(spec.predictions, schema.path, partition)}
        moments = [partition.start + timedelta(minutes=20 * n) for n in range(72)]
        found = set()
        for moment in moments:
            folder = path.root + path.with_values(
                path.folder_of((moment - EPOCH) // timedelta(microseconds=1)), _Same()
            )
            match = pattern.match(f"{folder}0123456789ab-000000000001.parquet")
            assert match is not None
            assert set(match.values.values()) <= {"same"}
            found.add(match.time)
        assert found == listed


class _Same(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "same"

    def __bool__(self) -> bool:
        return True


def _agree_on_requests(schema: CaptureSchema, spec: ModelSpec) -> None:
    operational: Any = spec.operational
    assert schema.status == (operational and operational.status)
    assert (schema.latency_ms or schema.latency_s) == (operational and operational.latency)
    if operational and operational.status:
        assert operational.is_error(schema.failure)
        assert operational.is_known(schema.success)
        assert not operational.is_error(schema.success)


def _agree_on_labels(schema: CaptureSchema, spec: ModelSpec) -> None:
    if spec.labels is None:
        assert schema.labels is None
        return
    own = schema.labels
    assert own is not None
    assert own.path == spec.labels.path
    assert set(own.columns) == set(label_columns(spec, spec.labels))
    assert list(own.columns)[: len(key_columns(spec))] == list(key_columns(spec).values())
    for name, column in label_columns(spec, spec.labels).items():
        if name != spec.labels.label:
            assert own.columns[name].type == column.type
    assert task_of(spec).label_type
    if "{" in own.path:
        path, pattern = ArchivePath(own), Pattern(own.path)
        moment = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
        match = pattern.match(f"{path.root}{path.folder_at(moment)}x.parquet")
        assert match is not None


def test_ranges_are_those_of_the_checks():
    assert read_schema(yaml.safe_load(EVERYTHING)).ranges == {"age": (18, 99)}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        pytest.param("path: s3", "log: seldon\n  path: s3", "predictions.log: the files are those of seldon", id="log"),
        pytest.param("path: s3", "format: csv\n  path: s3", "capture writes parquet or jsonl, not csv", id="csv"),
        pytest.param("path: s3", "format: delta\n  path: s3", "not delta", id="delta"),
        pytest.param("{type: decimal}", "{type: money}", "columns.price.type: 'money' is unknown", id="type"),
        pytest.param("{type: decimal}", "decimal", "columns.price: write {type: …}", id="short"),
        pytest.param("role: id,", "role: ignored,", "a column with `role: id`", id="no id"),
        pytest.param("model: everything", "mode: x", "not the spec of a model", id="model"),
        pytest.param("dimension: 8", "dimension: 0", "needs its `dimension`", id="dimension"),
        pytest.param("generalise: 10", "generalise: hour", "'hour' is no step of type integer", id="step"),
        pytest.param(
            "{type: string, truncate: 3}", "{type: integer, truncate: 3}", "only for type string", id="truncate"
        ),
        pytest.param("path: s3://bucket/all/", 'path: ["a/{date}/", "b/{date}/"] #', "names 2 paths", id="several"),
        pytest.param("personal: drop", "personal: maybe", "'maybe' is unknown; valid are drop, hash", id="personal"),
        pytest.param("{id: loan}", "{nobody: loan}", "'nobody' is no column of the predictions", id="label key"),
    ],
)
def test_spec_that_capture_cannot_serve_is_refused(before, after, message):
    assert before in EVERYTHING

    with pytest.raises(CaptureError) as caught:
        read_schema(yaml.safe_load(EVERYTHING.replace(before, after, 1)))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("s3://bucket/{date}.parquet", "names one file"),
        ("s3://bucket/*/{date}/", "* may be any text"),
        ("s3://bucket/{date}/part-*.parquet", "names one file"),
        ("s3://bucket/{date}/{nothing}/", "{nothing} is neither a part of the time nor a column"),
        ("s3://bucket/{date}/{birth}/", "the column birth cannot be a part of the path"),
    ],
)
def test_path_that_capture_cannot_write_is_refused(path, message):
    with pytest.raises(CaptureError) as caught:
        ArchivePath(read_schema(yaml.safe_load(EVERYTHING), path))

    assert message in str(caught.value)


def test_path_of_any_files_of_the_format_is_their_folder():
    path = ArchivePath(read_schema(yaml.safe_load(EVERYTHING), "s3://bucket/dt={date}/*.parquet"))

    assert (path.root, path.folder_of(0)) == ("s3://bucket/", "dt=1969-12-31/")


def test_relative_path_of_a_mapping_is_below_the_working_folder():
    path = ArchivePath(read_schema(yaml.safe_load(EVERYTHING), "dt={date}/"))

    assert (path.root, path.folder_of(0)) == ("./", "dt=1969-12-31/")


def test_zone_that_the_machine_lacks_is_refused():
    schema = read_schema(yaml.safe_load(EVERYTHING.replace("America/New_York", "Mars/Phobos")))

    with pytest.raises(CaptureError, match="'Mars/Phobos' is no time zone"):
        ArchivePath(schema)


def test_file_that_is_no_yaml_is_refused_by_name(tmp_path):
    (tmp_path / "spec.yaml").write_text("a: [")

    with pytest.raises(CaptureError, match=r"spec\.yaml: cannot be read as a spec"):
        read_schema(tmp_path / "spec.yaml")

"""Recipes of serving systems: each spec over a day of its system, each configuration as its system takes it."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

import botocore.session
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from botocore.validate import ParamValidator
from deltalake import DeltaTable, write_deltalake

from airflow_mlmon.cli.main import main
from airflow_mlmon.records import Status
from tests.support.base_day import FIRST, day_table, metric_of, run_day
from tests.support.envelopes import to_lines
from tests.support.logs import LOGS, expected_rows, requests_of
from tests.support.recipes import RECIPES, Recipe

SYSTEMS = sorted(path.parent.name for path in RECIPES.glob("*/model.yaml"))


def expected(day, time_column="event_time", **more):
    """The rows of a day under the names of the recipes."""
    renamed = {"id": "request_id", "at": time_column}
    return [
        {renamed.get(name, name): value for name, value in row.items()} | more for row in expected_rows(day_table(day))
    ]


@pytest.mark.parametrize("system", SYSTEMS)
def test_spec_is_accepted(system, capsys):
    assert main(["check", str(RECIPES / system / "model.yaml")]) == 0
    assert ": ok: model fraud, 2 features" in capsys.readouterr().out


def test_day_of_sagemakers_data_capture_with_its_ground_truth(tmp_path):
    recipe = Recipe("sagemaker", tmp_path)
    table = day_table(FIRST)
    for name, content in LOGS["sagemaker"](table).items():
        recipe.write(f"capture/fraud/AllTraffic/{FIRST:%Y/%m/%d}/05/{name}", content)
    truth = [
        {
            "groundTruthData": {"data": "\n".join(str(int(row["flagged"])) for row in rows), "encoding": "CSV"},
            "eventMetadata": {"eventId": own_id},
            "eventVersion": "0",
        }
        for own_id, rows in requests_of(table)
    ]
    recipe.write(f"ground-truth/fraud/{FIRST:%Y/%m/%d}/06/truth.jsonl", to_lines(*truth))

    state, rows = recipe.read_day(FIRST)

    assert (state.status, rows) == (Status.OK, expected(FIRST))
    with recipe.opened() as run:
        assert metric_of(run, FIRST, "label_coverage") == 1.0
        assert metric_of(run, FIRST, "accuracy") == 1.0


def test_day_of_kserves_logger(tmp_path):
    recipe = Recipe("kserve", tmp_path)
    written = datetime.combine(FIRST, time(13), UTC).timestamp()
    for name, content in LOGS["kserve"](day_table(FIRST)).items():
        os.utime(recipe.write(f"kserve/payments/fraud/predictor/logs/{name}", content), (written, written))

    state, rows = recipe.read_day(FIRST)

    assert (state.status, rows) == (Status.OK, expected(FIRST))


def test_day_of_seldons_topics_as_the_sink_writes_them(tmp_path):
    recipe = Recipe("seldon", tmp_path)
    name = json.loads((RECIPES / "seldon" / "s3-sink.json").read_text())["config"]["file.name.template"]
    for direction, content in zip(("inputs", "outputs"), LOGS["seldon"](day_table(FIRST)).values(), strict=True):
        lines = []
        for number, line in enumerate(content.splitlines()):
            message = json.loads(line)
            at = datetime.fromtimestamp(message["timestamp"] / 1000, UTC).isoformat().replace("+00:00", "Z")
            lines.append({"key": message["key"], "value": message["value"], "offset": number, "timestamp": at})
        path = _fill(name, topic=f"seldon.payments.pipeline.fraud.{direction}", partition="0")
        recipe.write(path, gzip.compress(to_lines(*lines)))

    state, rows = recipe.read_day(FIRST)

    assert (state.status, rows) == (Status.OK, expected(FIRST))


def _fill(template: str, **values: str) -> str:
    """The name of a file by a template of the sink, on the first day and from the first offset."""
    parts = {"timestamp:unit=yyyy": "%Y", "timestamp:unit=MM": "%m", "timestamp:unit=dd": "%d"}
    known = {name: f"{FIRST:{part}}" for name, part in parts.items()} | {"start_offset:padding=true": "0" * 20} | values
    for name, value in known.items():
        template = template.replace(f"{{{{{name}}}}}", value)
    assert "{" not in template
    return template


def test_day_of_an_inference_table(tmp_path):
    recipe = Recipe("databricks", tmp_path)
    for content in LOGS["databricks"](day_table(FIRST)).values():
        write_deltalake(recipe.root / "tables" / "fraud_payload", _inference_table(content), mode="append")
    failed = {"databricks_request_id": "x", "status_code": 503, "request": None, "response": None}
    write_deltalake(recipe.root / "tables" / "fraud_payload", _inference_table(failed), mode="append")
    DeltaTable(recipe.root / "tables" / "fraud_payload").optimize.compact()

    with recipe.opened() as run:
        state = run_day(run, FIRST)
        errors = metric_of(run, FIRST, "error_rate")
    _, rows = recipe.read_day(FIRST)

    envelope = {"served_entity_id": "fraud-7", "status_code": "200", "execution_duration_ms": 14.0}
    assert (state.status, rows) == (Status.OK, expected(FIRST, **envelope))
    assert errors == pytest.approx(1 / 201)


def _inference_table(content: bytes | Mapping[str, Any]) -> pa.Table:
    """Rows of a table of the AI Gateway."""
    if isinstance(content, bytes):
        rows = pq.read_table(io.BytesIO(content)).to_pylist()
    else:
        rows = [{"request_time": datetime.combine(FIRST, time(9), UTC), "sampling_fraction": 1.0, **content}]
    own = {"client_request_id": None, "execution_duration_ms": 14, "served_entity_id": "fraud-7", "requester": "a@b.c"}
    schema = pa.schema(
        [
            ("client_request_id", pa.string()),
            ("databricks_request_id", pa.string()),
            ("request_time", pa.timestamp("us", "UTC")),
            ("status_code", pa.int32()),
            ("sampling_fraction", pa.float64()),
            ("execution_duration_ms", pa.int64()),
            ("request", pa.string()),
            ("response", pa.string()),
            ("served_entity_id", pa.string()),
            ("requester", pa.string()),
        ]
    )
    return pa.Table.from_pylist([own | row for row in rows], schema)


def test_data_capture_is_what_sagemakers_api_takes():
    config = json.loads((RECIPES / "sagemaker" / "endpoint-config.json").read_text())
    shape = (
        botocore.session.get_session()
        .get_service_model("sagemaker")
        .operation_model("CreateEndpointConfig")
        .input_shape
    )

    report = ParamValidator().validate(config, shape)

    assert not report.has_errors(), report.generate_report()
    assert config["DataCaptureConfig"]["CaptureOptions"] == [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]


# fields of the manifests, by the path to them: those of the definitions that the files cite
_FIELDS = {
    "serving.kserve.io/v1beta1 InferenceService": {
        "spec": {"predictor"},
        "spec.predictor": {"logger", "model", "minReplicas", "maxReplicas", "serviceAccountName"},
        "spec.predictor.logger": {
            "batchInterval",
            "batchSize",
            "marshallerUrl",
            "metadataAnnotations",
            "metadataHeaders",
            "mode",
            "storage",
            "url",
        },
        "spec.predictor.logger.storage": {"key", "parameters", "path", "serviceAccountName"},
        "spec.predictor.logger.storage.parameters": {"format", "type"},
        "spec.predictor.model": {"modelFormat", "protocolVersion", "runtime", "storageUri"},
        "spec.predictor.model.modelFormat": {"name", "version"},
    },
    "mlops.seldon.io/v1alpha1 Model": {"spec": {"storageUri", "requirements", "memory", "replicas", "secretName"}},
    "mlops.seldon.io/v1alpha1 Pipeline": {
        "spec": {"steps", "output", "input"},
        "spec.steps": {"name", "inputs", "triggers", "batch", "tensorMap", "joinWindowMs"},
        "spec.output": {"steps", "tensorMap", "joinWindowMs", "stepsJoin"},
    },
    "v1 Secret": {"type": None, "stringData": None},
    "v1 ServiceAccount": {"secrets": None},
}


def _check_fields(value: Any, known: Mapping[str, Any], at: str) -> None:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and known.get(at) is not None:
            assert one.keys() <= known[at], at
            for name, inner in one.items():
                _check_fields(inner, known, f"{at}.{name}")


@pytest.mark.parametrize("path", ["kserve/inference-service.yaml", "seldon/pipeline.yaml"])
def test_manifest_has_the_fields_of_its_kind(path):
    documents = list(yaml.safe_load_all((RECIPES / path).read_text()))

    for document in documents:
        known = _FIELDS[f"{document['apiVersion']} {document['kind']}"]
        sections = document.keys() - {"apiVersion", "kind", "metadata"}
        assert sections <= {name.partition(".")[0] for name in known}
        assert document["metadata"].keys() <= {"name", "namespace", "annotations"}
        for name in sections:
            _check_fields(document[name], known, name)


def test_kserves_keys_are_those_that_the_spec_reads():
    documents = yaml.safe_load_all((RECIPES / "kserve" / "inference-service.yaml").read_text())
    service = next(document for document in documents if document["kind"] == "InferenceService")
    logger = service["spec"]["predictor"]["logger"]
    spec = yaml.safe_load((RECIPES / "kserve" / "model.yaml").read_text())

    place = [logger["url"], service["metadata"]["namespace"], service["metadata"]["name"], "predictor"]

    assert spec["predictions"]["path"] == f"{'/'.join(place)}{logger['storage']['path']}/"
    assert (logger["mode"], logger["storage"]["parameters"]) == ("all", {"type": "s3", "format": "json"})


def test_seldons_topics_are_those_of_its_pipeline():
    documents = yaml.safe_load_all((RECIPES / "seldon" / "pipeline.yaml").read_text())
    pipeline = next(document for document in documents if document["kind"] == "Pipeline")["metadata"]
    sink = json.loads((RECIPES / "seldon" / "s3-sink.json").read_text())["config"]
    spec = yaml.safe_load((RECIPES / "seldon" / "model.yaml").read_text())

    topics = [f"seldon.{pipeline['namespace']}.pipeline.{pipeline['name']}.{way}" for way in ("inputs", "outputs")]

    assert sink["topics"].split(",") == topics
    assert spec["predictions"]["path"] == [
        f"s3://{sink['aws.s3.bucket.name']}/topics/{topic}/dt={{date}}/" for topic in topics
    ]


def test_databricks_table_is_named_by_its_prefix():
    config = json.loads((RECIPES / "databricks" / "ai-gateway.json").read_text())["inference_table_config"]
    spec = yaml.safe_load((RECIPES / "databricks" / "model.yaml").read_text())

    # fields of AiGatewayInferenceTableConfig in databricks-sdk
    assert config.keys() == {"enabled", "catalog_name", "schema_name", "table_name_prefix"}
    assert spec["predictions"]["path"].endswith(f"/{config['table_name_prefix']}_payload/")

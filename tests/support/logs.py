"""The base day as the logs of serving systems: files by name, of requests with one, two or three rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tests.support.archive import to_bytes
from tests.support.envelopes import captured, logged, to_base64, to_lines

FEATURES = ("amount", "country")
OUTPUTS = ("score", "flagged")
Files = dict[str, bytes]
Requests = list[tuple[str, list[dict[str, Any]]]]


def requests_of(table: pa.Table) -> Requests:
    """The rows of a day as requests, each with its id and its rows, which share the time of the first."""
    rows = table.to_pylist()
    found: Requests = []
    while rows:
        size = 1 + len(found) % 3
        own, rows = rows[:size], rows[size:]
        found.append((own[0]["id"], [row | {"at": own[0]["at"]} for row in own]))
    return found


def expected_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a day with the ids and times of their requests, in the order of the ids."""
    named = (
        row | {"id": f"{own_id}#{n}" if len(rows) > 1 else own_id}
        for own_id, rows in requests_of(table)
        for n, row in enumerate(rows)
    )
    return sorted(named, key=lambda row: str(row["id"]))


def sagemaker(table: pa.Table) -> Files:
    """Data capture: CSV, every fourth body in base64."""
    records = []
    for number, (own_id, rows) in enumerate(requests_of(table)):
        request, response = (
            "\n".join(",".join(_csv(row[name]) for name in names) for row in rows) for names in (FEATURES, OUTPUTS)
        )
        record = captured(request, response, inferenceId=own_id, inferenceTime=_zulu(rows))
        if number % 4 == 0:
            record["captureData"]["endpointInput"] |= {"data": to_base64(request), "encoding": "BASE64"}
        records.append(record)
    return _divided("23-59-00.jsonl", records, to_lines)


def kserve(table: pa.Table) -> Files:
    """Inference logger: tensors of the second protocol, requests and responses in JSON arrays of their own."""
    records: dict[str, list[Any]] = {"request": [], "response": []}
    for own_id, rows in requests_of(table):
        inputs = [_tensor("amount", "FP64", rows), _tensor("country", "BYTES", rows)]
        outputs = [_tensor("score", "FP64", rows), _tensor("flagged", "BOOL", rows)]
        records["request"].append(logged(own_id, "request", {"inputs": inputs}, occurrenceTime=_zulu(rows)))
        records["response"].append(logged(own_id, "response", {"outputs": outputs}, occurrenceTime=_zulu(rows)))
    return {
        f"{kind}-{name}": content
        for kind, own in records.items()
        for name, content in _divided("batch.json", own, lambda *found: json.dumps(found).encode()).items()
    }


def seldon(table: pa.Table) -> Files:
    """Topics of inputs and outputs as a sink writes them, with the values in base64."""
    messages: dict[str, list[Any]] = {"inputs": [], "outputs": []}
    for own_id, rows in requests_of(table):
        bodies = {
            "inputs": [_tensor("amount", "FP64", rows), _tensor("country", "BYTES", rows)],
            "outputs": [_tensor("score", "FP64", rows), _tensor("flagged", "BOOL", rows)],
        }
        for direction, tensors in bodies.items():
            messages[direction].append(
                {
                    "key": own_id,
                    "topic": f"seldon.ml.model.m.{direction}",
                    "timestamp": round(rows[0]["at"].timestamp() * 1000),
                    "value": to_base64({direction: tensors}),
                }
            )
    return {f"{direction}.jsonl": to_lines(*own) for direction, own in messages.items()}


def bentoml(table: pa.Table) -> Files:
    """Monitoring logs: one record a row, of which a request may be cut by rotation."""
    records = [
        {name: row[name] for name in (*FEATURES, *OUTPUTS)}
        | {"timestamp": row["at"].replace(tzinfo=None).isoformat(), "request_id": own_id, "trace_id": "1"}
        for own_id, rows in requests_of(table)
        for row in rows
    ]
    half = len(records) // 2
    return {"data.1.log.2026-02-28": to_lines(*records[:half]), "data.1.log": to_lines(*records[half:])}


def azureml(table: pa.Table) -> Files:
    """Collections of inputs and outputs."""
    collections: dict[str, list[Any]] = {"inputs": [], "outputs": []}
    for own_id, rows in requests_of(table):
        for collection, names in (("inputs", FEATURES), ("outputs", OUTPUTS)):
            collections[collection].append(
                {
                    "specversion": "1.0",
                    "id": f"{collection}-{own_id}",
                    "type": f"azureml.inference.{collection}",
                    "time": _zulu(rows),
                    "correlationid": own_id,
                    "data": [{name: row[name] for name in names} for row in rows],
                }
            )
    return {f"{collection}.jsonl": to_lines(*own) for collection, own in collections.items()}


def databricks(table: pa.Table) -> Files:
    """Inference table as Parquet, with requests in each of their forms."""
    records = [
        {
            "databricks_request_id": own_id,
            "request_time": rows[0]["at"],
            "status_code": 200,
            "sampling_fraction": 1.0,
            "request": json.dumps(_request(number, rows)),
            "response": json.dumps({"predictions": [{name: row[name] for name in OUTPUTS} for row in rows]}),
        }
        for number, (own_id, rows) in enumerate(requests_of(table))
    ]
    return _divided("part.parquet", records, lambda *own: to_bytes(pa.Table.from_pylist(list(own))))


def _request(number: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    records = [{name: row[name] for name in FEATURES} for row in rows]
    forms = (
        {"dataframe_records": records},
        {"dataframe_split": {"columns": list(FEATURES), "data": [list(record.values()) for record in records]}},
        {"instances": [list(record.values()) for record in records]},
        {"inputs": {name: [record[name] for record in records] for name in FEATURES}},
    )
    return forms[number % len(forms)]


def _divided(name: str, records: list[Any], write: Callable[..., bytes]) -> Files:
    """Two files of records, the later ones first by name."""
    half = len(records) // 2
    return {f"0-{name}": write(*records[half:]), f"1-{name}": write(*records[:half])}


def _tensor(name: str, datatype: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "shape": [len(rows), 1], "datatype": datatype, "data": [row[name] for row in rows]}


def _csv(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _zulu(rows: list[dict[str, Any]]) -> str:
    return f"{rows[0]['at']:%Y-%m-%dT%H:%M:%SZ}"


LOGS: dict[str, Callable[[pa.Table], Files]] = {
    "sagemaker": sagemaker,
    "kserve": kserve,
    "seldon": seldon,
    "bentoml": bentoml,
    "azureml": azureml,
    "databricks": databricks,
}

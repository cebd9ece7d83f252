"""The logs of serving systems: the same day as flat rows."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from airflow_mlmon.archive.envelopes.reserved import RESERVED
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import Status, VerdictState
from tests.support.base_day import FIRST, LABELS, BaseArchive, day_of, day_table, metric_of, run_day
from tests.support.envelopes import captured, logged, to_lines
from tests.support.logs import FEATURES, LOGS, OUTPUTS, expected_rows, requests_of

START = datetime.combine(FIRST, time(), UTC)


def of(log, *more):
    return ("  columns:\n", "\n".join((f"  log: {log}", "  timezone: UTC", *more, "  columns:\n")))


def run_first(archive, *replacements):
    with archive.opened(*replacements) as run:
        state = run_day(run, FIRST)
        partition = run.partition(FIRST)
        manifest = json.loads(run.files.read(run.version_uri(partition, state.version, MANIFEST)))
        return state, read_curated(run, partition, state.version), manifest


@pytest.mark.parametrize("log", LOGS)
def test_day_in_the_log_of_a_system_has_the_rows_of_a_flat_one(tmp_path, log):
    archive = BaseArchive(tmp_path)
    for name, content in LOGS[log](day_table(FIRST)).items():
        archive.write(f"preds/dt={FIRST}/{name}", content)

    state, curated, manifest = run_first(archive, of(log))

    assert (state.status, state.rows_read, state.rows_accepted) == (Status.OK, 200, 200)
    assert sorted(curated.to_pylist(), key=lambda row: row["id"]) == expected_rows(day_table(FIRST))
    assert sum(file["rows"] for file in manifest["files"]) == 200


def test_refused_requests_are_one_row_each_and_all_rows_add_up(tmp_path):
    archive = BaseArchive(tmp_path)
    rows = [captured(f"{n}.5,DE", "0.5,true", inferenceId=f"r-{n}") for n in range(40)]
    rows += [captured("1,DE\n2,FR", "0.5,true", inferenceId="counts"), captured("1", "0.5,true", inferenceId="values")]
    rows += [captured(None, "0.5,true", inferenceId=f"null-{n}") for n in range(3)]
    archive.write(f"preds/dt={FIRST}/a.jsonl", to_lines(*rows))

    state, curated, manifest = run_first(archive, of("sagemaker"))

    assert (state.status, state.rows_read, state.rows_accepted) == (Status.PARTIAL, 45, 40)
    assert manifest["quarantined"] == {
        "payload too large or null": 3,
        "row counts differ": 1,
        "undecodable payload": 1,
    }
    assert manifest["files"][0]["faults"] == {}
    assert sorted(curated.column("id").to_pylist()) == sorted(f"r-{n}" for n in range(40))


def test_damaged_file_takes_none_of_its_rows_into_the_day(tmp_path):
    archive = BaseArchive(tmp_path)
    files = LOGS["kserve"](day_table(FIRST))
    for name, content in files.items():
        archive.write(f"preds/dt={FIRST}/{name}", content)
    lines = to_lines(*(logged(f"other-{n}", "request", {"instances": [[1, "DE"]]}) for n in range(50)))
    archive.write(f"preds/dt={FIRST}/00-damaged.jsonl", lines[:-9])

    state, curated, manifest = run_first(archive, of("kserve"))

    assert (state.status, state.rows_read, state.rows_accepted) == (Status.PARTIAL, 200, 200)
    assert curated.num_rows == 200
    assert [file["uri"][-16:] for file in manifest["files"] if file["problem"]] == ["00-damaged.jsonl"]


def test_error_that_the_spec_knows_is_an_accepted_error(tmp_path):
    archive = BaseArchive(tmp_path)
    archive.spec_text += "operational: {status: status_code, errors: [4xx, 5xx]}\n"
    day = LOGS["databricks"](day_table(FIRST))
    for name, content in day.items():
        archive.write(f"preds/dt={FIRST}/{name}", content)
    failed = {
        "databricks_request_id": "x",
        "request_time": START,
        "status_code": 503,
        "request": None,
        "response": None,
    }
    archive.write(f"preds/dt={FIRST}/failed.parquet", pa.Table.from_pylist([failed]))

    state, curated, manifest = run_first(archive, of("databricks"))

    assert (state.status, state.rows_read, state.rows_accepted) == (Status.OK, 201, 201)
    assert (manifest["rows_errors"], curated.num_rows) == (1, 200)


def test_ground_truth_is_joined_by_the_id_of_the_request(tmp_path):
    archive = BaseArchive(
        tmp_path, ("  label: fraud\n", "  label: fraud\n  log: sagemaker\n"), of("sagemaker"), labels=LABELS
    )
    table = day_table(FIRST)
    for name, content in LOGS["sagemaker"](table).items():
        archive.write(f"preds/dt={FIRST}/{name}", content)
    truth = [_truth(own_id, [str(int(row["flagged"])) for row in rows]) for own_id, rows in requests_of(table)]
    archive.write(f"labels/dt={FIRST}/00/truth.jsonl", to_lines(*truth, _truth("no-label", ["1,2"])))

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert "undecodable payload (1 values)" in state.arrival.message
        assert metric_of(run, FIRST, "label_coverage") == 1.0
        assert metric_of(run, FIRST, "accuracy") == 1.0


def _truth(own_id, values):
    return {
        "groundTruthData": {"data": "\n".join(values), "encoding": "CSV"},
        "eventMetadata": {"eventId": own_id},
        "eventVersion": "0",
    }


def test_sample_of_the_requests_is_no_fall_of_the_rows(tmp_path):
    archive = BaseArchive(tmp_path, of("databricks"))
    days = [day_of(offset) for offset in range(8)]
    for day in days:
        share = 0.1 if day == days[-1] else 1.0
        archive.write(f"preds/dt={day}/part.parquet", _sampled(day, share))

    with archive.opened() as run:
        for day in days:
            state = run_day(run, day)
        verdicts = {one.metric: one.state for one in run.store.verdicts(state.partition)}

        assert metric_of(run, day, "sampling_fraction") == pytest.approx(0.1)
        assert metric_of(run, day, "rows_before_sampling") == pytest.approx(200)
        assert verdicts["rows_before_sampling"] is VerdictState.OK
        assert "rows" not in verdicts


def _sampled(day, share):
    """The share of a day's rows that is logged, each a request."""
    rows = day_table(day).slice(0, round(200 * share)).to_pylist()
    records = [
        {
            "databricks_request_id": row["id"],
            "request_time": row["at"],
            "status_code": 200,
            "sampling_fraction": share,
            "request": json.dumps({"dataframe_records": [{name: row[name] for name in FEATURES}]}),
            "response": json.dumps({"predictions": [{name: row[name] for name in OUTPUTS}]}),
        }
        for row in rows
    ]
    return pa.Table.from_pylist(records)


def test_request_before_midnight_is_paired_with_its_response_after_it(tmp_path):
    archive = BaseArchive(tmp_path, of("kserve", "  lateness_days: 1"))
    days = [FIRST, day_of(1)]
    for day in days:
        for name, content in LOGS["kserve"](day_table(day)).items():
            folder = day_of(1) if day == FIRST and name == "response-0-batch.json" else day
            archive.write(f"preds/dt={folder}/{day}-{name}", content)

    with archive.opened() as run:
        states = [run_day(run, day) for day in days]

        assert [(state.status, state.rows_accepted) for state in states] == [(Status.OK, 200)] * 2
        assert [
            sorted(read_curated(run, state.partition, state.version).to_pylist(), key=lambda row: row["id"])
            for state in states
        ] == [expected_rows(day_table(day)) for day in days]


def test_response_that_comes_later_gives_its_day_a_new_version(tmp_path):
    archive = BaseArchive(tmp_path, of("kserve", "  lateness_days: 1"))
    files = LOGS["kserve"](day_table(FIRST))
    late = files.pop("response-0-batch.json")
    for name, content in files.items():
        archive.write(f"preds/dt={FIRST}/{name}", content)

    with archive.opened() as run:
        before = run_day(run, FIRST)
        archive.write(f"preds/dt={day_of(1)}/response-0-batch.json", late)
        after = run_day(run, FIRST)

        assert (before.status, after.status) == (Status.PARTIAL, Status.OK)
        assert before.rows_accepted < after.rows_accepted == 200
        assert before.version != after.version


def test_inference_table_is_read_by_its_log(tmp_path):
    columns = of("databricks", "  format: delta", "  dates: event")
    archive = BaseArchive(tmp_path, ("/preds/dt={date}/", "/preds/"), columns)
    table = f"{archive.root}/preds"
    days = [FIRST, day_of(1)]
    for day in days:
        write_deltalake(table, pa.concat_tables(_tables_of(LOGS["databricks"](day_table(day)))), mode="append")
    # compaction leaves the files of before beside the new one
    DeltaTable(table).optimize.compact()

    with archive.opened() as run:
        states = [run_day(run, day) for day in days]

        assert [(state.status, state.rows_accepted) for state in states] == [(Status.OK, 200)] * 2
        assert [
            sorted(read_curated(run, state.partition, state.version).to_pylist(), key=lambda row: row["id"])
            for state in states
        ] == [expected_rows(day_table(day)) for day in days]


def _tables_of(files):
    return [pq.read_table(io.BytesIO(content)) for content in files.values()]


def test_target_that_is_logged_with_the_predictions_is_their_label(tmp_path):
    archive = BaseArchive(tmp_path, of("bentoml"))
    archive.spec_text += "labels: {label: fraud}\n"
    records = [
        {"amount": row["amount"], "country": row["country"], "score": row["score"], "flagged": row["flagged"]}
        | {"fraud": row["flagged"], "request_id": row["id"], "timestamp": row["at"].replace(tzinfo=None).isoformat()}
        for row in day_table(FIRST).to_pylist()
    ]
    archive.write(f"preds/dt={FIRST}/data.1.log", to_lines(*records))

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert (state.status, state.rows_accepted) == (Status.OK, 200)
        assert metric_of(run, FIRST, "label_coverage") == 1.0
        assert metric_of(run, FIRST, "accuracy") == 1.0


FORGED = {name: f"a private word of {name}" for name in sorted(RESERVED)}


def _with_forged_fields(row):
    return {"features": {name: row[name] for name in FEATURES} | FORGED, "answer": {"score": row["score"]} | FORGED}


def _as_databricks(row, features, answer):
    request, response = json.dumps({"dataframe_records": [features]}), json.dumps({"predictions": [answer]})
    envelope = {"databricks_request_id": row["id"], "request_time": row["at"].isoformat(), "status_code": 200}
    return envelope | {"request": request, "response": response}


def _as_bentoml(row, features, answer):
    return features | answer | {"timestamp": row["at"].isoformat(), "request_id": row["id"]}


@pytest.mark.parametrize(
    ("log", "to_record", "sampled"), [("databricks", _as_databricks, 1.0), ("bentoml", _as_bentoml, None)]
)
def test_a_payload_cannot_speak_for_its_envelope(tmp_path, log, to_record, sampled):
    archive = BaseArchive(tmp_path, ("    flagged: {type: boolean, role: prediction}\n", ""))
    records = [to_record(row, **_with_forged_fields(row)) for row in day_table(FIRST).to_pylist()]
    archive.write(f"preds/dt={FIRST}/a.jsonl", "\n".join(map(json.dumps, records)).encode())

    state, _, manifest = run_first(archive, of(log))

    assert (state.status, state.message, state.rows_accepted) == (Status.OK, "", 200)
    assert manifest["sampling_fraction"] == sampled

"""Archives that capture has written: nothing is hashed twice, and what is not there is said."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from airflow_mlmon.archive.curation.personal import hash_values
from airflow_mlmon.capture.marks import key_id
from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of
from airflow_mlmon.records import Status
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day
from tests.support.marked import PROCESS, files_of, hashed, marks_of, parquet_of, prepare_day, write_files
from tests.support.sharded import prepare_in_shards

KEY, OTHER = b"key", b"another"
DECLARED = """\
    country: {{type: category}}
    account: {{type: integer, personal: hash}}
    mail: {{type: string, personal: drop, required: true}}
"""
PERSONAL = (
    ("    country: {type: category}\n", DECLARED),
    ("id: {type: string, role: id}", "id: {{type: string, role: id, personal: hash}}"),
)


def personal_rows(day: Any = FIRST) -> pa.Table:
    table = day_table(day)
    accounts = pa.array(range(1_000, 1_000 + table.num_rows))
    return table.append_column("account", accounts).append_column("mail", pa.array(["a@b.example"] * table.num_rows))


def curated(run: Run, prepared: Prepared) -> pa.Table:
    return read_curated(run, prepared.partition, prepared.version)


def manifest_of(run: Run, prepared: Prepared) -> dict[str, Any]:
    uri = run.version_uri(prepared.partition, prepared.version, "manifest.json")
    content: dict[str, Any] = json.loads(run.files.read(uri))
    return content


def personal_archive(tmp_path: Any, labels: str = "") -> BaseArchive:
    archive = BaseArchive(tmp_path, *PERSONAL, labels=labels)
    archive.write("reference/part-0.parquet", personal_rows(day_of(-1)))
    return archive


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_captured_and_other_files_of_a_day_are_hashed_once(tmp_path, ending):
    archive = personal_archive(tmp_path)
    table = personal_rows()
    safe, protection = hashed(KEY, table.slice(0, 120).drop_columns(["mail"]), "id", "account")
    protection["protected"]["mail"] = "dropped"
    write_files(archive, files_of(safe, marks_of(120, closing=True, **protection), ending))
    archive.write_day(FIRST, table.slice(120))

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare_day(run)
        rows = curated(run, prepared)
        [captured, other] = sorted(manifest_of(run, prepared)["files"], key=lambda file: file["rows"], reverse=True)

    assert (prepared.status, prepared.rows_accepted, prepared.message) == (Status.OK, ROWS, "")
    for name in ("id", "account"):
        assert sorted(rows.column(name).to_pylist()) == sorted(hash_values(table.column(name), KEY).to_pylist())
    assert "mail" not in rows.column_names
    assert (captured["capture"]["key"], other["capture"]) == (key_id(KEY), None)


@pytest.mark.guards("fault-51")
def test_hashes_of_another_key_are_refused_with_their_file(tmp_path):
    archive = personal_archive(tmp_path)
    table = personal_rows()
    safe, protection = hashed(KEY, table, "id", "account")
    write_files(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)))

    with archive.opened(hash_key=OTHER) as run:
        prepared = prepare_day(run)
        assert curated(run, prepared).num_rows == 0

    assert prepared.status is Status.QUARANTINED
    for word in (
        "column 'account'",
        key_id(KEY),
        key_id(OTHER),
        "AIRFLOW__MLMON__HASH_KEY",
        f"{PROCESS}-000000000001.p",
    ):
        assert word in prepared.message


def test_hashes_need_the_key_that_made_them(tmp_path):
    archive = personal_archive(tmp_path)
    safe, protection = hashed(KEY, personal_rows(), "id", "account")
    archive.write("reference/part-0.parquet", parquet_of(safe, marks_of(ROWS, **protection)))

    with (
        archive.opened() as run,
        pytest.raises(ConfigError, match=f"'account' .* key {key_id(KEY)}, and no key is set"),
    ):
        prepare_day(run)


def test_a_file_of_another_key_costs_its_rows_alone(tmp_path):
    archive = personal_archive(tmp_path)
    table = personal_rows()
    good, protection = hashed(KEY, table.slice(0, 150), "id", "account")
    write_files(archive, files_of(good, marks_of(150, closing=True, **protection)))
    bad, protection = hashed(OTHER, table.slice(150), "id", "account")
    write_files(archive, files_of(bad, marks_of(50, process="ba", closing=True, **protection)))

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare_day(run)

    assert (prepared.status, prepared.rows_accepted) == (Status.PARTIAL, 150)
    assert [(cause.kind, cause.count) for cause in prepared.causes] == [("files_refused", 1)]


@pytest.mark.parametrize("text", [b"{", b"{}", b'{"format": 1, "process": "x"}', b'{"format": 9}', b"[1]"])
def test_a_file_whose_marks_cannot_be_read_is_refused(tmp_path, text):
    archive = personal_archive(tmp_path)
    files = files_of(personal_rows(), marks_of(ROWS), "jsonl")
    write_files(archive, {**files, next(iter(files)): text})

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare_day(run)

    assert prepared.status is Status.QUARANTINED
    assert "marks of capture that cannot be read" in prepared.message


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
@pytest.mark.parametrize("is_hashed", [True, False])
def test_labels_join_by_ids_that_are_hashed_once(tmp_path, ending, is_hashed):
    archive = personal_archive(tmp_path, LABELS)
    table = personal_rows()
    safe, protection = hashed(KEY, table, "id", "account")
    write_files(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)))
    labels = labels_of(table)
    safe, protection = hashed(KEY, labels, "id") if is_hashed else (labels, {})
    write_files(archive, files_of(safe, marks_of(ROWS, closing=True, **protection), ending), root="labels")

    with archive.opened(hash_key=KEY) as run:
        state = run_day(run, FIRST)

        assert (state.status, state.message) == (Status.OK, "")
        assert metric_of(run, FIRST, "label_coverage") == 1.0


def test_labels_of_another_key_are_refused(tmp_path):
    archive = personal_archive(tmp_path, LABELS)
    archive.write_day(FIRST, personal_rows())
    safe, protection = hashed(OTHER, labels_of(personal_rows()), "id")
    write_files(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)), root="labels")

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare_day(run)
        assert [delivery.rows for delivery in deliveries_of(run, run.partition(FIRST))] == [0]

    assert prepared.status is Status.PARTIAL
    assert "column 'id' was hashed by capture with key" in prepared.message


def test_check_reads_the_marks_and_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    archive = personal_archive(tmp_path)
    spec = archive.root / "m.yaml"
    spec.write_text(archive.spec_text)
    safe, protection = hashed(KEY, personal_rows().drop_columns(["mail"]), "id", "account")
    protection["protected"]["mail"] = "dropped"
    write_files(archive, files_of(safe, marks_of(ROWS, dropped={"queue_full": 3}, closing=True, **protection)))
    said = {}

    for key in (None, KEY, OTHER):
        if key:
            monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", key.decode())
        main(["check", str(spec), "--data", "--partition", str(FIRST)])
        said[key] = capsys.readouterr().out

    assert "hash_key is not set here" in said[None]
    for key in (None, KEY):
        assert "captured by 1 process: 200 rows, 3 lacking" in said[key]
        assert f"hashed before they left the service with key {key_id(KEY)}: account, id" in said[key]
        assert "dropped before they left the service: mail" in said[key]
    assert f"column 'account' was hashed by capture with key {key_id(KEY)}" in said[OTHER]
    assert f"the key set here is {key_id(OTHER)}" in said[OTHER]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_draft_of_a_captured_archive_guesses_nothing_that_the_marks_tell(tmp_path, ending, monkeypatch, capsys):
    archive = BaseArchive(tmp_path)
    table = (
        personal_rows()
        .drop_columns(["mail"])
        .rename_columns({"id": "ticket", "at": "moment", "amount": "event_time_score", "score": "s", "flagged": "f"})
    )
    safe, protection = hashed(KEY, table, "ticket", "account")
    protection["protected"]["mail"] = "dropped"
    roles = {"ticket": "id", "moment": "time", "s": "score", "f": "prediction"}
    write_files(archive, files_of(safe, marks_of(ROWS, model="fraud", roles=roles, closing=True, **protection), ending))
    monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", KEY.decode())

    assert main(["init", f"{archive.root}/preds", "--yes", "--output", str(tmp_path / "draft.yaml")]) == 0
    spec = load_spec(tmp_path / "draft.yaml")
    assert main(["check", str(tmp_path / "draft.yaml"), "--data", "--partition", str(FIRST)]) == 0

    assert (spec.model, spec.task) == ("fraud", "binary")
    assert {name: str(column.role) for name, column in spec.columns.items() if column.role != "feature"} == roles
    personal = {name: str(column.personal) for name, column in spec.columns.items() if column.personal}
    assert personal == {"ticket": "hash", "account": "hash", "mail": "drop"}
    assert f"day {FIRST}: OK" in capsys.readouterr().out


def test_columns_that_only_the_service_protects_are_named(tmp_path):
    archive = BaseArchive(tmp_path)
    safe, protection = hashed(KEY, day_table(FIRST).drop_columns(["amount"]), "country")
    protection["protected"]["amount"] = "dropped"
    write_files(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)))

    with archive.opened() as run:
        prepared = prepare_day(run)

    assert (prepared.status, prepared.rows_accepted) == (Status.OK, ROWS)
    assert "column 'amount' was dropped by capture, and has no values: write `personal: drop`" in prepared.message
    assert "column 'country' was hashed by capture" in prepared.message


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_captured_day_in_shards_is_the_same(tmp_path, ending):
    archive = personal_archive(tmp_path)
    table = personal_rows()
    for number in range(4):
        part, protection = hashed(KEY, table.slice(50 * number, 50), "id", "account")
        dropped = {"queue_full": number}
        write_files(archive, files_of(part, marks_of(50, first=1 + 60 * number, dropped=dropped, **protection), ending))
    write_files(archive, {f"_capture/closed-{PROCESS}.json": b"{", "_capture/lost-aa.json": b"[]"})

    with archive.opened(hash_key=KEY) as run:
        whole = prepare_day(run)
    with archive.opened(("reference:", "shards: {megabytes: 0.0001}\nreference:"), hash_key=KEY) as run:
        divided = prepare_in_shards(run, run.partition(FIRST))
        rows = curated(run, divided)

    assert (divided.version, divided.message, divided.causes) == (whole.version, whole.message, whole.causes)
    assert (whole.status, whole.is_captured, divided.is_captured) == (Status.PARTIAL, True, True)
    assert "24 rows: logged by the service, and in no file so far" in whole.message
    assert f"closed-{PROCESS}.json cannot be read" in whole.message
    assert "lost-aa.json cannot be read" in whole.message
    assert sorted(rows.column("account").to_pylist()) == sorted(hash_values(table.column("account"), KEY).to_pylist())

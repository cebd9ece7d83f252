"""Archives that capture has written: nothing is hashed twice, and what is not there is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from airflow_mlmon.archive.curation.personal import hash_values
from airflow_mlmon.capture.marks import LostRows, key_id
from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of
from airflow_mlmon.records import Status
from airflow_mlmon.reports.page import render_day
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day
from tests.support.marked import PROCESS, files_of, hashed, marks_of, parquet_of

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


def write(archive: BaseArchive, files: Mapping[str, bytes], day: Any = FIRST, root: str = "preds") -> None:
    for name, content in files.items():
        archive.write(f"{root}/dt={day}/{name}", content)


def prepare(run: Run, day: Any = FIRST) -> Prepared:
    return prepare_partition(run, run.partition(day))


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
    write(archive, files_of(safe, marks_of(120, closing=True, **protection), ending))
    archive.write_day(FIRST, table.slice(120))

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare(run)
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
    write(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)))

    with archive.opened(hash_key=OTHER) as run:
        prepared = prepare(run)
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
        prepare(run)


def test_a_file_of_another_key_costs_its_rows_alone(tmp_path):
    archive = personal_archive(tmp_path)
    table = personal_rows()
    good, protection = hashed(KEY, table.slice(0, 150), "id", "account")
    write(archive, files_of(good, marks_of(150, closing=True, **protection)))
    bad, protection = hashed(OTHER, table.slice(150), "id", "account")
    write(archive, files_of(bad, marks_of(50, process="ba", closing=True, **protection)))

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare(run)

    assert (prepared.status, prepared.rows_accepted) == (Status.PARTIAL, 150)
    assert [(cause.kind, cause.count) for cause in prepared.causes] == [("files_refused", 1)]


@pytest.mark.parametrize("text", [b"{", b"{}", b'{"format": 1, "process": "x"}', b'{"format": 9}', b"[1]"])
def test_a_file_whose_marks_cannot_be_read_is_refused(tmp_path, text):
    archive = personal_archive(tmp_path)
    files = files_of(personal_rows(), marks_of(ROWS), "jsonl")
    write(archive, {**files, next(iter(files)): text})

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare(run)

    assert prepared.status is Status.QUARANTINED
    assert "marks of capture that cannot be read" in prepared.message


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
@pytest.mark.parametrize("is_hashed", [True, False])
def test_labels_join_by_ids_that_are_hashed_once(tmp_path, ending, is_hashed):
    archive = personal_archive(tmp_path, LABELS)
    table = personal_rows()
    safe, protection = hashed(KEY, table, "id", "account")
    write(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)))
    labels = labels_of(table)
    safe, protection = hashed(KEY, labels, "id") if is_hashed else (labels, {})
    write(archive, files_of(safe, marks_of(ROWS, closing=True, **protection), ending), root="labels")

    with archive.opened(hash_key=KEY) as run:
        state = run_day(run, FIRST)

        assert (state.status, state.message) == (Status.OK, "")
        assert metric_of(run, FIRST, "label_coverage") == 1.0


def test_labels_of_another_key_are_refused(tmp_path):
    archive = personal_archive(tmp_path, LABELS)
    archive.write_day(FIRST, personal_rows())
    safe, protection = hashed(OTHER, labels_of(personal_rows()), "id")
    write(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)), root="labels")

    with archive.opened(hash_key=KEY) as run:
        prepared = prepare(run)
        assert [delivery.rows for delivery in deliveries_of(run, run.partition(FIRST))] == [0]

    assert prepared.status is Status.PARTIAL
    assert "column 'id' was hashed by capture with key" in prepared.message


def test_what_capture_dropped_and_lost_is_told(tmp_path):
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    # 40 numbers without a row: 30 were dropped, and 10 are nowhere
    write(archive, files_of(table.slice(0, 60), marks_of(60)))
    second = marks_of(60, first=101, dropped={"queue_full": 28, "naive_time": 2}, closing=True)
    write(archive, files_of(table.slice(60, 60), second))
    write(archive, files_of(table.slice(120), marks_of(80, process="aa")))
    lost = LostRows(model="m", process="aa", accepted=85, published=80, lost=5, alive="2026-03-01T20:00:00+00:00")
    write(archive, {"_capture/lost-aa.json": lost.to_json()})

    with archive.opened() as run:
        state = run_day(run, FIRST)
        page = render_day(day_page(run, run.partition(FIRST)))

        assert (state.status, state.rows_accepted) == (Status.PARTIAL, ROWS)
        counted = {cause.about: cause.count for cause in state.causes if cause.kind == "rows_not_captured"}
        assert counted == {
            "dropped by capture (queue_full)": 28,
            "dropped by capture (naive_time)": 2,
            "lost by capture with a process that was killed": 5,
            "logged by the service, and in no file so far": 10,
        }
        assert metric_of(run, FIRST, "capture_dropped") == 30
        assert metric_of(run, FIRST, "capture_lost") == 15
        assert metric_of(run, FIRST, "capture_unknown") == 0
        assert metric_of(run, FIRST, "capture_loss_rate") == pytest.approx(45 / 245)
        alerts = [one.title for one in run.store.alerts("m", FIRST, FIRST)]
    assert "rows not captured: dropped by capture (queue_full)" in alerts
    assert re.search(r"rows lacking(</bdi>)?</dt><dd>45\b", page)
    assert re.search(r"dropped by capture \(queue_full\)(</bdi>)?</td><td class=\"number\">28<", page)


def test_files_that_come_later_are_taken_in_by_the_next_run(tmp_path):
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    write(archive, files_of(table.slice(0, 100), marks_of(100)))
    write(archive, files_of(table.slice(150), marks_of(50, first=151)))
    write(archive, files_of(day_table(day_of(1)), marks_of(ROWS, first=201, closing=True)), day_of(1))
    write(archive, files_of(day_table(day_of(2)), marks_of(ROWS, process="bb", closing=True)), day_of(2))

    with archive.opened() as run:
        first = run_partition(run, run.partition(FIRST))
        before = run.store.state(first.partition)
        # the spool of an hour without the archive, uploaded after the night
        write(archive, files_of(table.slice(100, 50), marks_of(50, first=101)))
        second = run_partition(run, run.partition(day_of(1)))
        after = run.store.state(first.partition)
        third = run_partition(run, run.partition(day_of(2)))

    assert (before.status, before.rows_accepted) == (Status.PARTIAL, 150)
    assert before.message == "50 rows: logged by the service, and in no file so far"
    assert (after.status, after.rows_accepted, after.message) == (Status.OK, ROWS, "")
    assert [day.day for day in second.days] == [day_of(1), FIRST]
    assert [day.day for day in third.days] == [day_of(2)]


def test_a_process_of_which_nothing_is_heard_is_told_until_it_is(tmp_path):
    archive = BaseArchive(tmp_path)
    write(archive, files_of(day_table(FIRST), marks_of(ROWS)))

    with archive.opened() as run:
        prepared = prepare(run)
        went_on = dict(files_of(day_table(day_of(1)), marks_of(ROWS, first=ROWS + 1)))
        write(archive, went_on, day_of(1))
        later = prepare(run)

    assert (prepared.status, later.status, later.message) == (Status.OK, Status.OK, "")
    assert prepared.message == (
        "capture: 1 processes have neither ended in order nor written since: unknown, at most 5,000 rows are lost"
    )


def test_rows_of_a_sample_stand_for_those_that_were_not_captured(tmp_path):
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    write(archive, files_of(table.slice(0, 100), marks_of(100, sampled=0.1, closing=True)))
    archive.write_day(FIRST, table.slice(100))

    with archive.opened() as run:
        run_day(run, FIRST)

        assert metric_of(run, FIRST, "rows_before_sampling") == pytest.approx(1_100)
        assert metric_of(run, FIRST, "sampling_fraction") == pytest.approx(200 / 1_100)


def test_check_reads_the_marks_and_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    archive = personal_archive(tmp_path)
    spec = archive.root / "m.yaml"
    spec.write_text(archive.spec_text)
    safe, protection = hashed(KEY, personal_rows().drop_columns(["mail"]), "id", "account")
    protection["protected"]["mail"] = "dropped"
    write(archive, files_of(safe, marks_of(ROWS, dropped={"queue_full": 3}, closing=True, **protection)))
    said = {}

    for key in (None, KEY, OTHER):
        if key:
            monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", key.decode())
        main(["check", str(spec), "--data", "--partition", str(FIRST)])
        said[key] = capsys.readouterr().out

    assert "hash_key is not set here" in said[None]
    for key in (None, KEY):
        assert "captured by 1 processes: 200 rows, 3 lacking" in said[key]
        assert f"hashed before they left the service with key {key_id(KEY)}: account, id" in said[key]
        assert "dropped before they left the service: mail" in said[key]
    assert f"column 'account' was hashed by capture with key {key_id(KEY)}" in said[OTHER]
    assert f"the key set here is {key_id(OTHER)}" in said[OTHER]


def test_values_that_capture_could_not_keep_count_like_those_that_cannot_be_read(tmp_path):
    archive = BaseArchive(tmp_path)
    refused = {"amount is not a number": 4, "unknown_feature": 9}
    write(archive, files_of(day_table(FIRST), marks_of(ROWS, refused=refused, closing=True)))

    with archive.opened() as run:
        prepared = prepare(run)

    assert prepared.status is Status.PARTIAL
    assert [(cause.kind, cause.about, cause.count) for cause in prepared.causes] == [
        ("values_unreadable", "amount is not a number", 4)
    ]


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
    write(archive, files_of(safe, marks_of(ROWS, model="fraud", roles=roles, closing=True, **protection), ending))
    monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", KEY.decode())

    assert main(["init", f"{archive.root}/preds", "--yes", "--output", str(tmp_path / "draft.yaml")]) == 0
    spec = load_spec(tmp_path / "draft.yaml")
    assert main(["check", str(tmp_path / "draft.yaml"), "--data", "--partition", str(FIRST)]) == 0

    assert (spec.model, spec.task) == ("fraud", "binary")
    assert {name: str(column.role) for name, column in spec.columns.items() if column.role != "feature"} == roles
    personal = {name: str(column.personal) for name, column in spec.columns.items() if column.personal}
    assert personal == {"ticket": "hash", "account": "hash", "mail": "drop"}
    assert f"day {FIRST}: OK" in capsys.readouterr().out


def test_a_request_is_found_by_its_trace(tmp_path, capsys):
    archive = BaseArchive(tmp_path, ("    country:", "    traceparent: {{type: string, role: trace}}\n    country:"))
    spec = archive.root / "m.yaml"
    spec.write_text(archive.spec_text)
    traces = [f"00-{row + 1:032x}-b7ad6b7169203331-01" for row in range(ROWS)]
    table = day_table(FIRST).append_column("traceparent", pa.array(traces))
    write(archive, files_of(table, marks_of(ROWS, closing=True)))
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path / "workspace")]
    with archive.opened() as run:
        state = run_day(run, FIRST)

    asked = ["trace", str(spec), traces[4].upper(), "--partition", str(FIRST), *places]
    assert (main([*asked, "--json"]), json.loads(capsys.readouterr().out)["id"]) == (0, f"{FIRST}-00004")
    assert (main(asked), f"id: {FIRST}-00004\n" in capsys.readouterr().out) == (0, True)
    asked[2] = "f" * 32
    assert (main(asked), capsys.readouterr().out) == (1, f"no accepted row of {FIRST} has this trace\n")
    asked[2] = "nothing"
    assert main(asked) == 2
    # the reference has no traces, and is none the worse
    assert (state.status, state.message) == (Status.OK, "")


def test_labels_that_capture_lost_are_told(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    labels = labels_of(table.slice(0, 190))
    write(archive, files_of(labels, marks_of(190, dropped={"queue_full": 6}, closing=True)), root="labels")
    lost = LostRows(model="m", process="aa", accepted=4, published=0, lost=4)
    write(archive, {"_capture/lost-aa.json": lost.to_json()}, root="labels")

    with archive.opened() as run:
        state = run_day(run, FIRST)

    assert (state.status, state.rows_accepted) == (Status.PARTIAL, ROWS)
    assert sorted((cause.kind, cause.count) for cause in state.causes) == [
        ("labels_not_captured", 4),
        ("labels_not_captured", 6),
    ]
    assert "labels: 6 rows: dropped by capture (queue_full)" in state.message


def test_columns_that_only_the_service_protects_are_named(tmp_path):
    archive = BaseArchive(tmp_path)
    safe, protection = hashed(KEY, day_table(FIRST).drop_columns(["amount"]), "country")
    protection["protected"]["amount"] = "dropped"
    write(archive, files_of(safe, marks_of(ROWS, closing=True, **protection)))

    with archive.opened() as run:
        prepared = prepare(run)

    assert (prepared.status, prepared.rows_accepted) == (Status.OK, ROWS)
    assert "column 'amount' was dropped by capture, and has no values: write `personal: drop`" in prepared.message
    assert "column 'country' was hashed by capture" in prepared.message

"""Labels as they are delivered in the wild: late, of skipped days, twice, in other spellings and other places."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.history.late_labels import take_labels
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import Status
from tests.support.base_day import (
    FIRST,
    LABELS,
    BaseArchive,
    day_of,
    day_table,
    labels_of,
    metric_of,
    run_day,
)


def with_ids(ids: list[object]) -> pa.Table:
    return day_table(FIRST).set_column(0, "id", pa.array([str(found) for found in ids]))


def test_delivery_of_a_skipped_day_is_taken_in_by_the_next_run(tmp_path):
    """apache/airflow #41014: a DAG was paused, and the run between is missing."""
    archive = BaseArchive(tmp_path, labels=LABELS)
    for offset in range(5):
        archive.write_day(day_of(offset))
        archive.write_labels(day_of(offset + 2), labels_of(day_table(day_of(offset))))

    with archive.opened() as run:
        # the day on which the labels of the second day come is skipped
        for offset in (0, 1, 2):
            run_day(run, day_of(offset))
        assert metric_of(run, day_of(1), "label_coverage") == 0
        run_day(run, day_of(4))

        assert [metric_of(run, day_of(offset), "accuracy") for offset in range(3)] == [1, 1, 1]
        [skipped] = run.store.states("m", day_of(3), day_of(3))
        assert not skipped.evaluated


def test_folder_that_is_added_to_is_read_again(tmp_path):
    """aws/sagemaker-python-sdk #3224 and #2624: ground truth is added to folders of earlier hours."""
    archive = BaseArchive(tmp_path, labels=LABELS)
    labels = labels_of(day_table(FIRST))
    for offset in range(4):
        archive.write_day(day_of(offset))

    with archive.opened() as run:
        for offset in range(4):
            if offset != 2:
                archive.write_labels(FIRST, labels.slice(50 * offset, 50), f"l-{offset}.parquet")
            run_day(run, day_of(offset))

        assert metric_of(run, FIRST, "label_coverage") == 0.75
        taken = take_labels(run, FIRST, day_of(3))
        assert (taken.delivered, taken.days) == ({}, ())


def test_labels_of_days_that_never_ran_are_taken_in_by_the_command(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    for offset in range(3):
        archive.write_day(day_of(offset))
    with archive.opened() as run:
        for offset in range(3):
            run_day(run, day_of(offset))
        for offset in range(2):
            archive.write_labels(day_of(offset + 5), labels_of(day_table(day_of(offset))))

        taken = take_labels(run, FIRST, day_of(9))

        assert taken.delivered == {"2026-03-06": 200, "2026-03-07": 200}
        assert taken.days == ("2026-03-01", "2026-03-02")
        assert [metric_of(run, day_of(offset), "accuracy") for offset in range(2)] == [1, 1]
        assert metric_of(run, day_of(2), "label_coverage") == 0


def test_labels_of_a_day_may_come_in_many_deliveries(tmp_path):
    archive = BaseArchive(tmp_path, ("delay_days: 7", "delay_days: 49"), labels=LABELS)
    labels = labels_of(day_table(FIRST))
    archive.write_day(FIRST)
    with archive.opened() as run:
        run_day(run, FIRST)
        for offset in range(50):
            archive.write_labels(day_of(offset), labels.slice(4 * offset, 4))

        taken = take_labels(run, FIRST, day_of(49))

        assert (len(taken.delivered), taken.days) == (50, ("2026-03-01",))
        assert metric_of(run, FIRST, "label_coverage") == 1
        assert [day.outcome for day in reevaluate(run, FIRST, FIRST)] == [Outcome.EVALUATED]
        assert metric_of(run, FIRST, "label_coverage") == 1


OTHER_SPELLINGS = {
    "zeros": ([f"{n:05d}" for n in range(1, 201)], list(range(1, 201)), "without_zeros", "without leading zeros"),
    "doubles": ([str(n) for n in range(200)], [f"{n}.0" for n in range(200)], "whole", "without .0"),
    "blanks": ([f"A-{n}" for n in range(200)], [f"A-{n} " for n in range(200)], "strip", "without blanks around them"),
    "case": ([f"{n:031x}a" for n in range(200)], [f"{n:031X}A" for n in range(200)], "lower", "in lower case"),
}


@pytest.mark.parametrize("case", OTHER_SPELLINGS)
def test_ids_in_another_spelling_are_told_and_mapped_by_a_rule(tmp_path, case):
    """scverse/spatialdata #467, mlcommons/GaNDLF PR #900: a join that gives nothing, without a word."""
    predicted, labelled, form, words = OTHER_SPELLINGS[case]
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = with_ids(predicted)
    archive.write_day(FIRST, table)
    archive.write_labels(FIRST, labels_of(table).set_column(0, "id", pa.array(labelled)))

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert state.status is Status.PARTIAL
        assert (
            f"labels: 0 of 200 ids of the delivery belong to a prediction; 200 would {words}: set `labels.ids: {form}`"
            == state.message
        )
    with archive.opened(("  id: id\n", f"  id: id\n  ids: {form}\n")) as run:
        state = run_day(run, FIRST)

        assert (state.status, state.message) == (Status.OK, "")
        assert metric_of(run, FIRST, "accuracy") == 1


def test_correction_replaces_and_rows_that_contradict_are_counted(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = day_table(FIRST)
    right = labels_of(table)
    wrong = right.set_column(1, "fraud", pa.array([not flag for flag in right.column("fraud").to_pylist()]))
    archive.write_day(FIRST, table)
    archive.write_labels(FIRST, pa.concat_tables([wrong.slice(0, 10), right]))
    archive.write_day(day_of(1))

    with archive.opened() as run:
        state = run_day(run, FIRST)
        assert metric_of(run, FIRST, "accuracy") == 1
        assert "10 ids have rows that contradict each other; the last counts" in state.message
        archive.write_labels(day_of(1), wrong.slice(0, 50))
        run_day(run, day_of(1))

        assert metric_of(run, FIRST, "accuracy") == 0.75


def test_labels_that_come_too_late_are_counted(tmp_path):
    archive = BaseArchive(tmp_path, ("delay_days: 7", "delay_days: 2"), labels=LABELS)
    for offset in range(5):
        archive.write_day(day_of(offset))
    archive.write_labels(day_of(3), labels_of(day_table(FIRST)))

    with archive.opened() as run:
        states = [run_day(run, day_of(offset)) for offset in range(4)]

        assert states[3].message == "labels: 200 came later than delay_days (2), and do not count"
        assert metric_of(run, FIRST, "label_coverage") == 0


def test_labels_of_several_formats_and_spellings_and_one_that_cannot_be_read(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    pairs = list(zip(table.column("id").to_pylist(), table.column("flagged").to_pylist(), strict=True))
    said = {True: "yes", False: "no"}
    csv = "".join(["id;fraud\n", *(f"{name};{said[flag]}\n" for name, flag in pairs[:99]), f"{pairs[99][0]};maybe\n"])
    lines = "".join(json.dumps({"id": name, "fraud": str(int(flag))}) + "\n" for name, flag in pairs[100:150])
    archive.write(f"labels/dt={FIRST}/a.csv", csv.encode())
    archive.write(f"labels/dt={FIRST}/b.jsonl.gz", gzip.compress(lines.encode()))
    ints = pa.table({"id": [name for name, _ in pairs[150:]], "fraud": [int(flag) for _, flag in pairs[150:]]})
    archive.write_labels(FIRST, ints)

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert (state.status, state.arrival.labels_delivered) == (Status.PARTIAL, 199)
        assert "fraud" in state.message
        assert "1 value" in state.message
        assert metric_of(run, FIRST, "label_coverage") == 199 / 200
        assert metric_of(run, FIRST, "accuracy") == 1


def test_command_takes_in_labels_that_no_run_has_read(tmp_path, capsys):
    archive = BaseArchive(tmp_path, labels=LABELS)
    archive.write_day(FIRST)
    spec = tmp_path / "m.yaml"
    spec.write_text(archive.spec_text)
    with archive.opened() as run:
        run_day(run, FIRST)
    archive.write_labels(day_of(3), labels_of(day_table(FIRST)))
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path / "workspace")]

    assert main(["labels", str(spec), "--since", str(FIRST), *places]) == 0
    assert capsys.readouterr().out == ("2026-03-04: 200 labels received\n2026-03-01: performance measured again\n")
    assert main(["labels", str(spec), "--since", str(FIRST), *places]) == 0
    assert capsys.readouterr().out == "no new labels\n"


def test_label_in_the_predictions_own_files(tmp_path):
    archive = BaseArchive(tmp_path, labels="labels: {{label: fraud, delay_days: 3}}\n")
    table = day_table(FIRST)
    known = pa.array([flag if n % 2 else None for n, flag in enumerate(table.column("flagged").to_pylist())])
    archive.write_day(FIRST, table.append_column("fraud", known))
    # no label of the next day is known, and its files have no column of it
    archive.write_day(day_of(1))

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert (state.status, state.message) == (Status.OK, "")
        assert (metric_of(run, FIRST, "label_coverage"), metric_of(run, FIRST, "accuracy")) == (0.5, None)
        manifest = json.loads(run.files.read(run.version_uri(state.partition, str(state.version), MANIFEST)))
        assert [file["undeclared"] for file in manifest["files"]] == [[]]
        archive.write_day(FIRST, table.append_column("fraud", table.column("flagged")))
        state = run_day(run, day_of(1))

        assert (state.status, state.message) == (Status.OK, "")
        assert (metric_of(run, FIRST, "label_coverage"), metric_of(run, FIRST, "accuracy")) == (1, 1)


TABLE = """\
labels:
  path: {root}/labels/
  id: id
  watermark: changed
  label: fraud
  delay_days: 3
"""


def test_growing_table_is_divided_by_its_watermark(tmp_path):
    archive = BaseArchive(tmp_path, labels=TABLE)
    days = [day_table(day_of(offset)) for offset in range(3)]
    for offset, table in enumerate(days):
        archive.write_day(day_of(offset), table)

    def rows(offset: int, changed: int, flip: bool = False) -> pa.Table:  # noqa: FBT001, FBT002 - a test's own
        labels = labels_of(days[offset])
        flags = pa.array([flag != flip for flag in labels.column("fraud").to_pylist()])
        moment = pa.scalar(day_of(changed), pa.date32()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        return labels.set_column(1, "fraud", flags).append_column("changed", pa.repeat(moment, 200))

    with archive.opened() as run:
        archive.write("labels/a.parquet", rows(0, 0, flip=True))
        run_day(run, FIRST)
        assert metric_of(run, FIRST, "accuracy") == 0
        # the corrections come on the second day, with labels of the third that a run of the second does not see yet
        archive.write("labels/a.parquet", pa.concat_tables([rows(0, 1), rows(0, 0, flip=True), rows(2, 2)]))
        run_day(run, day_of(1))
        live = [delivery.rows for delivery in run.store.deliveries("m", FIRST, day_of(1))]
        assert (live, metric_of(run, FIRST, "accuracy")) == ([200, 200], 1)
        run_day(run, day_of(2))

        assert [metric_of(run, day_of(offset), "label_coverage") for offset in range(3)] == [1, 0, 1]


def test_labels_are_joined_on_several_columns(tmp_path):
    archive = BaseArchive(tmp_path, ("  id: id\n", "  id: {{country: land, at: moment}}\n"), labels=LABELS)
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    labels = table.select(["country", "at", "flagged"]).rename_columns(["land", "moment", "fraud"])
    archive.write_labels(FIRST, labels.take(pa.array(range(199, -1, -1))))

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert state.message == ""
        assert (metric_of(run, FIRST, "label_coverage"), metric_of(run, FIRST, "accuracy")) == (1, 1)


def test_labels_of_a_day_whose_rows_were_pruned_leave_the_others_theirs(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    for offset in range(2):
        archive.write_day(day_of(offset))
    with archive.opened() as run:
        for offset in range(2):
            run_day(run, day_of(offset))
        both = pa.concat_tables([labels_of(day_table(day_of(offset))) for offset in range(2)])
        archive.write_labels(day_of(3), both)
        [pruned] = run.store.states("m", FIRST, FIRST)
        run.files.delete(curated_uri(run, pruned.partition, pruned.version))

        taken = take_labels(run, FIRST, day_of(3))

        assert taken.days == ("2026-03-02",)
        assert taken.told == {"2026-03-04": "labels: rows of 1 days from 2026-03-01 on were pruned, and get no labels"}
        assert metric_of(run, day_of(1), "accuracy") == 1
        assert metric_of(run, FIRST, "label_coverage") == 0

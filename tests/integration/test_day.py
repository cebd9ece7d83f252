"""The promises of a day, on a small archive: nothing lost, idempotent, late is normal, bad input is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import PartitionState, Status
from tests.support.archive import FIRST, Archive, day_table, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, stored_rows

DAYS = 4
FIRST_DAY = Partition.of_day("loans", FIRST)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, DAYS)


@pytest.fixture
def run(tmp_path: Path, archive: Archive) -> Iterator[Run]:
    with opened(tmp_path, archive) as run:
        yield run


def day_after(run: Run, partition: Partition) -> PartitionState:
    run_partition(run, partition)
    state = run.store.state(partition)
    assert state is not None
    return state


def test_a_healthy_day_is_ok_and_says_nothing(run):
    state = day_after(run, FIRST_DAY)

    assert (state.status, state.rows_accepted, state.message) == (Status.OK, 80, "")
    assert run.store.alerts("loans", FIRST, FIRST) == []
    assert run.store.claim_pending(10, FIRST_DAY.end) == []


def test_a_day_leaves_its_pages(run, tmp_path):
    ran = run_partition(run, FIRST_DAY)
    page = Path(ran.report).read_text()
    reports = tmp_path / "workspace" / "reports" / "loans"

    assert "<script" not in page
    assert len(page) < 500_000
    assert "person0@example.com" not in page
    assert f'href="{FIRST}/report.html"' in (reports / "index.html").read_text()
    assert "Rows by hour (<bdi>UTC</bdi>)" in page
    assert (reports / str(FIRST) / "evidently.html").stat().st_size > 100_000


def test_personal_values_are_written_nowhere(run, tmp_path):
    run_partition(run, FIRST_DAY)

    files = [path for path in (tmp_path / "workspace").rglob("*") if path.is_file()]
    assert [path for path in files if b"@example.com" in path.read_bytes()] == []
    assert all("email" not in pq.read_schema(path).names for path in files if path.suffix == ".parquet")


@pytest.mark.guards("fault-28")
def test_labels_update_the_days_that_they_belong_to(run):
    for offset in range(3):
        evaluate_day(run, FIRST_DAY.shift(offset))

    metrics = run.store.metrics("loans", FIRST, FIRST + timedelta(days=2))
    shares = [metrics[FIRST + timedelta(days=offset), "label_coverage", None] for offset in range(3)]
    assert shares[0] == 1
    assert 0.7 < shares[1] < 0.8
    assert shares[2] == 0
    assert metrics[FIRST + timedelta(days=2), "accuracy", None] is None
    assert metrics[FIRST + timedelta(days=2), "label_coverage", None] == 0


def test_performance_is_that_of_the_rows(run):
    for offset in range(3):
        evaluate_day(run, FIRST_DAY.shift(offset))

    rows = day_table(FIRST)
    known = rows.filter(pc.and_(pc.is_valid(rows.column("repaid")), pc.not_equal(rows.column("outcome"), "withdrawn")))
    right = pc.equal(known.column("approved"), known.column("repaid"))
    metrics = run.store.metrics("loans", FIRST, FIRST)
    assert metrics[FIRST, "accuracy", None] == pytest.approx(pc.mean(right).as_py())
    assert metrics[FIRST, "excluded_share", None] == pytest.approx(4 / 80)
    accuracy = run.store.measured("loans", FIRST, FIRST)[FIRST, "accuracy"]
    assert accuracy.low < accuracy.value < accuracy.high
    # fewer of the reference's loans were repaid than not
    assert accuracy.constant == pytest.approx(1 - pc.mean(known.column("repaid")).as_py())


def test_the_label_is_compared_with_the_references_own(run):
    for offset in range(3):
        evaluate_day(run, FIRST_DAY.shift(offset))

    [drift] = [value for value in run.store.metric_values(FIRST_DAY) if value.column == "repaid"]
    [last] = [
        value
        for value in run.store.metric_values(FIRST_DAY.shift(2))
        if (value.metric, value.segment) == ("label_coverage", None)
    ]
    assert (drift.metric, drift.rows) == ("drift_score", 76)
    assert drift.drift.baseline == "the reference"
    assert 0 <= drift.value < 0.5
    assert last.value == 0
    assert not any(value.column == "repaid" for value in run.store.metric_values(FIRST_DAY.shift(2)))


def test_running_twice_changes_nothing(run, tmp_path):
    for offset in range(3):
        run_partition(run, FIRST_DAY.shift(offset))
    before = stored_rows(tmp_path)

    run_partition(run, FIRST_DAY)

    assert stored_rows(tmp_path) == before


def test_redoing_a_past_day_keeps_its_labels(run, archive):
    for offset in range(3):
        evaluate_day(run, FIRST_DAY.shift(offset))
    archive.write_predictions(FIRST, day_table(FIRST, 100))

    state = day_after(run, FIRST_DAY)

    assert state.rows_accepted == 100
    metrics = run.store.metrics("loans", FIRST, FIRST)
    # 20 rows are new, and nobody has delivered their labels; 4 of the old ones never get any
    assert metrics[FIRST, "label_coverage", None] == pytest.approx(76 / 96)


def test_late_rows_change_no_other_day(run, archive, tmp_path):
    for offset in range(3):
        evaluate_day(run, FIRST_DAY.shift(offset))
    before = stored_rows(tmp_path)["mlmon_metrics"]
    archive.write_predictions(FIRST, day_table(FIRST, 100))

    run_partition(run, FIRST_DAY)

    after = stored_rows(tmp_path)["mlmon_metrics"]
    changed = set(map(repr, set(after) ^ set(before)))
    assert changed
    assert all(str(FIRST) in row for row in changed)


def test_the_first_day_fills_the_history_that_it_lacks(run):
    last = FIRST_DAY.shift(3)

    run_partition(run, last)

    states = {state.partition.day: state.evaluated for state in run.store.states("loans", FIRST, last.day)}
    assert states == {FIRST + timedelta(days=offset): offset == 3 for offset in range(4)}
    verdict = next(entry for entry in run.store.verdicts(last) if entry.metric == "score_mean")
    assert verdict.history == 10


def test_a_shifted_day_is_alerting(run, archive):
    archive.write_day(FIRST, shift=0.3)

    run_partition(run, FIRST_DAY)

    alerts = run.store.alerts("loans", FIRST, FIRST)
    texts = {(alert.metric, alert.column): alert.text for alert in alerts}
    # the mean by its rule, and the score's drift by what is expected
    assert "expected" in texts["score_mean", None]
    assert "values higher than expected" in texts["drift_score", "score"]
    assert len(run.store.claim_pending(10, FIRST_DAY.end)) == len(alerts)


def test_a_healthy_run_queues_no_message(tmp_path, archive):
    archive.write_day(FIRST, shift=0.3)

    with opened(tmp_path, archive, is_silent=True) as run:
        run_partition(run, FIRST_DAY)

        assert run.store.alerts("loans", FIRST, FIRST)
        assert run.store.claim_pending(10, FIRST_DAY.end) == []


@pytest.mark.guards("fault-04")
def test_a_missing_day_has_no_data_and_an_alert(run):
    absent = FIRST_DAY.shift(DAYS)

    state = day_after(run, absent)

    folder = run.predictions_folder(absent)
    assert state.status is Status.NO_DATA
    assert state.message == (
        f"No files under {folder} (0 objects listed). If the day's folder is named otherwise, change predictions.path."
    )
    alerts = run.store.alerts("loans", absent.day, absent.day)
    assert [alert.title for alert in alerts] == ["no data"]
    assert run.store.metrics("loans", absent.day, absent.day)[absent.day, "score_mean", None] is None


def test_an_empty_day_has_no_data(run, archive):
    archive.write_predictions(FIRST, day_table(FIRST).slice(0, 0))

    state = day_after(run, FIRST_DAY)

    assert (state.status, state.message) == (
        Status.NO_DATA,
        f"No rows under {run.predictions_folder(FIRST_DAY)} (files read: 2).",
    )
    assert {entry.state for entry in run.store.verdicts(FIRST_DAY) if entry.metric == "score_mean"} == {
        "INSUFFICIENT_DATA"
    }


def damage(archive: Archive, data: bytes) -> None:
    archive.write(archive.predictions_uri(FIRST, "part-1.parquet"), data)


@pytest.mark.guards("fault-15")
def test_a_truncated_file_among_good_ones_makes_the_day_partial(run, archive):
    damage(archive, to_bytes(day_table(FIRST))[:-100])

    state = day_after(run, FIRST_DAY)

    assert (state.status, state.rows_accepted) == (Status.PARTIAL, 40)
    assert "part-1.parquet: not a readable Parquet file" in state.message
    refused = "files refused: part-#.parquet: not a readable Parquet file"
    assert refused in [alert.title for alert in run.store.alerts("loans", FIRST, FIRST)]


def test_a_flipped_bit_is_noticed(run, archive):
    data = bytearray(to_bytes(day_table(FIRST).drop_columns(["repaid", "outcome"])))
    data[200] ^= 1

    damage(archive, bytes(data))

    assert day_after(run, FIRST_DAY).status is Status.PARTIAL


def test_a_column_of_another_type_costs_its_values_alone(run, archive):
    table = day_table(FIRST).drop_columns(["repaid", "outcome"])
    position = table.column_names.index("amount")
    words = pa.array([["a", "b"]] * table.num_rows)
    damage(archive, to_bytes(table.set_column(position, "amount", words)))

    state = day_after(run, FIRST_DAY)

    # of the 80 rows 40 are also in the other file
    assert (state.status, state.rows_read, state.rows_quarantined) == (Status.PARTIAL, 120, 40)
    assert "column 'amount' is list<element: string>, which cannot be read as float (80 values)" in state.message


def test_a_missing_required_column_quarantines_its_rows(run, archive):
    damage(archive, to_bytes(day_table(FIRST).drop_columns(["repaid", "outcome", "term"])))

    state = day_after(run, FIRST_DAY)

    assert (state.status, state.rows_read, state.rows_quarantined) == (Status.PARTIAL, 120, 80)
    assert state.message == "80 rows: column 'term' is missing"


def test_a_duplicate_id_is_quarantined(run, archive):
    table = day_table(FIRST)
    archive.write_predictions(FIRST, pa.concat_tables([table, table.slice(0, 3)]))

    state = day_after(run, FIRST_DAY)

    assert (state.status, state.rows_read, state.rows_accepted, state.rows_quarantined) == (Status.PARTIAL, 83, 80, 3)
    assert state.message == "3 rows: id is a duplicate"


def test_only_bad_files_make_the_day_quarantined(run, archive):
    for number in range(2):
        archive.write(archive.predictions_uri(FIRST, f"part-{number}.parquet"), b"PAR1")

    assert day_after(run, FIRST_DAY).status is Status.QUARANTINED


def test_a_bad_label_file_makes_the_day_partial_and_keeps_the_good_labels(run, archive):
    run_partition(run, FIRST_DAY)
    archive.write(archive.labels_uri(FIRST + timedelta(days=1), "broken"), b"no parquet")

    state = day_after(run, FIRST_DAY.shift(1))

    assert state.status is Status.PARTIAL
    assert state.message.startswith("labels: broken.parquet: not a readable Parquet file")
    assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "label_coverage", None] > 0.7


CHECK = "{expectation: expect_column_max_to_be_between, column: term, severity: blocking, arguments: {max_value: 24}}"
BLOCKING = ("\nhistory:", f"\nquality:\n  - {CHECK}\nhistory:")


def test_a_failed_blocking_check_fails_the_day_after_recording_it(tmp_path, archive):
    with opened(tmp_path, archive, BLOCKING) as run:
        state = day_after(run, FIRST_DAY)

        assert state.status is Status.FAILED
        assert state.message == "blocking checks failed: expect_column_max_to_be_between(term)"
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "rows", None] == 80
        assert {alert.severity for alert in run.store.alerts("loans", FIRST, FIRST)} == {"critical"}


UNFIT = "{expectation: expect_column_values_to_be_between, column: channel, severity: %s, arguments: {min_value: 1}}"


@pytest.mark.parametrize(("severity", "status"), [("blocking", Status.FAILED), ("warning", Status.OK)])
def test_a_check_that_cannot_be_computed_blocks_if_it_is_blocking(tmp_path, archive, severity, status):
    with opened(tmp_path, archive, ("\nhistory:", f"\nquality:\n  - {UNFIT % severity}\nhistory:")) as run:
        state = day_after(run, FIRST_DAY)
        alerts = run.store.alerts("loans", FIRST, FIRST)

    name = "expect_column_values_to_be_between"
    reason = (
        f"blocking check {name}(channel): could not be computed (TypeError); check that the expectation suits the type"
    )
    assert state.status is status
    assert state.message.startswith(reason) is (status is Status.FAILED)
    assert ("check " + name.removeprefix("expect_").replace("_", " ") + " of channel: could not be run") in [
        alert.text for alert in alerts
    ]


def test_a_failed_blocking_check_still_replaces_the_days_that_labels_came_for(tmp_path, archive):
    with opened(tmp_path, archive, BLOCKING) as run:
        run_partition(run, FIRST_DAY)
        ran = run_partition(run, FIRST_DAY.shift(1))

        assert run.store.state(FIRST_DAY.shift(1)).status is Status.FAILED
        assert FIRST_DAY in ran.days
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "label_coverage", None] > 0.7


def test_a_wrong_reference_fails_the_day_and_names_the_file(tmp_path, archive):
    archive.write(f"{archive.root}/reference/part-1.parquet", b"nothing")
    with opened(tmp_path, archive) as run:
        state = day_after(run, FIRST_DAY)

    assert state.status is Status.FAILED
    assert "reference/part-1.parquet: not a readable Parquet file" in state.message


def test_a_failure_keeps_the_version_that_was_served(run, tmp_path, archive):
    served = day_after(run, FIRST_DAY).version
    with opened(tmp_path, archive, ("  path: ", "  path: s3://nowhere/")) as elsewhere:
        run_partition(elsewhere, FIRST_DAY)

    state = run.store.state(FIRST_DAY)

    assert (state.status, state.version) == (Status.FAILED, served)
    assert "No object store is configured" in state.message
    assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "rows", None] == 80

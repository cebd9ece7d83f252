"""Ids that come again on another day are quarantined there, once, whatever order the days are run in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import detect_drift
from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.steps.profile import profile_partition
from airflow_mlmon.pipeline.steps.validate import validate_partition
from airflow_mlmon.records import PartitionState, Status
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY, Archive, day_table, replace_columns
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, run_twice_at_once, stored_rows

WISH = ("labels:\n", "duplicates: {days: 3}\nlabels:\n")
DAYS = [Partition.of_day("loans", FIRST + timedelta(days=offset)) for offset in range(6)]
RESENT = 7
RESULTS = ("mlmon_partitions", "mlmon_metrics", "mlmon_verdicts", "mlmon_checks")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, len(DAYS))


@pytest.fixture
def run(tmp_path: Path, archive: Archive) -> Iterator[Run]:
    with opened(tmp_path, archive, WISH) as run:
        yield run


def resend(archive: Archive, of: date, on: date, rows: int = RESENT, *, first: int = 0) -> None:
    """Append rows of a day to the files of another one, with times that fit there."""
    again = day_table(of).slice(first, rows)
    later = pc.add(again.column("at"), pa.scalar(on - of))
    again = replace_columns(again, at=later)
    archive.write_predictions(on, pa.concat_tables([day_table(on), again.cast(day_table(on).schema)]))


def reasons(run: Run, partition: Partition) -> dict[str, int]:
    """The rows in quarantine by their reason, as the file of the served version has them."""
    table = pq.read_table(run.version_uri(partition, state_of(run, partition).version, "quarantine.parquet"))
    return {entry["values"]: entry["counts"] for entry in table.column("quarantine_reason").value_counts().to_pylist()}


def state_of(run: Run, partition: Partition) -> PartitionState:
    found = run.store.state(partition)
    assert found is not None
    return found


def versions(run: Run) -> list[str | None]:
    return [state.version for state in run.store.states("loans", DAYS[0].day, DAYS[-1].day)]


def test_rows_of_yesterday_are_quarantined_today_with_the_day(run, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)

    for partition in DAYS[:2]:
        evaluate_day(run, partition)

    second = state_of(run, DAYS[1])
    assert (second.status, second.rows_read, second.rows_accepted, second.rows_quarantined) == (
        Status.PARTIAL,
        80 + RESENT,
        80,
        RESENT,
    )
    assert second.message == f"{RESENT} rows: the prediction id was already accepted on 2026-03-01"
    assert reasons(run, DAYS[1]) == {"the prediction id was already accepted on 2026-03-01": RESENT}
    assert state_of(run, DAYS[0]).rows_accepted == 80
    metrics = run.store.metrics("loans", FIRST, DAYS[1].day)
    assert metrics[DAYS[1].day, "rows_quarantined", None] == RESENT


def test_the_page_names_the_day(run, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)
    run_partition(run, DAYS[0])

    page = Path(run_partition(run, DAYS[1]).report).read_text()

    assert (
        "the prediction id was already accepted on 2026-03-01"
        in re.sub("<[^>]*>", "", page).partition("Reason for quarantine")[2]
    )


def test_an_id_is_forgotten_after_the_days_of_the_spec(run, archive):
    resend(archive, DAYS[0].day, DAYS[3].day)
    resend(archive, DAYS[0].day, DAYS[4].day, first=20)

    for partition in DAYS[:5]:
        evaluate_day(run, partition)

    assert [state_of(run, partition).rows_accepted for partition in DAYS[3:5]] == [80, 80 + RESENT]


def test_days_without_the_wish_take_every_day_by_itself(tmp_path, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)

    with opened(tmp_path, archive) as run:
        for partition in DAYS[:2]:
            evaluate_day(run, partition)

        assert state_of(run, DAYS[1]).rows_accepted == 80 + RESENT
        assert not list((tmp_path / "workspace").rglob("id_hashes.parquet"))


def test_the_wish_holds_for_days_that_were_run_before_it(tmp_path, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)
    with opened(tmp_path, archive) as run:
        before = [evaluate_day(run, partition) for partition in DAYS[:2]]

    with opened(tmp_path, archive, WISH) as run:
        after = [evaluate_day(run, partition) for partition in DAYS[:2]]

        assert state_of(run, DAYS[1]).rows_accepted == 80
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


def test_hashed_ids_are_recognised(tmp_path, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)
    personal = ("id: {type: string, role: id}", "id: {type: string, role: id, personal: hash}")

    with opened(tmp_path, archive, WISH, personal, hash_key=b"key") as run:
        for partition in DAYS[:2]:
            evaluate_day(run, partition)

        assert state_of(run, DAYS[1]).rows_quarantined == RESENT


def test_the_first_run_of_a_late_day_finds_what_its_second_finds(run, archive):
    resend(archive, DAYS[2].day, DAYS[4].day)

    first = evaluate_day(run, DAYS[4]), run.store.verdicts(DAYS[4])
    second = evaluate_day(run, DAYS[4]), run.store.verdicts(DAYS[4])

    assert state_of(run, DAYS[4]).rows_quarantined == RESENT
    assert first == second


def test_days_in_any_order_end_the_same(tmp_path, archive):
    resend(archive, DAYS[0].day, DAYS[2].day)
    resend(archive, DAYS[2].day, DAYS[4].day)
    ends = []
    for number, order in enumerate([(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (3, 0, 5, 1, 4, 2)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with opened(folder, archive, WISH) as run:
            for position in order:
                evaluate_day(run, DAYS[position])
            ends.append((versions(run), [state_of(run, partition).rows_quarantined for partition in DAYS]))

    assert ends[0] == ends[1] == ends[2]
    assert ends[0][1] == [0, 0, RESENT, 0, RESENT, 0]


def test_a_day_keeps_its_version_when_a_day_before_changes_but_not_its_duplicates(run, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)
    before = [evaluate_day(run, partition) for partition in DAYS[:2]]

    archive.write_predictions(DAYS[0].day, day_table(DAYS[0].day, 100))
    archive.write_predictions(DAYS[0].day, pa.concat_tables([day_table(FIRST), day_table(FIRST, 100).slice(80)]))
    after = [evaluate_day(run, partition) for partition in DAYS[:2]]

    assert before[0] != after[0]
    assert before[1] == after[1]


def test_redoing_a_day_before_changes_a_day_when_that_is_redone_too(run, archive):
    evaluate_day(run, DAYS[0])
    before = evaluate_day(run, DAYS[1])
    # ids of the second day arrive late, in the files of the first
    resend(archive, DAYS[1].day, DAYS[0].day)

    evaluate_day(run, DAYS[0])
    kept = state_of(run, DAYS[1])
    after = evaluate_day(run, DAYS[1])

    assert (kept.version, kept.rows_accepted) == (before, 80)
    assert after != before
    assert reasons(run, DAYS[1]) == {"the prediction id was already accepted on 2026-03-01": RESENT}


def test_a_day_is_not_published_when_a_day_before_moved_meanwhile(run, archive):
    evaluate_day(run, DAYS[0])
    prepared = prepare_partition(run, DAYS[1])
    validate_partition(run, prepared)
    profiled = profile_partition(run, prepared)
    drift = detect_drift(run, prepared, profiled)
    resend(archive, DAYS[1].day, DAYS[0].day)
    evaluate_day(run, DAYS[0])

    with pytest.raises(PartitionConflictError, match="2026-03-01 was at version"):
        evaluate_partition(run, prepared, profiled, drift, [])


def test_an_empty_day_needs_no_day_before(run, archive):
    archive.write_predictions(DAYS[1].day, day_table(DAYS[1].day).slice(0, 0))
    evaluate_day(run, DAYS[0])

    evaluate_day(run, DAYS[1])

    assert state_of(run, DAYS[1]).message == f"No rows under {run.predictions_folder(DAYS[1])} (files read: 2)."


def test_rows_are_kept_and_it_is_said_when_those_of_a_day_before_are_gone(run, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)
    version = evaluate_day(run, DAYS[0])
    Path(run.version_uri(DAYS[0], version, "curated.parquet")).unlink()

    prepared = prepare_partition(run, DAYS[1])

    assert prepared.rows_accepted == 80 + RESENT
    assert prepared.message == "duplicates were not searched in 2026-03-01: no rows are served"


def test_two_runs_at_once_end_as_one(tmp_path, archive):
    resend(archive, DAYS[0].day, DAYS[1].day)
    spec = tmp_path / "loans.yaml"
    spec.write_text(archive.spec_text(WISH, WITHOUT_EVIDENTLY))

    alone = tmp_path / "alone"
    alone.mkdir()
    with opened(alone, archive, WISH) as run:
        evaluate_day(run, DAYS[1])

    codes = run_twice_at_once(spec, tmp_path / "both", DAYS[1])

    assert codes == [0, 0]
    assert stored_rows(tmp_path / "both", *RESULTS) == stored_rows(alone, *RESULTS)
    assert any(RESENT in row for row in stored_rows(tmp_path / "both", *RESULTS)["mlmon_partitions"])

"""A year is pruned to what later days rest on: the next day and late labels give the same as without."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_mlmon.drift.rows.pinned import OF_SAMPLE
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import DAY
from airflow_mlmon.pipeline.history.calibrate import calibrate
from airflow_mlmon.pipeline.history.late_labels import take_labels
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.history.training import labelled_rows
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.retention.prune import plan_pruning, prune
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.slices import slice_window
from airflow_mlmon.pipeline.workspace.curated import has_curated
from airflow_mlmon.records import Status
from airflow_mlmon.spec.retention import Stored
from airflow_mlmon.storage import Storage
from tests.support.archive import FIRST, Archive, day_table, partition, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, stored_rows, write_file

# some days, and a week of days more than a year later
BEFORE, LATER = range(4), range(380, 388)
NEXT = LATER[-1] + 1
RETENTION = f"retention: {{{', '.join(f'{stored}: 1' for stored in Stored)}}}"
SPEC = (
    "\nhistory: {days: 10, minimum: 5}",
    f"\n{RETENTION}\nduplicates: {{days: 7}}\nbaseline: {{trailing: 4}}\nhistory: {{days: 5, minimum: 3}}",
)
# whatever the age, nothing of it is new
NOW = datetime.now(UTC) + 3000 * DAY


def day(offset: int) -> date:
    return FIRST + offset * DAY


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    """An archive with a storm in each week, an id that comes again, and labels that come late."""
    archive = Archive(str(tmp_path_factory.mktemp("year") / "archive"), write_file)
    archive.write_reference()
    for offset in (*BEFORE, *LATER, NEXT, NEXT + 1):
        archive.write_day(day(offset), shift=0.4 if offset in {BEFORE[2], LATER[-1]} else 0.0)
    table = day_table(day(NEXT))
    again = pa.array([f"{day(LATER[1])}-00007", *table.column("id").to_pylist()[1:]])
    archive.write_predictions(day(NEXT), table.set_column(0, "id", again))
    return archive


@pytest.fixture(scope="module")
def made(archive, tmp_path_factory) -> Path:
    """The model before the next day, and after it a delivery of labels that has changed."""
    folder = tmp_path_factory.mktemp("made")
    with opened(folder, archive, SPEC) as run:
        for offset in (*BEFORE, *LATER):
            evaluate_day(run, partition(offset))
        for offset in (BEFORE[0], BEFORE[2], LATER[-1]):
            run.files.write(run.report_uri(str(day(offset)), "report.html"), b"a page")
    labels = day_table(day(LATER[-2])).select(["id", "repaid", "outcome"])
    archive.write(archive.labels_uri(day(LATER[-1]), "more"), to_bytes(labels.slice(0, 70)))
    return folder


@contextmanager
def copied(made: Path, folder: Path, archive: Archive, **given: Any) -> Iterator[Run]:
    """Open a copy of the model in a folder, or with its workspace elsewhere."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    workspace = given.get("workspace", str(folder / "workspace"))
    with closing(sqlite3.connect(folder / "store.db")) as database, database:
        for table in ("mlmon_deliveries", "mlmon_profile_schemas"):
            database.execute(f"UPDATE {table} SET uri = replace(uri, ?, ?)", (str(made / "workspace"), workspace))  # noqa: S608
    with opened(folder, archive, SPEC, **given) as run:
        yield run


def go_on(run: Run) -> None:
    """Run the next day, and take in the labels that come after it."""
    run_partition(run, partition(NEXT))
    take_labels(run, day(NEXT), day(NEXT + 1))


def results(folder: Path, run: Run) -> dict[str, set[Any]]:
    """What is stored, by table, wherever the workspace is."""
    return {name: {repr(row).replace(run.workspace, "") for row in rows} for name, rows in stored_rows(folder).items()}


def contents(run: Run) -> dict[str, bytes]:
    marker = f"{run.workspace.rstrip('/')}/"
    return {item.uri.removeprefix(marker): run.files.read(item.uri) for item in run.files.list(marker)}


@pytest.fixture(scope="module")
def expected(made, archive, tmp_path_factory) -> tuple[dict[str, set[Any]], dict[str, bytes]]:
    """What is stored after the next day where nothing was pruned."""
    folder = tmp_path_factory.mktemp("kept")
    with copied(made, folder, archive) as run:
        go_on(run)
        return results(folder, run), contents(run)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.service)])
def run(request, made, archive, tmp_path) -> Iterator[Run]:
    """A copy of the model, whose workspace may be on S3."""
    given = {}
    if request.param == "s3":
        server = request.getfixturevalue("versity")
        client = server.client()
        bucket = server.bucket(f"pruned-{uuid.uuid4().hex[:12]}")
        given = {"storage": Storage(lambda _: client), "workspace": f"s3://{bucket}/mlmon"}
        for path in sorted((made / "workspace").rglob("*.*")):
            key = f"mlmon/{path.relative_to(made / 'workspace')}"
            client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    with copied(made, tmp_path, archive, **given) as run:
        yield run


def test_what_follows_is_the_same_as_if_nothing_had_been_pruned(run, tmp_path, expected):
    before = contents(run)
    plan = plan_pruning(run, NOW)
    assert contents(run) == before
    by_kind = {one.stored: one for one in plan}
    # ids are searched in the seven days before, and labels may come of six of them
    first = day(LATER[1])
    assert by_kind[Stored.ROWS].days[-1] < first
    assert by_kind[Stored.PAGES].days == (day(BEFORE[0]), day(BEFORE[2]))
    assert by_kind[Stored.METRICS].days == tuple(day(offset) for offset in BEFORE)
    assert by_kind[Stored.BASES].days == tuple(day(offset) for offset in BEFORE)

    prune(run, plan)

    deleted = before.keys() - contents(run).keys()
    assert len(deleted) == sum(one.objects for one in plan) - by_kind[Stored.PAGES].objects
    go_on(run)
    rows, files = expected
    found = results(tmp_path, run)
    for table in ("mlmon_metrics", "mlmon_evaluation_bases"):
        gone = rows[table] - found[table]
        assert {row for row in gone if not any(f"'{day(offset)}'" in row for offset in BEFORE)} == set()
        rows[table] -= gone
    assert found == rows
    now = contents(run)
    pages = {name for name in files if name.startswith("reports/")}
    assert {name: data for name, data in now.items() if name not in pages} == {
        name: data for name, data in files.items() if name not in deleted | pages
    }


@pytest.fixture
def pruned(made, archive, tmp_path) -> Iterator[Run]:
    with copied(made, tmp_path, archive) as run:
        prune(run, plan_pruning(run, NOW))
        yield run


def test_commands_on_pruned_days_say_that_their_rows_are_gone(pruned, archive):
    run, first, last = pruned, day(BEFORE[0]), day(BEFORE[-1])
    archive.write(archive.labels_uri(last, "changed"), to_bytes(day_table(first).select(["id", "repaid", "outcome"])))
    before = stored_rows(Path(run.workspace).parent, "mlmon_metrics")

    taken = take_labels(run, last, last)
    reprofiled = [found.state for found in reprofile(run, first, last)]
    sliced = slice_window(run, ["channel"], first, last)

    assert list(taken.delivered) == [str(last)]
    assert taken.days == ()
    assert f"labels: rows of 4 days from {first} on were pruned, and get no labels" in taken.told[str(last)]
    assert reprofiled == [Carried.ALREADY] * len(BEFORE)
    assert set(sliced.skipped.values()) == {"curated rows missing"}
    assert list(calibrate(run, first, last, [run.spec.alerts.evaluation])) == []
    assert stored_rows(Path(run.workspace).parent, "mlmon_metrics") == before
    with pytest.raises(NotFoundError, match=r"not in the workspace any more. Hint: `retention"):
        labelled_rows(run, first, last)


def test_a_pruned_day_runs_again_with_its_labels(pruned, made, archive):
    again = partition(BEFORE[1])
    with opened(made, archive, SPEC) as kept:
        version = kept.store.state(again).version
        accuracy = kept.store.measured("loans", again.day, again.day)[again.day, "accuracy"]

    assert evaluate_day(pruned, again) == version

    state = pruned.store.state(again)
    assert state.status is Status.OK
    assert state.message.startswith(
        f"duplicates were not searched in {FIRST}: no rows are served; labels: rows of 1 day"
    )
    assert pruned.store.measured("loans", again.day, again.day)[again.day, "accuracy"] == accuracy


def test_a_day_whose_rows_are_gone_is_evaluated_again_by_what_was_measured_of_them(pruned, made, archive, tmp_path):
    again = partition(LATER[0])

    with copied(made, tmp_path / "kept", archive) as kept:
        found = [
            (list(reevaluate(run, again.day, again.day)), run.store.metric_values(again)) for run in (kept, pruned)
        ]

    assert not has_curated(pruned, again, pruned.store.state(again).version)
    assert found[0] == found[1]
    assert [one.outcome for one in found[0][0]] == [Outcome.EVALUATED]
    assert not OF_SAMPLE.isdisjoint({value.metric for value in found[1][1]})

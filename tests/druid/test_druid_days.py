"""What Druid serves of a model's days follows the store, whoever loads and whenever."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.druid import input_files
from airflow_mlmon.druid.answers import TaskState
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.load import Load, Patience
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.druid.content import DatasourceKind
from airflow_mlmon.pipeline.druid.files import delete_inputs
from airflow_mlmon.pipeline.druid.load import DruidIngest
from airflow_mlmon.pipeline.history.forget import forget_day
from airflow_mlmon.pipeline.run import DruidAccess
from airflow_mlmon.pipeline.steps.failure import record_failure
from tests.support.archive import FIRST, day_table
from tests.support.druid.bucket import handing_in
from tests.support.druid.proxy import FaultyRouter
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

KINDS = ("predictions", "metrics", "profiles")
QUICK = Patience(poll_s=0.3, visible_s=90)
SECOND = FIRST + timedelta(days=1)
TODAY = FIRST + timedelta(days=2)


@pytest.fixture
def days(tmp_path: Path, request, client):
    """A model of the test's own, its archive and its run."""
    model = request.node.name.removeprefix("test_")[:50]
    archive = local_archive(tmp_path, 2)
    archive.model = model
    with opened(tmp_path, archive, ("model: loans", f"model: {model}")) as run:
        yield LoadedDays(run, archive, client)


class LoadedDays:
    def __init__(self, run, archive, client):
        self.run, self.archive, self.client = run, archive, client

    def day(self, day: date) -> Partition:
        return Partition.of_day(self.run.model, day)

    def evaluate(self, day: date):
        return evaluate_day(self.run, self.day(day))

    def ingest(self, *days: date, clear_number: int = 0, today: date = TODAY):
        given = {"clear_number": clear_number, "today": today, "patience": QUICK}
        return DruidIngest(self.run, self.client, [self.day(day) for day in days], **given)

    def load(self, *days: date, **options):
        ingest = self.ingest(*days, **options)
        return finished(ingest, ingest.begin())

    def with_spec(self, spec) -> LoadedDays:
        """The same days under another spec."""
        return LoadedDays(replace(self.run, spec=spec), self.archive, self.client)

    def through(self, router) -> LoadedDays:
        """The same days, loaded by way of a router of the test's own."""
        return LoadedDays(self.run, self.archive, DruidClient(router.url))

    def served(self, day: date) -> tuple[int, int]:
        """Rows and labels of a day."""
        query = f'SELECT COUNT(*) AS n, COUNT("repaid") AS labels FROM "{self.run.model}_predictions" '  # noqa: S608
        partition = self.day(day)
        try:
            [row] = self.client.sql(f"{query} WHERE __time >= ? AND __time < ?", [partition.start, partition.end])
        except NotFoundError:
            return 0, 0
        return row["n"], row["labels"]

    def checksums(self) -> list[dict[str, object]]:
        """By day and version of the content the rows, and a sum that any other score or label changes."""
        row = 'BITWISE_CONVERT_DOUBLE_TO_LONG_BITS(score) * ("term" + 1000 * COALESCE("repaid", 2))'
        return self.client.sql(
            f"SELECT FLOOR(__time TO DAY) AS d, mlmon_content AS c, COUNT(*) AS n, SUM({row}) AS s "  # noqa: S608
            f'FROM "{self.run.model}_predictions" GROUP BY 1, 2 ORDER BY 1, 2'
        )

    def keys(self, *kinds: str) -> list[str]:
        """What the first day of these datasources is called."""
        return [f"{self.run.model}_{kind} {FIRST}" for kind in kinds]

    def input_folder(self, kind: str) -> str:
        """Where the input of the first day lies."""
        return self.run.uri("druid", f"{self.run.model}_{kind}", str(FIRST))

    def remove(self, day: date):
        shutil.rmtree(f"{self.archive.root}/predictions/dt={day}")


def finished(ingest, state):
    while state.open:
        state = ingest.wait(state)
    return state


def test_labels_that_come_later_replace_their_day_only(days):
    days.evaluate(FIRST)
    days.load(FIRST)
    before = days.served(FIRST)

    days.evaluate(SECOND)
    days.load(SECOND, FIRST)

    rows, labels = days.served(FIRST)
    assert before == (80, 0)
    assert rows == 80
    assert 50 < labels < 80
    assert days.served(SECOND) == (80, 0)


def test_a_forgotten_day_is_served_no_longer(days):
    days.evaluate(FIRST)
    days.load(FIRST)
    run = replace(days.run, druid=DruidAccess(connect=lambda: days.client, today=TODAY))

    found = forget_day(run, days.day(FIRST), who="ann", why="mistyped", at=datetime.now(UTC), patience=QUICK)

    assert set(found.datasources) == {f"{run.model}_{kind}" for kind in KINDS}
    assert days.served(FIRST) == (0, 0)
    assert not run.files.list(days.input_folder("predictions"))


def test_a_day_that_became_empty_is_emptied_and_comes_back(days):
    for day in (FIRST, SECOND):
        days.evaluate(day)
    days.load(FIRST, SECOND)

    days.remove(FIRST)
    days.evaluate(FIRST)
    emptied = days.load(FIRST)

    key = f"{days.run.model}_predictions {FIRST}"
    assert (emptied.done[key].task_id, emptied.done[key].rows) == (None, 0)
    assert days.served(FIRST) == (0, 0)
    assert days.served(SECOND)[0] == 80
    assert emptied.done[f"{days.run.model}_metrics {FIRST}"].rows > 0
    left = days.load(FIRST).left
    assert left == dict.fromkeys(days.keys("predictions", "profiles"), "it has no rows, in the store and in Druid")


def test_a_day_that_never_was_is_left_alone(days):
    days.remove(FIRST)
    days.evaluate(FIRST)

    state = days.load(FIRST)

    assert list(state.left) == days.keys("predictions", "profiles")
    assert days.served(FIRST) == (0, 0)


def test_a_day_whose_run_failed_keeps_its_rows(days):
    days.evaluate(FIRST)
    days.load(FIRST)

    record_failure(days.run, days.day(FIRST), "the archive did not answer")
    failed = days.load(FIRST)

    assert failed.left[f"{days.run.model}_predictions {FIRST}"] == "its last run failed"
    assert days.served(FIRST)[0] == 80


def test_a_day_whose_files_are_broken_keeps_its_rows(days):
    days.evaluate(FIRST)
    days.load(FIRST)

    days.remove(FIRST)
    days.archive.write(days.archive.predictions_uri(FIRST, "part-0.parquet"), b"no Parquet")
    days.evaluate(FIRST)
    broken = days.load(FIRST)

    assert "QUARANTINED" in broken.left[f"{days.run.model}_predictions {FIRST}"]
    assert days.served(FIRST)[0] == 80


def test_content_that_moves_on_during_a_load_is_loaded_in_its_place(days):
    days.evaluate(FIRST)
    ingest = days.ingest(FIRST)
    begun = ingest.begin()

    days.archive.write_predictions(FIRST, day_table(FIRST, 60))
    days.evaluate(FIRST)
    finished(ingest, begun)

    assert days.served(FIRST)[0] == 60


def test_the_newest_content_wins_over_the_last_writer(days):
    days.evaluate(FIRST)
    slow = days.ingest(FIRST, clear_number=1)
    days.load(FIRST)
    days.archive.write_predictions(FIRST, day_table(FIRST, 60))
    begun = slow.begin()
    days.evaluate(FIRST)
    days.load(FIRST)

    # the slower run wakes up when its older rows, or the newer ones, are served
    finished(slow, begun)

    assert days.served(FIRST)[0] == 60


def test_input_goes_when_it_is_loaded(days):
    days.evaluate(FIRST)
    ended = days.load(FIRST).done[days.keys("predictions")[0]].task_id
    left = Path(days.input_folder("predictions")) / f"{ended}.json.gz"
    left.write_bytes(b"of a run that was killed before it could delete it")

    days.load(FIRST, clear_number=1)

    for kind in KINDS:
        assert [path.name for path in Path(days.input_folder(kind)).iterdir()] == ["loaded.json"]


def test_input_that_a_task_may_still_read_stays(days, bucket):
    days.evaluate(FIRST)
    ended = days.load(FIRST).done[days.keys("predictions")[0]].task_id
    [place] = [place for place in days.ingest(FIRST)._places.values() if place.kind is DatasourceKind.PREDICTIONS]
    load = Load(datasource=place.datasource, partition=place.day, version="still-read", rows=10)
    still_read, about_to_be = load.task_id(1), load.task_id(2)
    folder = Path(days.input_folder("predictions"))
    for task_id in (ended, still_read, about_to_be):
        (folder / f"{task_id}.json.gz").write_bytes(b"rows")

    with bucket.held():
        handing_in(days.client, load, [bucket.put("held", b"rows")])(still_read)
        delete_inputs(days.run, days.client, place)
        left = {path.name for path in folder.glob("*.gz")}
        days.client.shutdown(still_read)

    assert left == {f"{still_read}.json.gz", f"{about_to_be}.json.gz"}


def test_a_load_can_be_done_again_after_its_input_is_gone(days):
    days.evaluate(FIRST)
    days.load(FIRST)

    again = days.load(FIRST, clear_number=1)

    assert again.done[days.keys("predictions")[0]].task_id.endswith(".c1.n1")
    assert again.warning == ""
    assert days.served(FIRST)[0] == 80


def test_two_runs_at_once_end_as_one(days, tmp_path):
    days.evaluate(FIRST)
    together = threading.Barrier(2)

    def run(_: int):
        together.wait()
        return days.load(FIRST)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(run, range(2))

    assert one.done == other.done
    assert days.served(FIRST)[0] == 80


class BetweenRouter(FaultyRouter):
    """A router that does something once, before Druid gets the first task."""

    def __init__(self, target, act):
        super().__init__(target)
        self.act = act
        self.task_id = None

    def _answer(self, request):
        if request.method == "POST" and request.path.endswith("/indexer/v1/task") and self.task_id is None:
            self.task_id = json.loads(request.body)["id"]
            self.act()
        return self._passed_on(request)


def test_an_input_that_is_gone_when_druid_reads_it_is_written_again(days):
    days.evaluate(FIRST)
    days.load(FIRST)
    predictions = days.keys("predictions")[0]

    def remove():
        for path in Path(days.input_folder("predictions")).glob("*.gz"):
            path.unlink()

    with BetweenRouter(days.client.base_url, remove).running() as router:
        loaded = days.through(router).load(FIRST, clear_number=1)

    assert router.task_id.endswith(".c1.n1")
    assert days.client.task_status(router.task_id).state is TaskState.SUCCESS
    assert loaded.done[predictions].task_id == router.task_id.removesuffix("n1") + "n2"
    assert days.served(FIRST)[0] == 80
    # neither does a retry take the task that has read nothing for a load
    assert days.load(FIRST, clear_number=1).done == loaded.done


def test_a_run_that_ends_takes_no_input_from_one_that_begins(days):
    days.evaluate(FIRST)

    with BetweenRouter(days.client.base_url, lambda: days.load(FIRST)).running() as router:
        loaded = days.through(router).load(FIRST, clear_number=1)

    assert loaded.done[days.keys("predictions")[0]].task_id == router.task_id
    assert router.task_id.endswith(".c1.n1")
    assert days.served(FIRST)[0] == 80


def test_two_backfills_at_once_over_the_same_days_end_as_one(days):
    both = [FIRST, SECOND]
    for day in both:
        # takes in labels of the days before
        days.evaluate(day)
    for day in both:
        days.load(day)
    one = days.checksums()
    together = threading.Barrier(2)

    def backfill(clear_number: int):
        # of cleared runs, so that neither joins the tasks of the other
        together.wait()
        for day in both[clear_number - 1 :]:
            days.load(day, clear_number=clear_number)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(backfill, [1, 2]))

    assert [day["n"] for day in one] == [80, 80]
    assert days.checksums() == one


def test_days_older_than_the_retention_are_not_loaded(days):
    days.evaluate(FIRST)
    druid = days.run.spec.druid.model_copy(update={"retention_days": 30})
    spec = days.run.spec.model_copy(update={"druid": druid})

    state = days.with_spec(spec).load(FIRST, today=FIRST + timedelta(days=31))

    assert list(state.left) == days.keys("predictions")
    assert days.served(FIRST) == (0, 0)


def test_a_key_that_leaves_the_spec_takes_its_rule_with_it(days):
    days.evaluate(FIRST)
    name = f"{days.run.model}_predictions"
    before = days.run.spec
    druid = before.druid.model_copy(update={"retention_days": 9_000, "compaction_after_days": 3})

    days.with_spec(before.model_copy(update={"druid": druid})).load(FIRST)
    ruled = [rule["type"] for rule in days.client.retention_rules(name)], bool(days.client.compaction(name))
    days.load(FIRST)

    assert ruled == (["loadByPeriod", "dropForever"], True)
    assert (days.client.retention_rules(name), days.client.compaction(name)) == ([], None)


def test_a_day_in_parts_is_loaded_by_two_workers_at_once_and_replaced_as_a_whole(monkeypatch, days):
    # of what else is loaded one part, for each is a task that takes seconds
    rows, part = 24_000, 8_500
    monkeypatch.setattr(input_files, "PART_ROWS", part)
    monkeypatch.setattr(input_files, "BLOCK_ROWS", part)
    days.archive.write_day(FIRST, rows=rows)
    spec = days.run.spec
    parted = days.with_spec(spec.model_copy(update={"druid": spec.druid.model_copy(update={"workers": 2})}))
    parted.evaluate(FIRST)

    ingest = parted.ingest(FIRST)
    state = ingest.begin()
    written = {kind: len(days.run.files.list(f"{days.input_folder(kind)}/")) for kind in KINDS}
    loaded = finished(ingest, state).done[days.keys("predictions")[0]]
    first = parted.served(FIRST), parted.checksums()
    parted.evaluate(SECOND)
    again = parted.load(FIRST)
    in_parts = parted.checksums()
    monkeypatch.undo()
    days.load(FIRST, clear_number=1)

    assert written == {"predictions": 3, "metrics": 1, "profiles": 1}
    assert loaded.rows == rows
    assert first[0] == (rows, 0)
    assert days.served(FIRST) == (rows, rows * 3 // 4)
    assert again.done[days.keys("predictions")[0]].rows == rows
    # a day in one part has the same rows
    assert [row["s"] for row in days.checksums()] == [row["s"] for row in in_parts] != [row["s"] for row in first[1]]

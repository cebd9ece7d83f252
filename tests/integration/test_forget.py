"""A day that was run by mistake is taken back: nothing of it is left but its entry in the audit trail."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.druid.answers import TaskState
from airflow_mlmon.errors import ConfigError, NotFoundError, StateError
from airflow_mlmon.fleet import AuditKind, BundleEntry
from airflow_mlmon.pipeline.baselines.accept import next_day
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.history.forget import Forgotten, forget_day
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import DruidAccess, Run
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.storage import Storage
from tests.support.archive import FIRST, Archive, day_table, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, stored_rows

AT = datetime(2026, 3, 20, tzinfo=UTC)
FUTURE = date(2027, 3, 7)
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
SPEC = ("\nhistory: {days: 10, minimum: 5}", "\nevidently: none\nhistory: {days: 3, minimum: 3}\nduplicates: {days: 3}")
# when a run was made, and who asked
_WITH_TIMES = ("evidently.html", "evidently.json")
_MOMENTS = ("mlmon_audit", "mlmon_models")


def forget(run: Run, day: date, **given: Any) -> Forgotten:
    return forget_day(run, run.partition(day), **{"who": "ann", "why": "mistyped", "at": AT} | given)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of the workspace; empty folders of a local disk do not count."""
    root = folder / "workspace"
    return {
        str(path.relative_to(root)): re.sub(rb"/[^\s<>\"]+/workspace", b"", path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and path.name not in _WITH_TIMES
    }


def rows(folder: Path) -> dict[str, list[str]]:
    """Every row of the store, wherever the workspace is."""
    found = {name: found for name, found in stored_rows(folder).items() if name not in _MOMENTS}
    return {name: [re.sub(r"/\S+/workspace/", "", repr(row)) for row in rows] for name, rows in found.items()}


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    """Four days; on the third an id of the second comes again."""
    archive = local_archive(tmp_path_factory.mktemp("forget"), 4)
    table = day_table(THIRD)
    again = pa.array([f"{SECOND}-00007", *table.column("id").to_pylist()[1:]])
    archive.write_predictions(THIRD, table.set_column(0, "id", again))
    archive.write(archive.predictions_uri(FUTURE, "part-0.parquet"), to_bytes(day_table(SECOND).slice(0, 40)))
    return archive


@pytest.fixture(scope="module")
def made(archive, tmp_path_factory) -> Path:
    """The model after three days, with their pages."""
    folder = tmp_path_factory.mktemp("made")
    with opened(folder, archive, SPEC) as run:
        for day in (FIRST, SECOND, THIRD):
            run_partition(run, run.partition(day))
    return folder


@contextmanager
def copied(made: Path, folder: Path, archive: Archive, *more: tuple[str, str], **given: Any):
    shutil.copytree(made, folder, dirs_exist_ok=True)
    with opened(folder, archive, SPEC, *more, **given) as run:
        yield run


@pytest.fixture
def run(made, archive, tmp_path):
    with copied(made, tmp_path, archive) as run:
        yield run


def test_mistyped_day_in_the_future_leaves_no_trace(run, tmp_path):
    """The first hour of a new user: it moved the baseline's first day and the pages' window, and blocked muting."""
    before, pages, following = rows(tmp_path), files(tmp_path), next_day(run)
    run_partition(run, run.partition(FUTURE))
    assert next_day(run) == FUTURE + timedelta(days=1)

    found = forget(run, FUTURE)

    assert rows(tmp_path) == before
    assert files(tmp_path) == pages
    assert next_day(run) == following == THIRD + timedelta(days=1)
    assert (found.stale, found.stored.labelled, found.files > 0) == ((), 0, True)
    assert [one.day for one in found.filled] == [FUTURE - timedelta(days=back) for back in (3, 2, 1)]


def test_who_and_why_are_kept_with_what_was_removed(run):
    found = forget(run, THIRD, who="  ann ", why="half of the files were missing")

    [entry] = run.store.audit("loans")
    assert (entry.kind, entry.day, entry.who, entry.at) == (AuditKind.FORGET, THIRD, "ann", AT)
    assert entry.why == "half of the files were missing"
    assert entry.detail == found.detail
    assert f"{found.stored.metrics} metrics" in entry.detail


def test_evidence_bundles_that_have_the_day_are_counted(run):
    named = {"is_held": True, "who": "bob", "why": "audit", "at": AT}
    for number, last in enumerate((FIRST, SECOND, THIRD)):
        run.store.add_bundle("loans", BundleEntry(first=FIRST, last=last, head=f"{number:064}", **named))

    assert forget(run, SECOND).bundles == 2
    assert "2 evidence bundles still have it" in run.store.audit("loans")[0].detail


def test_verdicts_that_rested_on_it_are_stale_and_can_be_evaluated_again(run, tmp_path):
    found = forget(run, SECOND)

    assert found.stale == (THIRD,)
    assert stale_days(run, THIRD, THIRD) == {THIRD: [SECOND]}
    page = (tmp_path / f"workspace/reports/loans/{THIRD}/report.html").read_text()
    assert f'href="../{SECOND}' not in page

    assert [day.outcome.value for day in reevaluate(run, THIRD, THIRD)] == ["evaluated again"]
    assert stale_days(run, THIRD, THIRD) == {}


def test_nothing_names_the_day_in_the_workspace(run, tmp_path):
    other = tmp_path / f"workspace/reports/loans/{FIRST}/against-{SECOND}.html"
    other.write_text("a comparison of two days")
    scratch = tmp_path / f"workspace/loans/shards/{SECOND}/plan/plan.json"
    scratch.parent.mkdir(parents=True)
    scratch.write_text("{}")

    forget(run, SECOND)

    named = {name for name in files(tmp_path) if str(SECOND) in name}
    # labels of the day before came on it, and count for that day
    assert all(name.startswith(f"loans/deliveries/{SECOND}/") and f"in-{SECOND}" not in name for name in named)
    assert f'href="{SECOND}/' not in (tmp_path / "workspace/reports/loans/index.html").read_text()


def test_days_whose_rows_were_refused_because_of_it_are_named(run):
    found = forget(run, SECOND)

    assert found.refused == (THIRD,)
    evaluate_day(run, run.partition(THIRD))
    state = run.store.state(run.partition(THIRD))
    # the history was profiled again, and with it the id
    assert state is not None
    assert state.rows_accepted + state.rows_quarantined == state.rows_read


def test_labels_delivered_on_it_stay_for_the_days_that_rest_on_them(run):
    before = run.store.label_bases("loans", FIRST, FIRST)
    performance = run.store.metric_values(run.partition(FIRST))

    found = forget(run, SECOND)

    assert found.stored.labelled == 1
    assert [one.partition.day for one in run.store.deliveries("loans", FIRST, THIRD)] == [SECOND, THIRD]
    assert run.store.label_bases("loans", FIRST, FIRST) == before
    assert run.store.label_bases("loans", SECOND, SECOND) == {}
    assert run.store.metric_values(run.partition(FIRST)) == performance


def test_day_that_is_run_again_is_an_ordinary_day(run, tmp_path):
    run_partition(run, run.partition(THIRD))
    before, pages = rows(tmp_path), files(tmp_path)

    forget(run, THIRD)
    run_partition(run, run.partition(THIRD))

    assert rows(tmp_path) == before
    assert files(tmp_path) == pages


class _KilledError(BaseException):
    """End of a process at a step."""


class _Killing:
    """Workspace whose process is killed at a change, after so many of them."""

    def __init__(self, store: Any, left: list[None]) -> None:
        self._store, self._left = store, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete(self, uri: str) -> None:
        self._count()
        self._store.delete(uri)

    def write(self, uri: str, data: bytes) -> None:
        self._count()
        self._store.write(uri, data)

    def _count(self) -> None:
        if not self._left:
            raise _KilledError
        self._left.pop()


class _KillingStorage(Storage):
    def __init__(self, after: int) -> None:
        super().__init__()
        self._left: list[None] = [None] * after

    def at(self, uri: str, connection: str | None = None) -> Any:
        return _Killing(super().at(uri, connection), self._left)


@pytest.mark.parametrize(
    ("day", "after"),
    [(SECOND, 0), (SECOND, 1), (SECOND, 10), (SECOND, -1), (SECOND, -3), (FUTURE, 0), (FUTURE, 20)],
    ids=str,
)
def test_kill_at_any_step_can_be_repeated(made, archive, tmp_path, day, after):
    with copied(made, tmp_path / "whole", archive) as run:
        run_partition(run, run.partition(day))
        shutil.copytree(tmp_path / "whole", tmp_path / "killed")
        whole = forget(run, day)
    # a page of each neighbour and of the model
    after = after if after >= 0 else whole.files + 3 + after

    killing = {"storage": _KillingStorage(after)}
    with opened(tmp_path / "killed", archive, SPEC, **killing) as run, pytest.raises(_KilledError):
        forget(run, day)
    with opened(tmp_path / "killed", archive, SPEC) as run:
        forget(run, day)
        assert len(run.store.audit("loans")) == 1

    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


class _Druid:
    """Druid that serves a day until it is told otherwise."""

    def __init__(self) -> None:
        self.emptied: list[tuple[str, str]] = []
        self.state: TaskState | None = None

    def task_status(self, _: str) -> Any:
        return self.state and SimpleNamespace(state=self.state)

    def mark_unused(self, datasource: str, interval: str) -> int:
        self.emptied.append((datasource, interval))
        return 1

    def sql(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [{"n": 0, "v": 0}]


def test_druid_serves_it_no_longer(run, tmp_path):
    druid = _Druid()
    run = replace(run, druid=DruidAccess(connect=lambda: druid, today=THIRD))
    for name in ("loans_predictions", "loans_metrics"):
        path = tmp_path / f"workspace/loans/druid/{name}/{SECOND}/loaded.json"
        path.parent.mkdir(parents=True)
        path.write_text("{}")

    druid.state = TaskState.RUNNING
    with pytest.raises(StateError, match="Druid is loading loans_predictions 2026-03-02"):
        forget(run, SECOND)
    assert run.store.state(run.partition(SECOND)) is not None
    druid.state = None

    found = forget(run, SECOND)

    assert found.datasources == ("loans_predictions", "loans_metrics")
    interval = "2026-03-02T00:00:00.000Z/2026-03-03T00:00:00.000Z"
    assert druid.emptied == [("loans_predictions", interval), ("loans_metrics", interval)]
    assert not [name for name in files(tmp_path) if f"druid/loans_metrics/{SECOND}" in name]


class TestRefusal:
    @pytest.mark.parametrize(
        "baseline",
        [
            pytest.param("baseline: {dates: {from: 2026-03-01, to: 2026-03-02}}", id="of the spec"),
            pytest.param("baselines: {amount: {dates: {from: 2026-03-02, to: 2026-03-02}}}", id="of a column"),
        ],
    )
    def test_baseline_of_fixed_days_holds_them(self, made, archive, tmp_path, baseline):
        declared = ("\nhistory: {days: 3", f"\n{baseline}\nhistory: {{days: 3")
        with copied(made, tmp_path, archive, declared) as run:
            with pytest.raises(StateError, match=r"2026-03-02 cannot be forgotten: the baseline.* of the spec"):
                forget(run, SECOND)
            assert run.store.state(run.partition(SECOND)) is not None
            forget(run, THIRD)

    def test_accepted_baseline_holds_its_days_until_another_is_accepted(self, run):
        dates = Baseline.model_validate({"dates": {"from": FIRST, "to": SECOND}})
        following = next_day(run)
        accepted = {"version": None, "first": following, "who": "bob", "why": "new", "accepted_at": AT}
        run.store.save_baseline("loans", BaselinePin(number=1, baseline=dates, **accepted))
        with pytest.raises(StateError, match=r"the baseline that bob accepted, .* in force, has this day"):
            forget(run, SECOND)

        run.store.save_baseline("loans", BaselinePin(number=2, baseline=Baseline(trailing=2), **accepted))
        assert forget(run, SECOND).stored.metrics

    def test_day_of_the_reference_stays(self, run):
        with pytest.raises(StateError, match="it is a day of the reference, of 12 days, 2026-02-17 to 2026-02-28"):
            forget(run, FIRST - timedelta(days=1))

    def test_day_without_anything_is_named(self, run):
        with pytest.raises(NotFoundError, match=r"Nothing is stored of loans 2026-03-19\."):
            forget(run, date(2026, 3, 19))
        assert run.store.audit("loans") == []

    @pytest.mark.parametrize("given", [{"why": " "}, {"who": ""}], ids=["why", "who"])
    def test_name_and_reason_are_needed(self, run, given):
        with pytest.raises(ConfigError, match=f"{next(iter(given))} is empty"):
            forget(run, SECOND, **given)

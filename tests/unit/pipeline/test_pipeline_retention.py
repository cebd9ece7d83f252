"""What is old enough is pruned, and nothing that something rests on; by files of a made-up workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from airflow_mlmon.baselines import BaselineFacts, BaselinePin
from airflow_mlmon.partition import DAY, Partition
from airflow_mlmon.pipeline.retention.notice import write_notice
from airflow_mlmon.pipeline.retention.prune import Pruning, plan_pruning, prune
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, Delivery, Family, MetricValue, PartitionState, Results, Status
from airflow_mlmon.spec.baseline import Baseline, BaselineKind
from airflow_mlmon.spec.retention import Stored
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened, write_file

AGES = (
    "retention: {rows: 30, quarantine: 30, pages: 30, evidently: 30, druid_inputs: 30, metrics: 30, bases: 30, "
    "superseded: 30}"
)
DAYS = 500
LAST = FIRST + (DAYS - 1) * DAY
NOW = datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC)
# labels come within 2 days, of deliveries that reach as far back, and are looked for as far back as late
LABELLED = LAST + DAY - 6 * DAY
OLD = FIRST + 100 * DAY


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A model of which old days, and some of the last two months, were evaluated."""
    folder = tmp_path_factory.mktemp("retention")
    with opened(folder, archive_in(folder)) as run:
        for day in (FIRST, OLD, *(LAST - back * DAY for back in (*range(8), 27, 28, 29, 30, 34, 39, 41, 44, 45))):
            fill(run, day)
    return folder


@pytest.fixture
def opening(made, tmp_path) -> Callable[..., AbstractContextManager[Run]]:
    """Opens a copy of the model, with pieces of its spec replaced."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return lambda *more: opened(tmp_path, archive_in(tmp_path), ("\nhistory:", f"\n{AGES}\nhistory:"), *more)


@pytest.fixture
def run(opening) -> Iterator[Run]:
    with opening() as run:
        yield run


def archive_in(folder: Path) -> Archive:
    return Archive(str(folder / "archive"), write_file)


def fill(run: Run, day: date, *, baselines: tuple[BaselineFacts, ...] = (), alerts: tuple[Alert, ...] = ()) -> None:
    """Store a day with a file of each kind, written on the next."""
    partition = run.partition(day)
    state = PartitionState(
        partition=partition,
        status=Status.OK,
        version="served",
        schema=None,
        rows_read=1,
        rows_accepted=1,
        rows_quarantined=0,
    )
    metrics = tuple(MetricValue(metric=name, value=1.0, rows=1) for name in ("rows", "score_mean"))
    results = Results(
        partition=partition, family=Family.PREDICTIONS, metrics=metrics, alerts=alerts, baselines=baselines
    )
    run.store.publish(state, [results], supersedes=None, bases={day - DAY: "served"})
    for version in ("served", "replaced"):
        for name in ("curated.parquet", "sample.parquet", "quarantine.parquet", "abc.profile", "manifest.json"):
            write(run, run.version_uri(partition, version, name), day)
    for name in ("report.html", "evidently.html", "evidently.json"):
        write(run, run.report_uri(str(day), name), day)
    for name in ("loaded.json", "task.json.gz"):
        write(run, run.uri("druid", "loans", str(day), name), day)
    write(run, run.uri("shards", str(day), "0000", "rows.parquet"), day)
    uri = run.uri("deliveries", str(day), "current.parquet")
    for name in ("current.parquet", "current.matches.json", "replaced.parquet"):
        write(run, run.uri("deliveries", str(day), name), day)
    run.store.save_delivery(Delivery(partition=partition, version="current", uri=uri, rows=1))


def write(run: Run, uri: str, day: date) -> None:
    write_file(uri, b"x")
    at = (datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY).timestamp()
    os.utime(uri, (at, at))


def planned(run: Run, now: datetime = NOW) -> dict[Stored, Pruning]:
    return {one.stored: one for one in plan_pruning(run, now)}


def names(pruning: Pruning, day: date) -> set[str]:
    return {item.uri.rpartition("/")[2] for one in pruning.files if one.day == day for item in one.objects}


def tree(run: Run) -> set[str]:
    return {str(path) for path in Path(run.workspace).rglob("*") if path.is_file()}


def alert(run: Run, day: date) -> Alert:
    return Alert(
        partition=run.partition(day),
        family=Family.PREDICTIONS,
        metric="score_mean",
        column=None,
        severity="warning",
        title="mean score",
        text="0.9",
        value=0.9,
    )


def test_only_days_older_than_the_age_are_pruned(run):
    found = planned(run)

    of_days = [FIRST, OLD, *(LAST - back * DAY for back in (45, 44, 41, 39, 34, 30))]
    for stored in (Stored.ROWS, Stored.QUARANTINE, Stored.PAGES, Stored.EVIDENTLY, Stored.DRUID_INPUTS):
        assert found[stored].days == tuple(of_days)
    # which counts from the next day, on which its files were written
    assert found[Stored.SUPERSEDED].days == tuple(of_days[:-1])


def test_each_kind_has_its_files_and_summaries_are_of_none(run):
    found = planned(run)

    assert {stored: names(pruning, OLD) for stored, pruning in found.items()} == {
        Stored.ROWS: {"curated.parquet", "sample.parquet", "current.parquet"},
        Stored.QUARANTINE: {"quarantine.parquet"},
        Stored.PAGES: {"report.html"},
        Stored.EVIDENTLY: {"evidently.html", "evidently.json"},
        Stored.DRUID_INPUTS: {"task.json.gz"},
        Stored.METRICS: set(),
        Stored.BASES: set(),
        Stored.SUPERSEDED: {
            "curated.parquet",
            "sample.parquet",
            "quarantine.parquet",
            "abc.profile",
            "manifest.json",
            "replaced.parquet",
            "rows.parquet",
        },
    }
    assert found[Stored.ROWS].objects == 3 * len(found[Stored.ROWS].days) == found[Stored.ROWS].size


def test_a_plan_deletes_nothing_and_a_second_pruning_finds_nothing(run):
    before, plan = tree(run), plan_pruning(run, NOW)
    assert tree(run) == before

    prune(run, plan)

    assert {stored: (found.objects, found.records) for stored, found in planned(run).items()} == dict.fromkeys(
        Stored, (0, {})
    )
    assert run.files.read(run.report_uri(str(OLD), "report.html")) == write_notice("report.html", str(OLD))
    assert {path.rpartition("/")[2] for path in before - tree(run)} == {
        "curated.parquet",
        "sample.parquet",
        "quarantine.parquet",
        "current.parquet",
        "replaced.parquet",
        "rows.parquet",
        "abc.profile",
        "manifest.json",
        "task.json.gz",
    }
    assert run.files.read(run.version_uri(run.partition(OLD), "served", "abc.profile"))


def test_what_is_written_again_after_the_plan_is_kept_whole(run):
    """As by a run of the day, whose files are those of a version from before."""
    old, other = run.partition(OLD), run.partition(FIRST)
    plan, before = plan_pruning(run, NOW), tree(run)
    for version in ("served", "replaced"):
        write_file(run.version_uri(old, version, "curated.parquet"), b"x")

    prune(run, plan)

    def of_rows(day: Partition) -> set[str]:
        folder = run.version_uri(day, "", "").rstrip("/")
        return {path for path in before if path.startswith(folder) and "quarantine" not in path}

    assert of_rows(old) <= tree(run)
    assert {
        run.version_uri(other, "replaced", "manifest.json"),
        run.version_uri(other, "served", "curated.parquet"),
    } & (tree(run)) == set()


def test_without_an_age_nothing_is_pruned(made):
    with opened(made, archive_in(made)) as run:
        assert plan_pruning(run, NOW) == []


def test_what_was_written_within_a_day_is_kept(run):
    write(run, run.version_uri(run.partition(OLD), "served", "sample.parquet"), NOW.date() - DAY)

    found = planned(run)[Stored.ROWS]

    assert names(found, OLD) == {"current.parquet"}
    assert found.kept["it was written within a day"] == {OLD}
    assert "sample.parquet" in names(planned(run, NOW + DAY)[Stored.ROWS], OLD)


def test_rows_are_kept_while_labels_may_come(run):
    # from the day after, every day is older than 30 days
    found = planned(run, NOW + 60 * DAY)

    assert found[Stored.ROWS].days[-1] == LABELLED - DAY
    assert found[Stored.ROWS].kept["labels may still come"] == {LABELLED + n * DAY for n in range(6)}
    assert found[Stored.PAGES].days[-1] == LAST


def test_rows_are_kept_where_duplicates_are_searched(opening):
    with opening(("\nhistory:", "\nduplicates: {days: 45}\nhistory:")) as run:
        assert planned(run)[Stored.ROWS].days == (FIRST, OLD, LAST - 45 * DAY)


@pytest.mark.parametrize(
    ("baseline", "kept"),
    [
        ("{trailing: 40}", [LAST - back * DAY for back in (30, 34, 39)]),
        ("{same_weekday: 6}", [LAST - back * DAY for back in (34, 41)]),
        (f"{{dates: {{from: {OLD}, to: {OLD}}}}}", [OLD]),
    ],
)
def test_rows_that_the_baseline_rests_on_are_kept(opening, baseline, kept):
    with opening(("\nhistory:", f"\nbaseline: {baseline}\nhistory:")) as run:
        found = planned(run)[Stored.ROWS]

    assert set(kept) <= found.kept["a baseline rests on it"]
    assert {*found.days, *kept} == {FIRST, OLD, *(LAST - back * DAY for back in (30, 34, 39, 41, 44, 45))}
    assert set(found.days).isdisjoint(kept)


def test_rows_of_an_accepted_baseline_are_kept_until_another_is_accepted(run):
    def accept(number: int, baseline: Baseline) -> None:
        pin = BaselinePin(
            number=number,
            version=None,
            baseline=baseline,
            first=LAST + DAY,
            who="Ada",
            why="new",
            accepted_at=NOW,
        )
        run.store.save_baseline(run.model, pin)

    accept(1, Baseline.model_validate({"dates": {"from": OLD, "to": OLD}}))
    assert OLD not in planned(run)[Stored.ROWS].days

    accept(2, Baseline())
    assert OLD in planned(run)[Stored.ROWS].days


def test_breaching_days_of_an_open_alert_are_kept_until_it_resolves(run):
    fill(run, OLD, alerts=(alert(run, OLD),))
    for day in (OLD + DAY, OLD + 2 * DAY):
        fill(run, day)
    found = planned(run)

    of_alerts = set(Stored) - {Stored.DRUID_INPUTS, Stored.SUPERSEDED}
    assert {stored for stored in Stored if OLD in found[stored].kept.get("an alert is open", ())} == of_alerts
    assert {stored for stored in Stored if OLD not in found[stored].days} == of_alerts
    assert OLD + DAY in found[Stored.PAGES].days

    run.store.publish(None, [Results(partition=run.partition(OLD), family=Family.PREDICTIONS)], supersedes=None)
    assert OLD in planned(run)[Stored.ROWS].days


def test_metrics_are_kept_for_a_year_before_the_days_whose_labels_may_come(run):
    found = planned(run)[Stored.METRICS]

    assert found.days == (FIRST, OLD)
    prune(run, [found])
    assert [value.metric for value in run.store.metric_values(run.partition(OLD))] == ["rows"]
    assert len(run.store.metric_values(run.partition(LAST))) == 2


def test_a_superseded_version_is_kept_while_a_page_may_compare_with_it(run):
    facts = BaselineFacts(
        title="a day",
        kind=BaselineKind.DATES,
        columns=("amount",),
        asked=1,
        needed=1,
        days={OLD: "replaced", FIRST: "other"},
    )
    fill(run, LABELLED, baselines=(facts,))
    found = planned(run)[Stored.SUPERSEDED]

    assert names(found, OLD) == {"replaced.parquet", "rows.parquet"}
    assert "curated.parquet" in names(found, FIRST)


def test_references_are_superseded_by_the_pinned_one(run):
    for folder in ("before", "pinned"):
        write(run, run.uri("reference", folder, "layout.json"), FIRST)
    assert not [one for one in planned(run)[Stored.SUPERSEDED].files if one.day is None]

    run.store.save_schema("loans", "abc", run.uri("reference", "pinned", "layout.json"), "fingerprint")
    found = planned(run)[Stored.SUPERSEDED]
    assert [one.version for one in found.files if one.day is None] == ["reference before"]


def test_metrics_of_the_reference_are_kept(run):
    state = run.store.state(run.partition(OLD))
    run.store.publish(replace(state, version=None, schema="abc"), [], supersedes="served")

    assert planned(run)[Stored.METRICS].days == (FIRST,)

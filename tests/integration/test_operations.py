"""Days of a model whose requests are archived: a burst of errors, and latencies twice as long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest

from airflow_mlmon.cli.table import days_table
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.pages.gauges import model_gauges
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.operations import read_operations
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import Status, SubjectKey, VerdictState
from airflow_mlmon.spec.metrics import GENERIC
from airflow_mlmon.tasks.operations import measure_operations
from tests.support.archive import FIRST, Archive, partition
from tests.support.nightly_model import evaluate_day
from tests.support.requests import OPERATIONAL, ROWS, requests, write_requests
from tests.support.runs import opened, write_file

HEALTHY, BURST, SLOW, FULL, DOWN = (0, 1), 2, 3, 4, 5
DAYS = {
    **{offset: requests(FIRST + timedelta(days=offset)) for offset in HEALTHY},
    BURST: requests(FIRST + timedelta(days=BURST), errors=0.25),
    SLOW: requests(FIRST + timedelta(days=SLOW), slow=2.0),
    FULL: requests(FIRST + timedelta(days=FULL), queue=12),
    DOWN: requests(FIRST + timedelta(days=DOWN), errors=1.0),
}
# of the requests, not of the answers
OF_REQUESTS = ("requests_per_hour", "rows_errors", "error_rate", "latency_p50", "latency_p95", "latency_p99")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Iterator[Run]:
    folder: Path = tmp_path_factory.mktemp("operations")
    archive = Archive(str(folder / "archive"), write_file)
    write_requests(archive, DAYS)
    with opened(folder, archive, OPERATIONAL) as run:
        for offset in DAYS:
            evaluate_day(run, partition(offset))
        yield run


def breaches(run: Run, offset: int) -> set[SubjectKey]:
    found = run.store.verdicts(partition(offset))
    return {one.key for one in found if one.state is VerdictState.BREACH and one.metric in GENERIC}


def values(run: Run, offset: int) -> dict[SubjectKey, float | None]:
    return {value.key: value.value for value in run.store.metric_values(partition(offset))}


def errors(offset: int) -> int:
    return int(np.isin(DAYS[offset].column("status").to_numpy(), (500, 503)).sum())


@pytest.mark.parametrize("offset", HEALTHY)
def test_healthy_days_alert_nothing(run, offset):
    assert not run.store.alerts("loans", partition(offset).day, partition(offset).day)


def test_burst_of_errors_is_found_and_is_nothing_else(run):
    assert breaches(run, BURST) == {("error_rate", None, None)}


def test_latencies_twice_as_long_are_found_and_are_nothing_else(run):
    assert breaches(run, SLOW) == {("latency_p50", None, None), ("latency_p95", None, None)}


def test_saturation_is_found_and_is_nothing_else(run):
    assert breaches(run, FULL) == {("saturation_mean", "queue", None)}


def test_day_of_errors_alone_says_that_and_nothing_else(run):
    found = run.store.alerts("loans", partition(DOWN).day, partition(DOWN).day)

    assert [alert.key for alert in found] == [("error_rate", None, None)]
    assert run.store.state(partition(DOWN)).status is Status.OK
    assert values(run, DOWN)["rows", None, None] == ROWS
    assert values(run, DOWN)["latency_p95", None, None] is None


def test_errors_count_as_traffic_and_are_in_no_other_number(run):
    state = run.store.state(partition(BURST))
    found = values(run, BURST)
    profile = Profile.from_bytes(
        run.files.read(profile_uri(run, partition(BURST), state.version, ensure_reference(run).schema.id))
    )

    assert (state.rows_read, state.rows_accepted, state.rows_quarantined) == (ROWS, ROWS, 0)
    assert found["rows", None, None] == ROWS
    assert found["rows_errors", None, None] == errors(BURST) > 50
    assert profile.rows == read_curated(run, partition(BURST), state.version).num_rows == ROWS - errors(BURST)
    assert found["null_rate", "term", None] == 0


def test_error_rate_has_its_interval_and_those_of_statuses_and_versions(run):
    found = {
        value.segment: value for value in run.store.metric_values(partition(BURST)) if value.metric == "error_rate"
    }

    assert set(found) == {None, "status=500", "status=503", "version=v1"}
    assert found[None].value == pytest.approx(errors(BURST) / ROWS)
    assert found[None].low < found[None].value < found[None].high
    assert found["status=500"].value + found["status=503"].value == pytest.approx(found[None].value)
    assert found["version=v1"].value == found[None].value


def test_quantiles_of_the_latency_are_within_their_bounds(run):
    table = DAYS[SLOW]
    answered = np.sort(table.column("latency").to_numpy()[~np.isin(table.column("status").to_numpy(), (500, 503))])
    for value in run.store.metric_values(partition(SLOW)):
        if value.metric in ("latency_p50", "latency_p95"):
            share = int(value.metric[-2:]) / 100
            exact = np.quantile(answered, share, method="inverted_cdf")
            assert abs(value.value - exact) <= value.error_bound + 1e-9
            assert value.low < value.value < value.high


def test_operational_profiles_of_days_add_up(run):
    parts = [read_operations(run, partition(offset), run.store.state(partition(offset)).version) for offset in DAYS]
    summed = {value.key: value for value in measure_operations(reduce(add, parts), run.spec)}

    assert summed["rows_errors", None, None].value == sum(errors(offset) for offset in DAYS)
    assert summed["error_rate", None, None].rows == len(DAYS) * ROWS
    assert summed["saturation_mean", "queue", None].value == pytest.approx(
        np.concatenate([table.column("queue").to_numpy() for table in DAYS.values()]).mean()
    )


def test_page_shows_the_requests(run):
    write_pages(run, [partition(BURST)])
    page = Path(run.report_uri(partition(BURST).key, PAGE)).read_text()
    shown = page[page.index("<h2>Requests") : page.index("<h2>", page.index("<h2>Requests") + 1)]

    assert "requests by hour" in shown
    assert shown.count('<span class="tag notice">error</span>') == 2
    assert f"<dd>{errors(BURST)}" in shown
    assert "<h3><bdi>error rate" in page


def test_table_of_days_shows_the_error_rate_and_the_latency(run):
    table = days_table(run.store, run.spec, FIRST, FIRST)

    assert {"error rate", "latency p95 in ms"} <= {" ".join(str(column.header).split()) for column in table.columns}


def test_gauges_tell_the_error_rate(run):
    names = {gauge.name for gauge in model_gauges(run, datetime.now(UTC))}

    assert {"mlmon_error_rate", "mlmon_rows_errors", "mlmon_requests_per_hour"} <= names


def test_evaluating_again_says_the_same(run):
    before = values(run, BURST), breaches(run, BURST)
    outcomes = [one.outcome for one in reevaluate(run, partition(BURST).day, partition(BURST).day)]

    assert outcomes == [Outcome.EVALUATED]
    assert (values(run, BURST), breaches(run, BURST)) == before


def test_profiling_again_keeps_the_requests(run):
    state = run.store.state(partition(SLOW))
    before = values(run, SLOW)
    run.files.delete(profile_uri(run, partition(SLOW), state.version, state.schema))

    assert [one.state for one in reprofile(run, partition(SLOW).day, partition(SLOW).day)] == [Carried.CARRIED]
    assert {key: value for key, value in values(run, SLOW).items() if key[0] in OF_REQUESTS} == {
        key: value for key, value in before.items() if key[0] in OF_REQUESTS
    }


def test_reference_may_lack_the_requests(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    write_requests(archive, {0: DAYS[0]})
    archive.write_reference()
    with opened(tmp_path, archive, OPERATIONAL) as run:
        evaluate_day(run, partition(0))
        found = {one.metric: one for one in run.store.verdicts(partition(0)) if one.column is None}

    assert found["error_rate"].state is VerdictState.INSUFFICIENT_DATA
    assert found["error_rate"].note == "0 days of history, fewer than 3"
    assert found["error_rate"].value == pytest.approx(errors(0) / ROWS)

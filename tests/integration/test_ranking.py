"""A ranking from its archive to pages, alerts, store, slices, windows, versions, and the past done again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import ndcg_score

from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.versions import versions_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace import outcomes
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of, profile_partition_outcomes
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.records import MetricValue, VerdictState
from tests.support.archive import FIRST
from tests.support.nightly_model import evaluate_day
from tests.support.searches import CUTOFF, MODEL, SearchArchive, opened_searches, search_day, search_table

DAYS, SPOILT = 6, 4
LAST = FIRST + timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("searches")
    archive = SearchArchive(folder / "archive")
    archive.write_reference()
    for offset in range(DAYS):
        version = "v2" if offset == DAYS - 1 else "v1"
        archive.write_day(offset, noise=2.0 if offset == SPOILT else 0.0, version=version)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    with opened_searches(folder) as run:
        for offset in range(DAYS - 1):
            evaluate_day(run, search_day(offset))
        run_partition(run, search_day(DAYS - 1))
        yield run


@pytest.fixture
def mlmon(folder, run, capsys):
    """The shell on the days that have run; what it prints as JSON."""

    def call(command: str, *arguments: str) -> list[dict]:
        words = [*command.split(), str(folder / f"{MODEL}.yaml"), *arguments]
        places = ["--store", f"sqlite:///{folder / 'store.db'}", "--workspace", str(folder / "workspace")]
        assert main([*words, *places, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]

    return call


def metrics(run: Run, offset: int) -> dict[str, MetricValue]:
    return {value.metric: value for value in run.store.metric_values(search_day(offset)) if value.segment is None}


def test_metrics_of_a_day_are_those_of_its_groups_though_files_cut_them(run):
    frame = search_table(search_day(1).day).to_pandas().dropna()
    groups = [rows for _, rows in frame.groupby("query") if rows["clicks"].sum()]
    ndcg = [ndcg_score([rows["clicks"]], [rows["score"]], k=CUTOFF) for rows in groups]

    found = metrics(run, 1)

    assert found["ndcg_at_k"].value == pytest.approx(np.mean(ndcg), abs=1e-9)
    assert found["ndcg_at_k"].rows == len(groups)
    assert found["groups_irrelevant"].value == found["groups"].value - len(groups)
    assert found["ndcg_at_k"].low < np.mean(ndcg) < found["ndcg_at_k"].high
    # by groups: a standard error of the mean over them
    width = found["ndcg_at_k"].high - found["ndcg_at_k"].low
    assert width == pytest.approx(2 * 1.96 * np.std(ndcg, ddof=1) / np.sqrt(len(ndcg)), rel=1e-3)
    assert 0.3 < found["ndcg_at_k"].constant < found["ndcg_at_k"].low
    assert 0 < found["item_coverage"].value <= 1


def test_groups_of_a_large_day_are_profiled_a_part_at_a_time_as_at_once(run, monkeypatch):
    day = search_day(SPOILT)
    state = run.store.state(day)
    reference = pinned_reference(run, day.day)
    sizes: list[int] = []

    def profiled() -> bytes:
        found = profile_partition_outcomes(
            run,
            day,
            str(state.version),
            deliveries_of(run, day),
            [*reference.schema.segments, SegmentSchema(columns=("shelf",), values=None)],
            schema=reference.outcomes,
        )
        return found.to_bytes()

    at_once = profiled()
    monkeypatch.setattr(outcomes, "_BLOCK", state.rows_accepted // 7)
    divide = outcomes.divide_by_group
    monkeypatch.setattr(outcomes, "divide_by_group", lambda *asked: _sized(divide(*asked), sizes))

    assert profiled() == at_once
    assert len(sizes) > 5
    assert max(sizes) < state.rows_accepted / 2 < sum(sizes) == state.rows_accepted


def _sized(tables: Iterable[pa.Table], sizes: list[int]) -> Iterator[pa.Table]:
    for table in tables:
        sizes.append(table.num_rows)
        yield table


def test_a_spoilt_order_is_found_and_no_other_day_alerts(run):
    alerts = {(alert.partition.day, alert.metric) for alert in run.store.alerts(MODEL, FIRST, LAST)}
    verdicts = {verdict.metric: verdict for verdict in run.store.verdicts(search_day(SPOILT)) if not verdict.segment}

    spoilt = search_day(SPOILT).day
    assert (spoilt, "ndcg_at_k") in alerts
    assert {day for day, _ in alerts} == {spoilt}
    assert verdicts["ndcg_at_k"].state is VerdictState.BREACH


def test_the_page_shows_every_metric(run, folder):
    page = (folder / "workspace" / "reports" / MODEL / str(LAST) / "report.html").read_text()

    assert all(title in page for title in ("NDCG@k", "MAP@k", "MRR", "AUC by group", "item coverage"))


def test_slices_are_of_whole_groups_alone(mlmon):
    whole = ("--from", str(FIRST), "--to", str(FIRST + timedelta(days=SPOILT - 1)))
    [found] = mlmon("slice", "--by", "device,shelf", *whole)

    assert found["metric"] == "ndcg_at_k"
    sides = {own["slice"]: own["against_rest"] for own in found["slices"]}
    assert set(sides) == {"device=phone", "device=desk", "shelf=new", "shelf=old"}
    # of two values, each is the rest of the other
    assert sides["device=phone"]["own"] == pytest.approx(sides["device=desk"]["other"])
    assert sides["device=phone"]["p_value"] is not None
    # what a random half of a group leaves is a shorter list, on which a ranking scores higher: it is not measured
    for name in ("shelf=new", "shelf=old"):
        assert (sides[name]["own"], sides[name]["p_value"]) == (None, None)
        assert "no group" in sides[name]["note"]


def test_windows_and_calibration_know_the_metrics(mlmon):
    windows = mlmon("drift", "--window", "3d", "--from", str(FIRST), "--to", str(LAST))
    calibrated = mlmon("calibrate", "--rate", "0.05")

    assert windows
    assert all("score" in json.dumps(window) for window in windows)
    assert calibrated


def test_versions_are_compared(run):
    state = run.store.state(search_day(DAYS - 1))
    found = versions_of(run, state, run.store.metric_values(search_day(DAYS - 1)), ())

    assert found is not None
    assert {version.name for version in found.rows} == {"v1", "v2"}
    assert all(version.metrics["score_mean"].value is not None for version in found.rows)


def test_a_baseline_is_accepted(mlmon, run):
    mlmon("baseline accept", "--why", "a new index", "--trailing", "3", "--by", "tester")

    assert [pin.why for pin in run.store.baselines(MODEL)] == ["a new index"]


def test_the_past_done_again_says_the_same(run, folder, mlmon):
    before = metrics(run, SPOILT)
    days = ("--from", str(search_day(SPOILT).day), "--to", str(search_day(SPOILT).day))
    mlmon("evaluate", *days)
    with opened_searches(folder, ("segments: [device]", "segments: [device, shelf]")) as changed:
        mlmon("reprofile", *days)
        after = metrics(changed, SPOILT)
    names = [name for name in before if name.endswith("_at_k")]

    assert {name: after[name] for name in names} == {name: before[name] for name in names}

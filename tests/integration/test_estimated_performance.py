"""Performance estimated on the day itself, realised by the labels of later days, and the gap between both."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from airflow_mlmon.cli.table import days_table
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace import curated, losses
from airflow_mlmon.pipeline.workspace.losses import expected_losses
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.records import MetricValue, VerdictState
from tests.support.archive import FIRST, LABELS, Archive, day_table, partition, replace_columns, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

ROWS = 1_500
# a healthy day, one on which labels no longer follow the score, one whose scores are less certain, and two for labels
HEALTHY, OTHER_RELATION, OTHER_INPUTS, DAYS = 0, 1, 2, 5
SPEC = (
    (
        """\
alerts:
  rules:
    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}
    - {metric: null_rate, max: 0.3}
    - {metric: positive_rate, history: {deviations: 5, floor: 0.05}}
""",
        "segments: [channel]\n",
    ),
)


def rows_of(offset: int) -> pa.Table:
    """The predictions of a day with the labels to come."""
    table = day_table(FIRST + timedelta(days=offset), ROWS)
    random = np.random.default_rng(offset)
    score = table.column("score").to_numpy()
    if offset == OTHER_RELATION:
        other = np.where(random.random(ROWS) < 0.4, 1 - score, score)
        return replace_columns(table, repaid=pa.array(random.random(ROWS) < other))
    if offset == OTHER_INPUTS:
        score = 0.5 + 0.2 * (score - 0.5)
        return replace_columns(table, score=score, repaid=pa.array(random.random(ROWS) < score))
    return table


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("estimated")


@pytest.fixture(scope="module")
def archive(folder: Path) -> Archive:
    archive = local_archive(folder, 0)
    archive.write_reference(rows=ROWS)
    for offset in range(DAYS):
        table, day = rows_of(offset), FIRST + timedelta(days=offset)
        archive.write_predictions(day, table)
        archive.write(archive.labels_uri(day + timedelta(days=2), "all"), to_bytes(table.select(["id", *LABELS])))
    (folder / "loans.yaml").write_text(archive.spec_text(*SPEC))
    return archive


@pytest.fixture(scope="module")
def run(folder: Path, archive: Archive) -> Iterator[Run]:
    with opened(folder, archive, *SPEC) as run:
        yield run


@pytest.fixture(scope="module")
def at_once(run: Run) -> dict[int, dict[str, MetricValue]]:
    """What is known of each day when it has run, by metric."""
    found = {}
    for offset in range(DAYS):
        if offset == DAYS - 1:
            run_partition(run, partition(offset))
        else:
            evaluate_day(run, partition(offset))
        found[offset] = metrics_of(run, offset)
    return found


def metrics_of(run: Run, offset: int, segment: str | None = None) -> dict[str, MetricValue]:
    values = run.store.metric_values(partition(offset))
    return {value.metric: value for value in values if value.segment == segment and value.column is None}


def state_of(run: Run, offset: int, metric: str) -> VerdictState:
    [found] = [one for one in run.store.verdicts(partition(offset)) if one.key == (metric, None, None)]
    return found.state


@pytest.mark.parametrize("offset", [HEALTHY, OTHER_INPUTS])
def test_the_estimate_is_there_on_the_day_and_holds_when_the_labels_come(run, at_once, offset):
    estimate, labelled = at_once[offset]["estimated_accuracy"], metrics_of(run, offset)

    assert at_once[offset]["accuracy"].value is None
    assert labelled["estimated_accuracy"] == estimate
    assert estimate.low <= labelled["accuracy"].value <= estimate.high
    assert labelled["estimation_gap"].value == pytest.approx(labelled["accuracy"].value - estimate.value)
    assert labelled["estimation_gap"].low <= 0 <= labelled["estimation_gap"].high
    assert state_of(run, offset, "estimation_gap") is VerdictState.OK


@pytest.mark.usefixtures("at_once")
def test_losses_expected_of_few_rows_at_a_time_are_those_of_all_at_once(run, monkeypatch):
    """A table of many columns is held some thousand rows at a time."""
    reference, state = pinned_reference(run), run.store.state(partition(HEALTHY))
    asked = run, state.partition, state.version, reference.folder, reference.schema
    before = expected_losses(*asked)
    kept = [item.uri for item in run.files.list(run.version_uri(state.partition, state.version, "expected-"))]
    for uri in kept:
        run.files.delete(uri)
    monkeypatch.setattr(losses, "_VALUES", 500)
    monkeypatch.setattr(curated, "_VALUES", 500)
    again = expected_losses(*asked)

    assert len(kept) == 1
    assert len(before.values) == ROWS
    assert again.values.tolist() == before.values.tolist()


def test_less_certain_scores_are_alerted_without_labels(run, at_once):
    assert at_once[OTHER_INPUTS]["estimated_accuracy"].value < at_once[HEALTHY]["estimated_accuracy"].value - 0.1
    assert state_of(run, OTHER_INPUTS, "estimated_accuracy") is VerdictState.BREACH
    assert state_of(run, HEALTHY, "estimated_accuracy") is VerdictState.OK


def test_labels_that_no_longer_follow_the_scores_are_a_gap(run, at_once):
    gap = metrics_of(run, OTHER_RELATION)["estimation_gap"]

    assert at_once[OTHER_RELATION]["estimation_gap"].value is None
    assert "labels received" in at_once[OTHER_RELATION]["estimation_gap"].reason
    assert gap.value < -0.05
    assert gap.high < 0
    assert state_of(run, OTHER_RELATION, "estimation_gap") is VerdictState.BREACH
    assert state_of(run, OTHER_RELATION, "estimated_accuracy") is VerdictState.OK


@pytest.mark.parametrize(
    ("offset", "inputs", "relation"),
    [
        (HEALTHY, VerdictState.OK, VerdictState.OK),
        (OTHER_RELATION, VerdictState.OK, VerdictState.BREACH),
        (OTHER_INPUTS, VerdictState.BREACH, VerdictState.OK),
    ],
)
def test_inputs_and_their_relation_to_the_labels_are_told_apart(run, at_once, offset, inputs, relation):
    assert at_once[offset]["concept_shift"].value is None
    assert at_once[offset]["covariate_shift"] == metrics_of(run, offset)["covariate_shift"]
    assert state_of(run, offset, "covariate_shift") is inputs
    assert state_of(run, offset, "concept_shift") is relation


def test_shifts_are_parts_of_the_change_of_the_mean_loss(run, at_once):
    assert at_once
    found = metrics_of(run, OTHER_INPUTS)
    before = np.mean([metrics_of(run, -back)["brier"].value for back in range(1, 13)])
    change = found["covariate_shift"].value + found["concept_shift"].value

    assert change == pytest.approx(found["brier"].value - before, abs=2e-3)


def test_segments_are_estimated_by_their_own_labels(run, at_once):
    assert at_once
    for channel in ("web", "branch", "phone"):
        found = metrics_of(run, HEALTHY, f"channel={channel}")
        assert found["estimated_accuracy"].low <= found["accuracy"].value <= found["estimated_accuracy"].high
        assert found["estimation_gap"].value is not None


def test_days_of_the_reference_are_estimated_by_the_others(run, at_once):
    assert at_once
    gaps = [metrics_of(run, -back)["estimation_gap"] for back in range(1, 13)]

    # by its own labels too, the gap of a day would be smaller than its interval says
    assert 0.4 < np.std([gap.value * 2 * 1.96 / (gap.high - gap.low) for gap in gaps]) < 1.8
    assert abs(np.mean([gap.value for gap in gaps])) < 0.02


def test_page_and_terminal_show_the_estimate_where_labels_are_missing(run, at_once, folder):
    estimate, last = at_once[DAYS - 1]["estimated_accuracy"].value, partition(DAYS - 1)
    page = (folder / "workspace" / "reports" / "loans" / last.key / "report.html").read_text()
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(days_table(run.store, run.spec, last.day, last.day))

    assert f"estimated {estimate:.3f}<" in page
    assert "estimation gap" in page
    assert "no concept drift" in page
    assert "whether their relation to the labels did cannot be told" in page
    assert f"≈{estimate:.1%}" in console.export_text()

"""Days of a model with a protected column, hashed: an unfair change is found and named, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.archive.curation.personal import hash_values
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import MetricValue, VerdictState
from airflow_mlmon.spec.disparities import DISPARITIES
from tests.support.archive import FIRST, Archive, day_table, partition, replace_columns
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

KEY = b"secret"
CHANNELS = ("web", "branch", "phone")
HASHES = dict(zip(CHANNELS, hash_values(pa.chunked_array([CHANNELS]), KEY).to_pylist(), strict=True))
DAYS, UNFAIR, ROWS = 4, 2, 1_500
FAIRNESS = f"""\
fairness:
  columns: [channel]
  names: {{{HASHES["web"]}: web, {HASHES["branch"]}: branch}}
alerts:
  evaluation: {{metrics: [equalized_odds_difference]}}
  rules:
    - {{metric: demographic_parity_ratio, column: channel, min: 0.5}}
"""


def unfair(table: pa.Table) -> pa.Table:
    """The day with most applications from branches refused."""
    is_branch = np.array(table.column("channel").to_pylist()) == "branch"
    approved = np.array(table.column("approved").to_pylist()) & ~(is_branch & (np.arange(table.num_rows) % 4 > 0))
    return replace_columns(table, approved=approved)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fairness")
    archive = Archive(str(folder / "archive"), write_file)
    archive.write_reference(rows=ROWS)
    for offset in range(DAYS):
        archive.write_day(FIRST + timedelta(days=offset), rows=ROWS)
    day = FIRST + timedelta(days=UNFAIR)
    archive.write_predictions(day, unfair(day_table(day, ROWS)))
    text = ("channel: {type: category}", "channel: {type: category, personal: hash}")
    with opened(folder, archive, text, ("alerts:\n  rules:\n", FAIRNESS), hash_key=KEY) as run:
        for offset in range(DAYS - 1):
            evaluate_day(run, partition(offset))
        run_partition(run, partition(DAYS - 1))
        yield run


def disparities(run: Run, offset: int) -> dict[str, MetricValue]:
    return {value.metric: value for value in run.store.metric_values(partition(offset)) if value.metric in DISPARITIES}


def test_values_are_those_of_a_loop_over_the_groups(run):
    frame = day_table(partition(0).day, ROWS).to_pandas()
    known = frame[frame["repaid"].notna()]
    is_repaid = known["repaid"].astype(bool)
    selected, tpr, fpr = (
        rows.groupby("channel")["approved"].mean()[rows["channel"].value_counts() >= 30]
        for rows in (frame, known[is_repaid], known[~is_repaid])
    )

    found = disparities(run, 0)

    assert {value.column for value in found.values()} == {"channel"}
    assert found["demographic_parity_difference"].value == pytest.approx(selected.max() - selected.min())
    assert found["demographic_parity_ratio"].value == pytest.approx(selected.min() / selected.max())
    assert found["equal_opportunity_difference"].value == pytest.approx(tpr.max() - tpr.min())
    assert found["equalized_odds_difference"].value == pytest.approx(max(tpr.max() - tpr.min(), fpr.max() - fpr.min()))
    assert found["demographic_parity_difference"].low <= found["demographic_parity_difference"].value


def test_an_unfair_change_is_found_and_the_group_is_named(run):
    verdicts = {
        verdict.metric: verdict for verdict in run.store.verdicts(partition(UNFAIR)) if verdict.metric in DISPARITIES
    }

    for metric in ("demographic_parity_difference", "demographic_parity_ratio", "equal_opportunity_difference"):
        assert verdicts[metric].state is VerdictState.BREACH, metric
        assert "of channel=branch" in verdicts[metric].note
    told = {alert.metric for alert in run.store.alerts("loans", FIRST, partition(UNFAIR).day)}
    assert {"demographic_parity_difference", "demographic_parity_ratio"} <= told


def test_healthy_days_say_nothing(run):
    for offset in (0, 1, DAYS - 1):
        found = [verdict for verdict in run.store.verdicts(partition(offset)) if verdict.metric in DISPARITIES]

        assert found
        assert VerdictState.BREACH not in {verdict.state for verdict in found}


def test_the_page_shows_the_groups_and_says_which_is_too_small(run):
    page = Path(run.report_uri(partition(DAYS - 1).key, "report.html")).read_text()

    assert "Fairness by channel" in page
    assert ">branch<" in page
    assert "not enough data (" in page
    assert HASHES["phone"] in page
    assert "phone" not in page

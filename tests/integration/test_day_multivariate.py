"""A day whose features are compared all together, from the archive to the page."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.pages.model import model_page
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.reports.page import render_day
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, replace_columns, to_bytes
from tests.support.drift import multivariate_of
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

TOGETHER = ("\nhistory:", "\ndrift: {multivariate: true}\nhistory:")
RULE = ("  rules:\n", "  rules:\n    - {metric: multivariate_drift, max: 0.6, severity: critical}\n")
FEATURES = ("amount", "term", "channel")


def day_of(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def tied(day: date, *, swapped: bool = False) -> pa.Table:
    """A day on which small amounts have short terms; swapped, each amount has the term of another row."""
    amount = np.exp(8 + np.random.default_rng(day.toordinal()).normal(size=300))
    term = np.select([amount < 2_000, amount < 5_000], [12, 24], 36)
    if swapped:
        term = np.random.default_rng(7).permutation(term)
    return replace_columns(day_table(day, 300), amount=amount, term=term)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A healthy day, and one on which the terms are swapped."""
    archive = local_archive(tmp_path, 0)
    past = [tied(day_of(-offset)) for offset in range(REFERENCE_DAYS, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))
    for offset, swapped in ((0, False), (1, True)):
        archive.write_predictions(day_of(offset), tied(day_of(offset), swapped=swapped))
    return archive


def evaluated(run: Run, offset: int):
    partition = Partition.of_day("loans", day_of(offset))
    version = evaluate_day(run, partition)
    return partition, version, multivariate_of(run, partition)


def test_swapped_columns_are_found_where_no_column_has_moved(tmp_path, archive):
    with opened(tmp_path, archive, TOGETHER) as run:
        first, _, _ = evaluated(run, 0)
        second, _, moved = evaluated(run, 1)
        healthy, found = verdicts(run, first), verdicts(run, second)
        alerts = run.store.alerts("loans", day_of(0), day_of(1))

    assert (healthy["multivariate_drift", None].state, healthy["multivariate_drift", None].history) == (
        VerdictState.OK,
        10,
    )
    assert {found["drift_score", name].state for name in FEATURES} == {VerdictState.OK}
    assert found["multivariate_drift", None].state is VerdictState.BREACH
    assert {name for name, _ in moved.multivariate.strongest[:2]} == {"amount", "term"}
    assert {(alert.partition.day, alert.metric) for alert in alerts} == {
        (day_of(1), "multivariate_drift"),
        # which relations between columns were lost
        (day_of(1), "explained_share"),
    }


def verdicts(run: Run, partition: Partition) -> dict[tuple[str, str | None], Verdict]:
    return {(one.metric, one.column): one for one in run.store.verdicts(partition) if one.segment is None}


def test_a_rule_of_the_spec_decides_in_the_place_of_the_evaluation(tmp_path, archive):
    with opened(tmp_path, archive, TOGETHER, RULE) as run:
        partition, _, _ = evaluated(run, 1)
        found = verdicts(run, partition)["multivariate_drift", None]
        alerts = run.store.alerts("loans", day_of(1), day_of(1))

    assert (found.state, found.rule, found.p_value) == (VerdictState.BREACH, "at most 0.6", None)
    assert {alert.metric: alert.severity for alert in alerts if alert.metric != "explained_share"} == {
        "multivariate_drift": "critical"
    }


def test_pages_show_it_with_what_it_rests_on(tmp_path, archive):
    with opened(tmp_path, archive, TOGETHER) as run:
        partition, _, moved = evaluated(run, 1)
        page, index = render_day(day_page(run, partition)), render_model(model_page(run))

    assert f"ROC AUC <b>{moved.value:.3f}</b>; drifted: effect size +" in page
    assert "Most important columns" in page
    assert "multivariate drift" in index
    assert f'<td class="number">{moved.value:.3f}</td>' in index


def test_a_carried_day_has_the_same_score_from_its_curated_rows(tmp_path, archive):
    with opened(tmp_path, archive, TOGETHER) as run:
        partition, version, before = evaluated(run, 1)
        schema = ensure_reference(run).schema.id
        Path(profile_uri(run, partition, version, schema)).unlink()
        (day,) = reprofile(run, day_of(1), day_of(1))

        assert day.state is Carried.CARRIED
        assert multivariate_of(run, partition) == before
        assert run.store.metrics("loans", day_of(1), day_of(1))[day_of(1), "multivariate_drift", None] == before.value


def test_a_day_of_the_reference_is_not_compared_with_itself(tmp_path, archive):
    before, last = day_of(-2), day_of(-1)
    rows = tied(last, swapped=True)
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables([tied(before), rows])))
    archive.write_predictions(last, rows)
    with opened(tmp_path, archive, TOGETHER, ("start: 2026-03-01", f"start: {last}")) as run:
        _, _, found = evaluated(run, -1)

    # beside its own rows it would be told apart half as well
    assert found.value > 0.75


def test_it_is_off_unless_the_spec_asks(tmp_path, archive):
    with opened(tmp_path, archive) as run:
        partition, _, found = evaluated(run, 1)
        metrics = {value.metric for value in run.store.metric_values(partition)}

        assert (found, ensure_reference(run).together) == (None, None)
    assert "multivariate_drift" not in metrics
    with pytest.raises(ConfigError, match=r"rules\.0\.metric: needs `drift: {multivariate: true}`"):
        opened(tmp_path, archive, RULE).__enter__()


def test_a_reference_of_one_day_leaves_too_little_history(tmp_path, archive):
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(tied(day_of(-1))))
    with opened(tmp_path, archive, TOGETHER) as run:
        partition, _, _ = evaluated(run, 1)
        found = verdicts(run, partition)["multivariate_drift", None]

    assert (found.state, found.note) == (
        VerdictState.INSUFFICIENT_DATA,
        "0 days of history, fewer than 3",
    )

"""Own metrics of a spec: measured, stored, shown and evaluated as those of the task."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.gauges import model_gauges
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.records import VerdictState
from tests.support.archive import FIRST, SPEC, day_table
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

DAYS = [Partition.of_day("loans", FIRST).shift(offset) for offset in range(3)]
MODULE = """
import pyarrow.compute as pc

def net(outcomes):
    return outcomes.true_positive - 2.5 * outcomes.false_positive, outcomes.classified

def lent_to_repaid(batches):
    kept = [batch.filter(pc.and_(batch["label"], batch["prediction"])) for batch in batches]
    total = sum(pc.sum(batch["amount"]).as_py() or 0.0 for batch in kept)
    return total, 0.9 * total, 1.1 * total

def longest(batches):
    return max(pc.max(batch["term"]).as_py() for batch in batches)

def fails(batches):
    raise ValueError("no such column")
"""
ADDED = """\
    - {metric: own.net, max: -1000}
metrics: {net: own_of_loans:net, lent: own_of_loans:lent_to_repaid, broken: own_of_loans:fails}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch) -> Iterator[Run]:
    (tmp_path / "own_of_loans.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    rule = "    - {metric: positive_rate, history: {deviations: 5, floor: 0.05}}\n"
    with opened(tmp_path, local_archive(tmp_path, len(DAYS)), (rule, rule + ADDED)) as run:
        yield run


def test_own_metrics_are_measured_evaluated_and_shown(run):
    for day in DAYS[:-1]:
        evaluate_day(run, day)
    report = run_partition(run, DAYS[-1]).report

    rows = day_table(FIRST)
    known = rows.filter(pc.not_equal(rows["outcome"], "withdrawn"))
    lent = pc.sum(known.filter(pc.and_(known["approved"], known["repaid"]))["amount"]).as_py()
    wrong = pc.sum(pc.and_(known["approved"], pc.invert(known["repaid"]))).as_py()
    right = pc.sum(pc.and_(known["approved"], known["repaid"])).as_py()
    values = {value.metric: value for value in run.store.metric_values(DAYS[0])}
    verdicts = {verdict.metric: verdict for verdict in run.store.verdicts(DAYS[0])}
    net, found, broken = (values[f"own.{name}"] for name in ("net", "lent", "broken"))
    assert (net.value, net.rows) == (right - 2.5 * wrong, 76)
    assert (found.value, found.low, found.high) == pytest.approx((lent, 0.9 * lent, 1.1 * lent))
    assert (broken.value, broken.reason) == (None, "ValueError: no such column")
    # a rule of its own, and the days of the reference as the history of the other
    assert (verdicts["own.net"].state, verdicts["own.net"].high) == (VerdictState.BREACH, -1000)
    assert (verdicts["own.lent"].state, verdicts["own.lent"].history) == (VerdictState.OK, 10)
    assert (verdicts["own.broken"].state, verdicts["own.broken"].note) == (
        VerdictState.INSUFFICIENT_DATA,
        "ValueError: no such column",
    )
    assert "net above its limit" in {alert.title for alert in run.store.alerts("loans", FIRST, FIRST)}
    assert "<bdi>lent</bdi>" in Path(report).read_text()
    assert {"mlmon_own_net", "mlmon_own_lent"} <= {gauge.name for gauge in model_gauges(run, datetime.now(UTC))}

    again = list(reevaluate(run, FIRST, FIRST))
    assert [day.outcome for day in again] == [Outcome.EVALUATED]
    assert {value.metric: value for value in run.store.metric_values(DAYS[0])} == values


def test_own_metrics_of_a_model_without_labels_are_evaluated_with_its_rows(tmp_path, monkeypatch):
    (tmp_path / "own_of_loans.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    text = SPEC[SPEC.index("labels:") : SPEC.index("history:")]
    rule = "    - {metric: positive_rate, history: {deviations: 5, floor: 0.05}}\n"
    added = "    - {metric: own.longest, max: 24}\nmetrics: {longest: own_of_loans:longest, broken: own_of_loans:net}\n"
    archive = local_archive(tmp_path, 2)
    root = archive.root
    without = (text.format(root=root), f"reference:\n  path: {root}/reference/\n")
    with opened(tmp_path, archive, without, (rule, added)) as run:
        evaluate_day(run, DAYS[0])
        report = run_partition(run, DAYS[1]).report

        values = {value.metric: value for value in run.store.metric_values(DAYS[1])}
        assert (values["own.longest"].value, values["own.longest"].rows) == (36, 80)
        assert values["own.broken"].reason.endswith("which a model without labels does not have")
        [verdict] = [one for one in run.store.verdicts(DAYS[1]) if one.metric == "own.longest"]
        assert (verdict.state, verdict.high) == (VerdictState.BREACH, 24)
        assert len(run.store.history("loans", ["own.longest"], DAYS[1].day, 10)["own.longest", None]) == 10
        assert "mlmon_own_longest" in {gauge.name for gauge in model_gauges(run, datetime.now(UTC))}
        assert "<bdi>longest</bdi>" in Path(report).read_text()

        run.files.delete(curated_uri(run, DAYS[1], str(run.store.state(DAYS[1]).version)))
        again = list(reevaluate(run, DAYS[1].day, DAYS[1].day))
        assert [day.outcome for day in again] == [Outcome.EVALUATED]
        assert {value.metric: value for value in run.store.metric_values(DAYS[1])} == values

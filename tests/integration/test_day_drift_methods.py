"""A day whose columns are measured by methods of their own, of all rows or of a sample."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.evaluation.columns import drift_by_column
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.window_drift import roll_up
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.evidently_drift import score_samples
from airflow_mlmon.spec.methods import Method
from tests.support.archive import FIRST, day_table, to_bytes
from tests.support.drift import drift_of
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, write_file

METHODS = """drift:
  method: jensenshannon
  columns:
    amount: {method: anderson}
    term: {method: t_test}
    channel: {method: chisquare}
"""


NOT_COMPARED = "not compared: anderson needs rows, and one side has only a profile"


def _drift_of(run: Run, day: date):
    return drift_of(run, Partition.of_day("loans", day))


def _verdicts_of(run: Run, day: date) -> dict[str, Verdict]:
    return drift_by_column(run.store.verdicts(Partition.of_day("loans", day)))


def test_each_column_is_measured_as_the_spec_says(tmp_path):
    archive = local_archive(tmp_path, 2)
    partition = Partition.of_day("loans", FIRST)
    with opened(tmp_path, archive, ("alerts:", f"{METHODS}alerts:")) as run:
        evaluate_day(run, partition)
        found, verdicts = _drift_of(run, FIRST), _verdicts_of(run, FIRST)

    chosen = {name: value.drift.method for name, value in found.items()}
    assert chosen | {"amount": "anderson", "term": "t_test", "channel": "chisquare", "score": "jensenshannon"} == chosen
    assert found["amount"].drift.note.startswith("p-value by evidently's anderson on samples of 74 and ")
    assert found["amount"].drift.note.endswith(" rows, evidently's own threshold 0.1")
    # whatever the method, the profiles say whether a column has drifted; the form of the ids never varies
    assert {name: (one.state, one.history) for name, one in verdicts.items()} == {
        name: (VerdictState.OK, None if name.startswith("id.") else 10) for name in found
    }


def test_methods_that_need_rows_are_compared_with_the_reference_alone(tmp_path):
    archive = local_archive(tmp_path, 2)
    last = FIRST + timedelta(days=1)
    more = f"{METHODS}baselines: {{amount: {{trailing: 4}}, term: {{trailing: 4}}, channel: previous}}\n"
    with opened(tmp_path, archive, ("alerts:", f"{more}alerts:")) as run:
        evaluate_day(run, Partition.of_day("loans", last))
        found = _drift_of(run, last)
        (window,) = roll_up(run, FIRST, last, 2)

    assert found["amount"].drift.note == NOT_COMPARED
    assert found["term"].drift.method == "t_test"
    assert found["channel"].drift.method == "chisquare"
    rolled = {column.column: column for column in window.columns}
    assert rolled["amount"].note == NOT_COMPARED
    assert (rolled["term"].method, window.verdicts["term"].state) == ("t_test", VerdictState.OK)


def test_carried_day_is_sampled_from_its_curated_rows(tmp_path):
    archive = local_archive(tmp_path, 1)
    with opened(tmp_path, archive, ("alerts:", f"{METHODS}alerts:")) as run:
        evaluate_day(run, Partition.of_day("loans", FIRST))
        before = _drift_of(run, FIRST)["amount"]
    # the sample of a larger reference is another one, and so is its profile schema
    rows = [day_table(FIRST - timedelta(days=n), 90) for n in range(10, 0, -1)]
    write_file(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(rows)))
    with opened(tmp_path, archive, ("alerts:", f"{METHODS}  multivariate: true\nalerts:")) as run:
        (day,) = reprofile(run, FIRST, FIRST)
        after = _drift_of(run, FIRST)["amount"]

    assert day.state is Carried.CARRIED
    assert (after.drift.method, after.rows) == ("anderson", before.rows)
    assert (before.drift.rows_reference, after.drift.rows_reference) == (916, 847)


@pytest.mark.parametrize("method", ["ed", "mannw"])
def test_days_that_always_differ_are_expected_also_of_samples(tmp_path, method):
    archive = local_archive(tmp_path, 0)
    shifts = dict(
        zip(range(-12, 2), [0.0, 0.3, 0.1, 0.4, 0.2, 0.05, 0.35, 0.15, 0.25, 0.4, 0.0, 0.3, 0.36, 0.9], strict=True)
    )
    rows = {offset: day_table(FIRST + timedelta(days=offset), 200, shift=shift) for offset, shift in shifts.items()}
    past = pa.concat_tables([rows[offset] for offset in range(-12, 0)])
    write_file(f"{archive.root}/reference/part-0.parquet", to_bytes(past))
    for offset in (0, 1):
        archive.write_predictions(FIRST + timedelta(days=offset), rows[offset])
    lines = f"drift: {{columns: {{score: {{method: {method}}}}}}}\n"
    with opened(tmp_path, archive, ("alerts:", f"{lines}alerts:")) as run:
        verdicts = []
        for offset in (0, 1):
            evaluate_day(run, Partition.of_day("loans", FIRST + timedelta(days=offset)))
            verdicts.append(_verdicts_of(run, FIRST + timedelta(days=offset))["score"])
        answers = [score_samples(past, rows[offset], {"score": (Method(method), Kind.NUMERIC)}) for offset in (0, 1)]

    assert [answer["score"].is_beyond for answer in answers] == [True, True]
    assert [verdict.state for verdict in verdicts] == [VerdictState.OK, VerdictState.BREACH]


def test_method_of_an_unknown_column_names_the_nearest(tmp_path):
    archive = local_archive(tmp_path, 1)

    drift = "drift: {columns: {amuont: {method: ks}}}\n"
    with (
        pytest.raises(ConfigError, match=r"drift\.columns: 'amuont' is unknown; did you mean amount"),
        opened(tmp_path, archive, ("alerts:", f"{drift}alerts:")),
    ):
        pass


WORDS = ["loan", "car", "house", "school", "roof", "wedding", "kitchen", "dentist", "travel", "garden"]
MEMO = ("    channel:", "    memo: {type: string}\n    channel:")
TEXTS = ("alerts:", "drift: {columns: {memo: {method: abs_text_content_drift}}}\nalerts:")


def with_memo(day: date, *, words: list[str] = WORDS) -> pa.Table:
    """The day's rows, each with a memo of its own of four words."""
    random = np.random.default_rng(day.toordinal())
    table = day_table(day)
    memos = [f"{' '.join(random.choice(words, 4))} {number}" for number in range(table.num_rows)]
    return table.append_column("memo", pa.array(memos))


def test_texts_are_evaluated_beside_the_scores_of_past_days(tmp_path):
    archive = local_archive(tmp_path, 0)
    past = [with_memo(FIRST - timedelta(days=back)) for back in range(12, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))
    archive.write_predictions(FIRST, with_memo(FIRST))
    later = FIRST + timedelta(days=1)
    archive.write_predictions(later, with_memo(later, words=["arms", "drugs", "bets", "coins", "dice"]))
    with opened(tmp_path, archive, MEMO, TEXTS) as run:
        for day in (FIRST, later):
            evaluate_day(run, Partition.of_day("loans", day))
        healthy, moved = (_verdicts_of(run, day)["memo"] for day in (FIRST, later))
        alerts = run.store.alerts("loans", FIRST, later)

    assert (healthy.state, healthy.history) == (VerdictState.OK, 10)
    assert (moved.state, moved.history) == (VerdictState.BREACH, 10)
    assert healthy.value < moved.high < moved.value
    of_drift = [alert for alert in alerts if alert.metric == "drift_score"]
    # the other words are shorter too
    assert [(alert.partition.day, alert.column) for alert in of_drift] == [(later, "memo"), (later, "memo.length")]

"""Performance of two data sets by their labels, without a spec."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from sklearn import metrics

import airflow_mlmon
from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError, SchemaMismatchError
from tests.support.archive import FIRST
from tests.support.durations import duration_table


def scored(rows: int, seed: int, *, flipped: float = 0.0) -> pa.Table:
    random = np.random.default_rng(seed)
    score = random.random(rows)
    late = (random.random(rows) < score) ^ (random.random(rows) < flipped)
    return pa.table({"score": score, "late": score >= 0.5, "was_late": late.astype(np.int64)})


REFERENCE, CURRENT = scored(4_000, 1), scored(3_000, 2, flipped=0.2)


def test_metrics_of_both_sides_are_those_of_scikit_learn():
    found = airflow_mlmon.compare(REFERENCE, CURRENT, label="was_late", prediction="late", score="score").performance

    by_name = {row.metric: row for row in found.differences}
    assert found.task == "binary"
    for side, table in (("before", REFERENCE), ("after", CURRENT)):
        truth, predicted = table["was_late"].to_numpy(), table["late"].to_numpy()
        assert getattr(by_name["accuracy"], side) == pytest.approx(metrics.accuracy_score(truth, predicted))
        expected = metrics.roc_auc_score(truth, table["score"].to_numpy())
        assert getattr(by_name["roc_auc"], side) == pytest.approx(expected, abs=1e-4)
    accuracy = by_name["accuracy"]
    assert accuracy.is_apart
    assert accuracy.low < accuracy.difference < accuracy.high < 0


def test_numbers_are_compared_as_a_regression():
    before, after = (duration_table(FIRST, bias=bias) for bias in (0.0, 4.0))

    found = airflow_mlmon.compare(before, after, label="took", prediction="minutes").performance

    by_name = {row.metric: row for row in found.differences}
    assert found.task == "regression"
    assert by_name["mean_error"].difference == pytest.approx(4, abs=1e-5)
    assert by_name["mean_error"].is_apart
    assert by_name["r2"].low < by_name["r2"].difference < by_name["r2"].high
    assert found.missing["pinball_loss"] == "no row has a label and all quantiles"


def test_a_prediction_alone_leaves_metrics_of_the_score_out_with_the_reason():
    found = airflow_mlmon.compare(REFERENCE, CURRENT, label="was_late", prediction="late").performance

    assert found.missing["log_loss"] == "no row has both a label and a score"
    assert "log_loss" not in {row.metric for row in found.differences}


def test_shell_compares_performance_of_csv_files(tmp_path, capsys):
    files = [tmp_path / f"{name}.csv" for name in ("before", "after")]
    for file, table in zip(files, (REFERENCE, CURRENT), strict=True):
        pa.csv.write_csv(table, file)
    page = tmp_path / "page.html"
    asked = ["--label", "was_late", "--prediction", "late", "--score", "score"]

    assert main(["compare", *map(str, files), *asked, "--html", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["performance"]
    assert told["metrics"]["accuracy"]["is_significant"]
    assert main(["compare", *map(str, files), *asked]) == 0
    assert "95 % interval" in capsys.readouterr().out
    assert "<h2>Performance</h2>" in page.read_text()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"prediction": "late"}, "Performance needs labels"),
        ({"label": "was_late"}, "Performance needs an output"),
        ({"label": "was_lat", "prediction": "late"}, "has no column 'was_lat'"),
        ({"label": "was_late", "prediction": "late", "task": "clustering"}, "'clustering' is unknown"),
    ],
)
def test_what_cannot_be_measured_is_said(asked, message):
    with pytest.raises(ConfigError, match=message):
        airflow_mlmon.compare(REFERENCE, CURRENT, **asked)


def test_label_of_another_type_is_named():
    texts = CURRENT.set_column(2, "was_late", pa.array(["late"] * CURRENT.num_rows))

    with pytest.raises(SchemaMismatchError, match="was_late"):
        airflow_mlmon.compare(texts, texts, label="was_late", prediction="late", task="binary")


def test_profile_of_the_reference_has_no_rows_to_measure():
    with pytest.raises(ConfigError, match="needs the rows of the reference"):
        airflow_mlmon.compare(airflow_mlmon.profile(REFERENCE), CURRENT, label="was_late", prediction="late")


def test_score_that_is_a_list_fits_no_kind_of_model():
    rows = pa.table({"amount": [1.0, 2.0, 3.0, 4.0], "was_late": [True, False] * 2, "score": [[0.5]] * 4})

    with pytest.raises(ConfigError, match="fit no kind of model"):
        airflow_mlmon.compare(rows, rows, label="was_late", score="score")

"""Realised performance of the car loan data against NannyML's published values, chunk by chunk."""

from __future__ import annotations

import csv

import pytest

from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import profile_outcomes
from tests.support.car_loan import CHUNK, FOLDER, read_rows

# The published values have six digits.
PRINT_PRECISION = 5e-7
METRICS = ("roc_auc", "f1", "precision", "recall", "accuracy")
MATRIX = ("true_positive", "false_positive", "false_negative", "true_negative")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the car loan data is not beside the repository")


@pytest.fixture(scope="module")
def published():
    with (FOLDER / "expected_nannyml_docs.csv").open(encoding="utf-8") as file:
        return {
            (row["period"], int(row["chunk_index"]), row["measure"]): float(row["value"])
            for row in csv.DictReader(file)
            if row["field"] == "value" and "- Calculating " in row["notebook"] and row["value"]
        }


@pytest.fixture(scope="module", params=["reference", "analysis"])
def chunks(request):
    rows = read_rows(request.param)
    profiles = [profile_outcomes(rows.slice(start, CHUNK)) for start in range(0, rows.num_rows, CHUNK)]
    return request.param, [
        (profile, {value.metric: value.value for value in measure_outcomes(profile, 0.8)}) for profile in profiles
    ]


@pytest.mark.parametrize("metric", METRICS)
def test_metric_of_every_chunk_is_the_published_one(chunks, published, metric):
    period, measured = chunks

    expected = [published[period, index, metric] for index in range(10)]
    assert [values[metric] for _, values in measured] == pytest.approx(expected, abs=PRINT_PRECISION)


@pytest.mark.parametrize("cell", MATRIX)
def test_confusion_matrix_of_every_chunk_is_the_published_one(chunks, published, cell):
    period, measured = chunks

    expected = [published[period, index, cell] * CHUNK for index in range(10)]
    # Published as shares of the chunk.
    assert [getattr(profile, cell) for profile, _ in measured] == pytest.approx(expected, abs=CHUNK * 5e-7)

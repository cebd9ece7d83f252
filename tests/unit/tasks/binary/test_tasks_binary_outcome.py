from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError, StateError
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from airflow_mlmon.tasks.cells import count_score_cells, to_score_cells
from tests.support.labelled import labelled_table, random_labels


def test_rows_are_counted_by_what_became_of_them():
    profile = profile_outcomes(
        labelled_table(
            score=[0.9, 0.8, 0.2, 0.1, 0.6, 0.4, None],
            prediction=[True, True, False, False, True, None, True],
            label=[True, False, True, False, None, True, True],
        )
    )

    assert (profile.rows, profile.labelled, profile.excluded, profile.positive) == (7, 6, 0, 4)
    matrix = (profile.true_positive, profile.false_positive, profile.false_negative, profile.true_negative)
    assert matrix == (2, 1, 1, 1)
    assert (profile.classified, profile.scored) == (5, 5)


def test_label_of_a_excluded_row_is_not_looked_at():
    profile = profile_outcomes(labelled_table(score=[0.5], prediction=[True], label=[True], excluded=[True]))

    assert (profile.excluded, profile.labelled, profile.scored) == (1, 0, 0)


def test_score_that_is_not_finite_counts_as_none():
    profile = profile_outcomes(labelled_table(score=[np.nan, np.inf, 0.5], prediction=[True] * 3, label=[True] * 3))

    assert (profile.scored, profile.labelled, profile.improbable) == (1, 3, 0)


def test_score_cells_are_as_fine_at_one_as_at_zero():
    low = np.array([1e-9, 1.1e-9, 1e-4])

    assert len(np.unique(to_score_cells(low))) == 3
    assert len(np.unique(to_score_cells(1 - low))) == 3


def test_score_cells_are_in_the_order_of_the_scores():
    scores = np.sort(np.random.default_rng(1).normal(0.5, 0.5, 10_000))

    assert np.all(np.diff(to_score_cells(scores)) >= 0)


def test_many_cells_are_counted_as_few_are(monkeypatch):
    random = np.random.default_rng(6)
    cells = to_score_cells(random.normal(0.5, 1, 5000))
    flags = [random.integers(-1, 1, 5000, np.int8, endpoint=True), random.integers(0, 1, 5000, endpoint=True)]

    few = list(count_score_cells(cells, *flags))
    monkeypatch.setattr("airflow_mlmon.tasks.cells._FEW", 0)
    many = list(count_score_cells(cells, *flags))

    assert few == many
    assert [[tally.rows for tally in found] for found in many] == [
        [int(np.sum(flag == value)) for value in (-1, 0, 1)] for flag in flags
    ]


def test_month_is_the_sum_of_its_days():
    days = [random_labels(200, seed=seed) for seed in range(5)]

    total = Binary().sum_outcomes(profile_outcomes(day) for day in days)
    assert total == profile_outcomes(pa.concat_tables(days))
    assert total.to_bytes() == profile_outcomes(pa.concat_tables(days)).to_bytes()


@pytest.mark.parametrize("rows", [0, 1, 5000])
def test_labelled_profile_survives_its_bytes(rows):
    profile = profile_outcomes(random_labels(rows, seed=1))

    assert BinaryOutcomes.from_bytes(profile.to_bytes()) == profile


def test_damaged_bytes_are_refused():
    data = profile_outcomes(random_labels(50, seed=1)).to_bytes()

    with pytest.raises(StateError, match="damaged"):
        BinaryOutcomes.from_bytes(data[:-1])


def test_columns_that_are_all_null_are_read():
    table = pa.table({name: pa.nulls(2) for name in ("score", "prediction", "label", "excluded")})

    assert profile_outcomes(table) == profile_outcomes(labelled_table(score=[None] * 2, prediction=[None] * 2))


@pytest.mark.parametrize("column", ["score", "prediction", "label", "excluded"])
def test_absent_column_is_refused_by_name(column):
    with pytest.raises(SchemaMismatchError, match=f"lack column '{column}'"):
        profile_outcomes(random_labels(3, seed=1).drop([column]))


@pytest.mark.parametrize("column", ["score", "prediction"])
def test_column_of_another_type_is_refused_by_name(column):
    table = random_labels(1, seed=1)
    table = table.set_column(table.column_names.index(column), column, pa.array(["yes"]))

    with pytest.raises(SchemaMismatchError, match=f"'{column}' of the joined labels is of type string"):
        profile_outcomes(table)

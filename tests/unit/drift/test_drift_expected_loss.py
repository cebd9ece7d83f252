"""Expected loss of rows: what the trees say, of new rows and of those that they were fitted on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.expected_loss import fit_losses
from airflow_mlmon.drift.matrix import order_hashes
from airflow_mlmon.drift.trees import Trees
from airflow_mlmon.profiles.schema import ColumnSchema, Kind

COLUMNS = (
    ColumnSchema(name="amount", kind=Kind.NUMERIC),
    ColumnSchema(name="channel", kind=Kind.CATEGORY, vocabulary=("branch", "web")),
)


def drawn(rows, seed):
    """Rows that lose more with a larger amount, and twice as much in a branch, and the loss of each."""
    random = np.random.default_rng(seed)
    amount, channel = random.random(rows), random.choice(["branch", "web"], rows)
    table = pa.table({"id": [f"{seed}-{row}" for row in range(rows)], "amount": amount, "channel": channel})
    return table, (1 + amount) * np.where(channel == "branch", 2.0, 1.0) * random.gamma(4, 0.25, rows)


@pytest.fixture(scope="module")
def reference():
    return drawn(3_000, 1)


@pytest.fixture(scope="module")
def model(reference):
    return fit_losses(*reference, COLUMNS, "id")


def test_expected_loss_follows_the_inputs(model):
    rows = pa.table({"amount": [0.1, 0.9, 0.1, 0.9], "channel": ["web", "web", "branch", "branch"]})
    small_web, large_web, small_branch, large_branch = model.expect(rows)

    assert small_web < large_web < large_branch
    assert small_web < small_branch < large_branch
    assert model.expect(rows) == pytest.approx([1.1, 1.9, 2.2, 3.8], rel=0.25)


def test_rows_of_the_reference_lose_what_is_expected_of_them_on_average(model, reference):
    rows, losses = reference
    new, losses_of_new = drawn(3_000, 2)
    error = losses.std() / np.sqrt(3_000)

    assert abs((losses - model.expect_own(rows, "id")).mean()) < 3 * error
    assert abs((losses_of_new - model.expect(new)).mean()) < 4 * error
    # the fit to its own rows looks better than it is to others
    unseen, seen = (losses - model.expect_own(rows, "id")).std(), (losses - model.expect(rows)).std()
    assert seen < 0.98 * unseen
    assert (losses_of_new - model.expect(new)).std() == pytest.approx(unseen, rel=0.1)


def test_same_rows_in_any_order_give_the_same_model(model, reference):
    rows, losses = reference
    order = np.random.default_rng(3).permutation(rows.num_rows)
    other = fit_losses(rows.take(pa.array(order)), losses[order], COLUMNS, "id")

    assert np.array_equal(other.expect(rows), model.expect(rows))
    assert other.exponent == model.exponent


def test_column_that_is_gone_is_missing_in_all_rows(model):
    found = model.expect(pa.table({"channel": ["web", "branch"]}))

    assert np.isfinite(found).all()
    assert found[0] < found[1]
    assert model.expect(pa.table({"channel": pa.array([], pa.string())})).size == 0


def test_of_many_rows_some_have_an_expected_loss(model, monkeypatch):
    rows, _ = drawn(2_500, 5)
    every = model.expect(rows)
    monkeypatch.setattr("airflow_mlmon.drift.rows.evenly.MOST", 1_000)
    found = model.expect(rows)

    assert np.isfinite(every).all()
    assert np.flatnonzero(np.isfinite(found)).tolist() == list(range(0, 2_500, 3))
    assert np.array_equal(found[::3], every[::3])
    assert np.isfinite(model.expect_own(rows, "id")).sum() == 834


@pytest.mark.parametrize(("rows", "columns"), [(150, COLUMNS), (0, COLUMNS), (500, ())])
def test_few_labels_or_no_columns_give_no_model(rows, columns):
    assert fit_losses(*drawn(rows, 4), columns, "id") is None


def test_losses_that_are_all_alike_are_expected(reference):
    rows, _ = reference

    assert fit_losses(rows, np.zeros(rows.num_rows), COLUMNS, "id").expect(rows) == pytest.approx(0.0)


def test_column_without_a_value_in_the_reference_is_left_out(model, reference):
    rows, losses = reference
    empty = ColumnSchema(name="empty", kind=Kind.NUMERIC)
    other = fit_losses(
        rows.append_column("empty", pa.nulls(rows.num_rows, pa.float64())), losses, (*COLUMNS, empty), "id"
    )

    assert np.array_equal(other.expect(rows), model.expect(rows))


def test_loss_is_that_of_scikit_learn_where_each_third_has_other_categories(monkeypatch):
    rows, losses = drawn(900, 5)
    third = order_hashes(rows.column("id")) % 3
    channels = np.where(third == 0, "app", np.where(third == 1, "phone", rows.column("channel").to_numpy()))
    rows = rows.set_column(2, "channel", pa.array(channels))
    columns = (
        COLUMNS[0],
        ColumnSchema(name="channel", kind=Kind.CATEGORY, vocabulary=("app", "branch", "phone", "web")),
    )
    fitted = fit_losses(rows, losses * (1 + third), columns, "id")
    monkeypatch.setattr(Trees, "of_scikit", lambda *_: None)
    known_to_scikit_alone = fit_losses(rows, losses * (1 + third), columns, "id")

    assert (bool(fitted.to_json()), known_to_scikit_alone.to_json()) == (True, b"")
    assert np.array_equal(fitted.expect(rows), known_to_scikit_alone.expect(rows))
    assert np.array_equal(fitted.expect_own(rows, "id"), known_to_scikit_alone.expect_own(rows, "id"))

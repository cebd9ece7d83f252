"""The kind of model is guessed from what outputs and labels look like, and the draft says why."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.archive.drafting.draft import Place, draft_spec
from airflow_mlmon.archive.drafting.guess import guess_model
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import Role
from tests.support.archive import FIRST, day_table
from tests.support.durations import duration_table

PLACE = Place(folder="m/predictions", reference="m/predictions", first=date(2026, 3, 1), is_dated=False)
ROWS = 400
RANDOM = np.random.default_rng(1)


def renamed(table: pa.Table, **names: str) -> pa.Table:
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def durations() -> pa.Table:
    table = duration_table(FIRST).drop_columns(["median", "ninth"])
    return renamed(table, minutes="predicted_minutes", shortest="lower", longest="upper")


def shares() -> pa.Table:
    """A number between 0 and 1 that is called as a score may be."""
    table = durations().drop_columns(["lower", "upper"])
    share = pa.array(RANDOM.random(ROWS))
    place = table.column_names.index("predicted_minutes")
    return table.set_column(place, "prediction", share)


def species() -> pa.Table:
    kind = RANDOM.choice(["setosa", "versicolor", "virginica"], ROWS)
    table = durations().drop_columns(["lower", "upper", "predicted_minutes", "took", "courier"])
    return table.append_column("predicted_class", pa.array(kind)).append_column("label", pa.array(kind))


@pytest.mark.parametrize(
    ("table", "kind", "reason"),
    [
        pytest.param(day_table(FIRST, ROWS), "binary", '"score" is all between 0 and 1', id="binary"),
        pytest.param(durations(), "regression", '"predicted_minutes" is a number', id="regression"),
        pytest.param(shares(), "regression", 'the label "took" is a number of many values', id="shares"),
        pytest.param(species(), "multiclass", "is one of a few classes", id="multiclass"),
    ],
)
def test_kind_is_guessed_with_its_reason(table, kind, reason):
    text = draft_spec(guess_model(table), PLACE)

    assert parse_spec(text, "draft.yaml").task == kind
    [line] = [line for line in text.splitlines() if line.startswith("task: ")]
    assert reason in line.partition("# guess: ")[2]


def test_bounds_are_those_on_their_side_of_the_prediction():
    spec = parse_spec(draft_spec(guess_model(durations()), PLACE), "draft.yaml")
    crossed = renamed(durations(), lower="upper", upper="lower")

    found = {role: spec.column_of(role) for role in (Role.PREDICTION, Role.LOWER, Role.UPPER)}
    assert found == {Role.PREDICTION: "predicted_minutes", Role.LOWER: "lower", Role.UPPER: "upper"}
    assert spec.labels.label == "took"
    assert {column.role for column in guess_model(crossed).columns}.isdisjoint({Role.LOWER, Role.UPPER})


def test_without_outputs_no_kind_is_named():
    table = durations().drop_columns(["predicted_minutes", "lower", "upper", "took"])
    text = draft_spec(guess_model(table), PLACE)

    assert "task:" not in text
    assert parse_spec(text, "draft.yaml").task == "none"

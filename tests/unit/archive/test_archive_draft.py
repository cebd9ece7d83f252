"""The draft of a spec: what is guessed, that it is a spec, and that it holds no value of the data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.archive.drafting.draft import Place, draft_spec
from airflow_mlmon.archive.drafting.guess import guess_model
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import ColumnType, PersonalData, Role
from tests.support.species import CLASSES, species_table

ROWS = 200
PLACE = Place(folder="loans/predictions", reference="loans/predictions", first=date(2026, 3, 1), is_dated=False)
HOSTILE = (
    "a: b # c",
    "line\nbreak",
    '"quoted"',
    "it's",
    "true",
    "12",
    "",
    "- x",
    "{curly}",
    "\U0001f4a9",
    "null",
    "*a",
    "~",
)


def sample(**columns) -> pa.Table:
    random = np.random.default_rng(1)
    score = random.random(ROWS)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    known = {
        "request_id": [f"r-{n}" for n in range(ROWS)],
        "created_at": [start + timedelta(seconds=n) for n in range(ROWS)],
        "amount": random.lognormal(8, 1, ROWS),
        "channel": random.choice(["web", "branch"], ROWS),
        "contact": [f"person{n}@example.com" for n in range(ROWS)],
        "probability": score,
        "decided": score > 0.4,
        "repaid": random.random(ROWS) < score,
    }
    return pa.table(known | columns)


def spec_of(table: pa.Table):
    return parse_spec(draft_spec(guess_model(table), PLACE), "draft.yaml")


def test_roles_are_guessed_from_names_and_values():
    spec = spec_of(sample())

    assert {role: spec.column_of(role) for role in (Role.ID, Role.TIME, Role.SCORE, Role.PREDICTION)} == {
        Role.ID: "request_id",
        Role.TIME: "created_at",
        Role.SCORE: "probability",
        Role.PREDICTION: "decided",
    }
    assert spec.features == ("amount", "channel")
    assert spec.labels.label == spec.reference.label == "repaid"
    assert "repaid" not in spec.columns


def test_personal_columns_are_guessed_from_the_form_of_their_values():
    assert spec_of(sample()).columns["contact"].personal is PersonalData.HASH


def test_free_text_is_described_and_an_identifier_ignored():
    notes = [f"call number {n} about the loan" for n in range(ROWS)]
    table = sample(note=notes, reference=[f"R{n:06d}" for n in range(ROWS)])
    spec = spec_of(table)

    assert set(spec.texts) == {"note"}
    assert "note.pattern" in spec.features
    assert spec.columns["reference"].role is Role.IGNORED
    assert "free text of 6 words on average" in draft_spec(guess_model(table), PLACE)


def test_every_guess_is_marked():
    lines = draft_spec(guess_model(sample()), PLACE).splitlines()

    guessed = ("request_id:", "created_at:", "contact:", "probability:", "decided:", "  label:", "  path:", "start:")
    unmarked = [line for line in lines if any(mark in line for mark in guessed) and "# guess: " not in line]
    assert unmarked == []


def test_no_value_of_the_data_is_written():
    table = sample(channel=["zebra", "quagga"] * (ROWS // 2))

    text = draft_spec(guess_model(table), PLACE)

    assert [word for word in ("zebra", "quagga", "person1", "example.com", "r-1") if word in text] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(name):
    assert spec_of(sample(**{name: [1.5] * ROWS})).columns[name].type is ColumnType.FLOAT


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_of_a_column_that_is_left_out_stays_a_comment(name):
    assert name not in spec_of(sample(**{name: [["a", "b"]] * ROWS})).columns


def test_a_sample_without_id_and_time_still_gives_a_spec_that_says_so():
    text = draft_spec(guess_model(pa.table({"x": [1.0, 1.0], "y": [2, 2]})), PLACE)

    assert parse_spec(text, "draft.yaml").id_column == "prediction_id"
    assert text.count("no such column was found") == 2


def test_a_sample_without_rows_still_gives_a_spec():
    assert spec_of(sample().slice(0, 0)).columns["amount"].type is ColumnType.FLOAT


def test_types_that_pandas_and_others_write_are_read():
    table = sample(
        grade=pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
        price=pa.array([Decimal("1.25")] * ROWS),
        empty=pa.nulls(ROWS),
        embedding=pa.array([[1.0, 2.0, 3.0], None] * (ROWS // 2)),
        basket=pa.array([[1, 2], [3]] * (ROWS // 2)),
        seen=pa.array([datetime(2026, 3, 1)] * ROWS, pa.timestamp("us")),  # noqa: DTZ001 - without a zone on purpose
        day=pa.array([date(2026, 3, 1)] * ROWS),
    )

    spec = spec_of(table)

    kinds = {name: spec.columns[name].type for name in ("grade", "price", "empty", "seen")}
    assert kinds == {"grade": "category", "price": "decimal", "empty": "float", "seen": "timestamp"}
    assert spec.predictions.timezone == "UTC"
    assert not {"day", "basket"} & set(spec.columns)
    assert (spec.columns["embedding"].type, spec.columns["embedding"].dimension) == ("vector", 3)


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("s3://b/loans/dt=2026-03-01", "s3://b/loans/dt={date}/"),
        ("loans/year=2026/month=03/day=01", "loans/year={year}/month={month}/day={day}/"),
        ("loans/all", "loans/all/dt={date}/"),
        ("loans/reference", "loans/predictions/dt={date}/"),
        ("./lo{x}ans", "./loxans/dt={date}/"),
    ],
)
def test_the_day_in_a_path_becomes_a_placeholder(folder, path):
    place = Place(folder=folder, reference=folder, first=date(2026, 3, 1), is_dated=True)

    assert place.path == path


def test_probabilities_of_several_classes_are_guessed_because_they_add_up_to_1():
    table = species_table(date(2026, 3, 1))
    spec = spec_of(table)

    assert (spec.task, spec.classes) == ("multiclass", CLASSES)
    assert spec.columns_of(Role.PROBABILITY) == ("p_badger", "p_deer", "p_fox")
    assert (spec.column_of(Role.PREDICTION), spec.labels.label) == ("predicted", "seen")
    assert spec_of(table.drop_columns(["p_fox"])).columns_of(Role.PROBABILITY) == ()

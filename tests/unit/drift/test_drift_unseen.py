"""Values out of the range of the reference, and vectors elsewhere, against the rows themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.unseen import unseen_metrics
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.records import MetricValue
from tests.support.profiles import make_spec

SPEC = make_spec(
    amount={"type": "float"},
    term={"type": "integer"},
    seen={"type": "timestamp"},
    channel={"type": "category"},
    shape={"type": "vector", "dimension": 3},
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def table(amount=(1.0,), term=(1,), shape=((1.0, 0.0, 0.0),)) -> pa.Table:
    rows = max(map(len, (amount, term, shape)))

    def filled(values):
        return [*values, *[None] * (rows - len(values))]

    return pa.table(
        {
            "amount": pa.array(filled(list(amount)), pa.float64()),
            "term": pa.array(filled(list(term)), pa.int64()),
            "seen": pa.array([NOW] * rows, pa.timestamp("us", "UTC")),
            "channel": ["web"] * rows,
            "shape": pa.array(filled([list(vector) for vector in shape]), pa.list_(pa.float64())),
        }
    )


def measured(reference: pa.Table, now: pa.Table) -> dict[tuple[str, str | None], MetricValue]:
    schema = pin_schema(SPEC, reference)
    found = unseen_metrics(profile_table(now, schema), profile_table(reference, schema), SPEC)
    return {(value.metric, value.column): value for value in found}


def test_each_numeric_feature_and_vector_is_measured_and_no_time():
    assert set(measured(table(), table())) == {
        ("out_of_range_rate", "amount"),
        ("out_of_range_rate", "term"),
        ("zero_vector_rate", "shape"),
        ("centroid_cosine", "shape"),
    }


def test_few_distinct_values_are_counted_exactly():
    rate = measured(table(amount=[1.0, 2.5, 4.0]), table(amount=[1.0, 0.99, 4.0, 4.01, 1e300, None, np.nan]))

    found = rate["out_of_range_rate", "amount"]
    assert (found.value, found.rows, found.error_bound) == (0.6, 5, None)
    assert found.low < 0.6 < found.high


def test_many_distinct_values_are_counted_within_the_bound():
    random = np.random.default_rng(3)
    reference, now = random.uniform(0, 100, 20_000), random.uniform(-5, 108, 20_000)
    rate = measured(table(amount=reference), table(amount=now))["out_of_range_rate", "amount"]

    true = np.mean((now < reference.min()) | (now > reference.max()))
    assert 0.1 < rate.value < true <= rate.value + rate.error_bound
    assert rate.error_bound < 0.01


def test_infinity_is_out_of_range_unless_the_reference_has_it():
    now = table(amount=[1.0, np.inf, -np.inf])

    assert measured(table(amount=[1.0, 2.0]), now)["out_of_range_rate", "amount"].value == 2 / 3
    assert measured(table(amount=[1.0, np.inf]), now)["out_of_range_rate", "amount"].value == 1 / 3


@pytest.mark.parametrize(
    ("reference", "now", "reason"),
    [
        (table(term=[None]), table(term=[1]), "the reference has no value"),
        (table(term=[1]), table(term=[None]), "no row has a value"),
    ],
)
def test_a_column_without_values_has_a_reason(reference, now, reason):
    found = measured(reference, now)["out_of_range_rate", "term"]

    assert (found.value, found.reason) == (None, reason)


def test_zero_vectors_are_counted_whether_norms_are_few_or_many():
    few = table(shape=[(1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 0)])
    assert measured(table(), few)["zero_vector_rate", "shape"].value == 0.5

    random = np.random.default_rng(4).normal(size=(3_000, 3)) + 5
    some = np.concatenate([random, np.zeros((60, 3))])
    assert measured(table(shape=random), table(shape=some))["zero_vector_rate", "shape"].value == 60 / 3_060
    assert measured(table(shape=random), table(shape=random))["zero_vector_rate", "shape"].value == 0


def test_the_cosine_is_that_of_the_means():
    random = np.random.default_rng(5)
    reference, now = random.normal([3, 0, 0], size=(500, 3)), random.normal([1, 2, 0], size=(400, 3))
    found = measured(table(shape=reference), table(shape=now))["centroid_cosine", "shape"]

    one, two = reference.mean(axis=0), now.mean(axis=0)
    assert found.value == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), abs=1e-6)
    assert (found.rows, found.low) == (400, None)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [([None], "no row has a value"), ([(1, 0, 0), (-1, 0, 0)], "the mean of the vectors is zero")],
)
def test_without_a_mean_there_is_no_cosine(shape, reason):
    now = table().take(pa.array([0] * len(shape)))
    now = now.set_column(4, "shape", pa.array(shape, pa.list_(pa.float64())))
    found = measured(table(), now)["centroid_cosine", "shape"]

    assert (found.value, found.reason) == (None, reason)


def test_a_part_of_the_reference_is_compared_with_the_others():
    parts = [table(shape=[(1, 0, 0)] * 4), table(shape=[(0, 1, 0)] * 4)]
    schema = pin_schema(SPEC, pa.concat_tables(parts))
    profiles = [profile_table(part, schema) for part in parts]
    whole = sum_profiles(schema, profiles)

    found = {value.metric: value.value for value in unseen_metrics(profiles[0], whole, SPEC, others={})}

    assert found["centroid_cosine"] == 0

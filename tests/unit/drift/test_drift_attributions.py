"""Attributions: NDCG as Clarify defines it, magnitudes that add up, and reasons where there is nothing."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.attributions import (
    MAGNITUDE,
    SHARE,
    magnitude_schema,
    measure_attributions,
    ndcg,
    profile_magnitudes,
)
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, SubjectKey
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metrics import NDCG
from tests.support.archive import FIRST, SPEC
from tests.support.attributed import COLUMNS, PATTERN, VECTOR, attributed, with_vector

TABLE = attributed(FIRST)


def spec_of(replacement: tuple[str, str]) -> ModelSpec:
    return parse_spec(SPEC.format(root="s3://loans").replace(*replacement), "loans.yaml")


SPEC_OF_COLUMNS = spec_of(PATTERN)
PINNED = pin_schema(SPEC_OF_COLUMNS, TABLE)


def with_amounts(values: list[float | None]) -> Profile:
    """The magnitudes of as many rows, with these attributions to the amount."""
    table = TABLE.slice(0, len(values))
    table = table.set_column(table.column_names.index("shap_amount"), "shap_amount", pa.array(values, pa.float64()))
    return profile_magnitudes([table], SPEC_OF_COLUMNS, PINNED)


def measured(profile: Profile, reference: Profile | None) -> dict[SubjectKey, MetricValue]:
    return {value.key: value for value in measure_attributions(profile, reference)}


WHOLE = profile_magnitudes([TABLE], SPEC_OF_COLUMNS, PINNED)
NOTHING = Profile.empty(magnitude_schema(SPEC_OF_COLUMNS, PINNED))


@pytest.mark.parametrize("seed", range(5))
def test_ndcg_is_the_formula_of_clarify(seed):
    random = np.random.default_rng(seed)
    names = [f"f{at}" for at in range(7)]
    reference, current = ({name: float(random.exponential()) for name in names} for _ in range(2))
    ranked = sorted(names, key=lambda name: -current[name])
    ideal = sorted(names, key=lambda name: -reference[name])
    gain, best = (
        sum(reference[name] / math.log2(at + 2) for at, name in enumerate(order)) for order in (ranked, ideal)
    )

    assert ndcg(reference, current) == pytest.approx(gain / best)


def test_ndcg_of_the_same_ranking_is_one_whatever_the_attributions():
    assert ndcg({"a": 3.0, "b": 1.0}, {"a": 0.2, "b": 0.1}) == 1.0


def test_vector_has_the_magnitudes_of_the_columns():
    spec = spec_of(VECTOR)
    table = with_vector(TABLE)
    found = measured(profile_magnitudes([table], spec, pin_schema(spec, table)), None)

    for name, column in zip(("amount", "term", "channel"), COLUMNS, strict=True):
        exact = np.abs(TABLE.column(column).to_numpy()).mean()
        assert found[MAGNITUDE, name, None].value == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("rows", [1, 150, 1_000])
def test_magnitudes_are_the_same_to_the_bit_for_any_batches(rows):
    parts = [TABLE.slice(start, rows) for start in range(0, TABLE.num_rows, rows)]

    profiles = [profile_magnitudes([part], SPEC_OF_COLUMNS, PINNED) for part in reversed(parts)]

    assert sum(profiles, NOTHING).to_bytes() == WHOLE.to_bytes()
    assert profile_magnitudes(iter(parts), SPEC_OF_COLUMNS, PINNED).to_bytes() == WHOLE.to_bytes()


@pytest.mark.parametrize(
    ("profile", "reference", "reason"),
    [
        pytest.param(with_amounts([None] * 40), WHOLE, "no attribution to amount", id="none of a feature"),
        pytest.param(with_amounts([math.nan, math.inf]), WHOLE, "no attribution to amount", id="no finite one"),
        pytest.param(NOTHING, WHOLE, "no attribution to amount", id="no rows"),
        pytest.param(WHOLE, NOTHING, "the reference has no attributions", id="reference without attributions"),
        pytest.param(WHOLE, None, "the reference has no attributions", id="no reference"),
    ],
)
def test_ndcg_that_does_not_exist_has_a_reason(profile, reference, reason):
    value = measured(profile, reference)[NDCG, None, None]

    assert (value.value, value.reason) == (None, reason)


def test_attributions_of_zero_have_no_ranking():
    table = TABLE.select(["id", *COLUMNS])
    for name in COLUMNS:
        table = table.set_column(table.column_names.index(name), name, pa.array(np.zeros(table.num_rows)))
    zero = profile_magnitudes([table], SPEC_OF_COLUMNS, PINNED)
    found = measured(zero, WHOLE)

    assert found[MAGNITUDE, "amount", None].value == 0
    assert found[SHARE, "amount", None].reason == "every attribution is 0"
    assert found[NDCG, None, None].reason == "every attribution is 0"
    assert measured(WHOLE, zero)[NDCG, None, None].reason == "every attribution of the reference is 0"

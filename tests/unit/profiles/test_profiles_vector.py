"""The profile of a vector: its norm as a number, exact sums per dimension, and nothing dropped."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.histogram import build_histogram
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema
from airflow_mlmon.profiles.values.norm import to_norms
from airflow_mlmon.tasks.summary import summary_metrics
from tests.support.profiles import make_schema, make_spec, profile_values

SCHEMA = ColumnSchema(name="v", kind=Kind.VECTOR, dimension=2, element_quantum=0.25)
SPEC = make_spec(v={"type": "vector", "dimension": 4})


def normal(rows: int, dimension: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.3, 1, (rows, dimension))


def to_table(vectors: np.ndarray, element: pa.DataType | None = None) -> pa.Table:
    return pa.table({"v": pa.array(vectors.tolist(), pa.list_(element or pa.float64()))})


def test_each_vector_is_counted_in_one_place():
    held = [[3.0, 4.0], None, [1.0], [1.0, None], [math.nan, math.inf], [math.inf, 1.0], [1e30, 0.0], []]
    profile = profile_values(pa.array(held), SCHEMA)

    assert (profile.rows, profile.nulls, profile.malformed) == (8, 1, 3)
    assert (profile.norm.nans, profile.norm.positive_infinities, profile.far) == (1, 1, 1)
    assert (profile.observed, profile.missing, profile.dimensions.rows) == (2, 5, 1)
    assert profile.norm.distribution.values.keys.tolist() == [5.0, pytest.approx(1e30, rel=1e-5)]


def test_sums_are_those_of_pythons_integers():
    vectors = normal(5_000, 2, seed=1) * 2.0**20
    profile = profile_values(to_table(vectors).column("v"), SCHEMA).dimensions
    integers = [[round(Fraction(value) * 4) for value in column] for column in vectors.T.tolist()]

    assert profile.totals == tuple(map(sum, integers))
    assert profile.squares == tuple(sum(value * value for value in column) for column in integers)
    assert (profile.lows, profile.highs) == (tuple(vectors.min(axis=0)), tuple(vectors.max(axis=0)))


def test_mean_and_variance_are_those_of_the_elements():
    schema = pin_schema(SPEC, to_table(normal(3_000, 4, seed=1)))
    vectors = normal(2_000, 4, seed=2)
    profile = profile_table(to_table(vectors), schema).columns["v"]
    quantum = schema.columns[0].element_quantum

    np.testing.assert_allclose(profile.dimensions.means * quantum, vectors.mean(axis=0), atol=quantum)
    np.testing.assert_allclose(profile.dimensions.variances * quantum**2, vectors.var(axis=0), rtol=1e-5)


@pytest.mark.parametrize(
    "kind", [pa.large_list(pa.float64()), pa.list_(pa.float32()), pa.list_(pa.float32(), 4), pa.list_(pa.float16())]
)
def test_stored_form_of_a_list_changes_nothing(kind):
    vectors = np.round(normal(300, 4, seed=1) * 8) / 8
    schema = pin_schema(SPEC, to_table(vectors))
    with_null = pa.chunked_array([pa.array([None, *vectors.tolist()], pa.list_(pa.float64()))])
    stored = pa.chunked_array(
        [pa.array([None, *vectors.astype(np.float16)], kind).slice(at, 43) for at in range(0, 301, 43)]
    )

    assert profile_table(pa.table({"v": stored}), schema) == profile_table(pa.table({"v": with_null}), schema)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e307])
def test_norm_neither_overflows_nor_vanishes(scale):
    vectors = normal(50, 7, seed=1)

    norms = to_norms(vectors * scale)

    np.testing.assert_allclose(norms / scale, np.linalg.norm(vectors, axis=1), rtol=2.0**-16)


def test_norm_of_a_row_does_not_depend_on_the_others():
    vectors = normal(400, 33, seed=1)
    vectors[7] *= 1e200

    assert to_norms(vectors).tolist() == [to_norms(vectors[at : at + 1]).item() for at in range(400)]


def test_normed_vectors_have_one_norm_whatever_their_noise():
    vectors = normal(2_000, 64, seed=1).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    assert set(to_norms(vectors.astype(np.float64)).tolist()) == {1.0}


def test_quantum_fits_the_largest_dimension_and_not_a_stray_vector():
    vectors = normal(3_000, 4, seed=1)
    vectors[:, 2] *= 1e6
    plain = pin_schema(SPEC, to_table(vectors)).columns[0].element_quantum
    vectors[5] = 1e200

    assert pin_schema(SPEC, to_table(vectors)).columns[0].element_quantum == plain
    assert 1e6 * 2.0**-22 < plain < 1e6 * 2.0**-18


def test_schema_does_not_depend_on_where_chunks_end():
    table = to_table(np.random.default_rng(1).standard_t(2, (40_000, 300)))
    spec = make_spec(v={"type": "vector", "dimension": 300})
    split = pa.concat_tables([table.slice(0, 777), table.slice(777, 12_345), table.slice(13_122)])

    assert pin_schema(spec, table) == pin_schema(spec, split)


@pytest.mark.parametrize(
    "column", [pa.nulls(50, pa.list_(pa.float32())), pa.array([], pa.list_(pa.float32())), pa.array([[1.0] * 3] * 50)]
)
def test_reference_without_a_sound_vector_is_pinned_all_the_same(column):
    schema = pin_schema(SPEC, pa.table({"v": column}))
    profile = profile_table(to_table(normal(100, 4, seed=1)), schema)

    assert profile.columns["v"].dimensions.rows == 100
    assert profile == Profile.from_bytes(profile.to_bytes())


def test_schema_of_a_vector_survives_its_text():
    schema = pin_schema(SPEC, to_table(normal(100, 4, seed=1)))

    assert ProfileSchema.from_json(schema.to_json()) == schema


def test_schema_without_vectors_keeps_its_text():
    text = make_schema(ColumnSchema(name="x", kind=Kind.NUMERIC)).to_json()

    assert "dimension" not in text
    assert "element_quantum" not in text


def test_vector_takes_a_few_bytes_a_dimension():
    vectors = normal(2_000, 384, seed=1).astype(np.float32)
    schema = pin_schema(make_spec(v={"type": "vector", "dimension": 384}), to_table(vectors))
    stored = [profile_table(to_table(vectors[:, :wide]), _of(schema, wide)).to_bytes() for wide in (128, 384)]

    assert (len(stored[1]) - len(stored[0])) / 256 < 24


def _of(schema: ProfileSchema, dimension: int) -> ProfileSchema:
    (column,) = schema.columns
    return make_schema(ColumnSchema(name="v", kind=Kind.VECTOR, centre=column.centre, dimension=dimension))


@pytest.mark.parametrize("column", [pa.array([1.0]), pa.array([["a"]]), pa.array(["[1]"])])
def test_what_is_no_vector_is_refused_by_name(column):
    with pytest.raises(SchemaMismatchError, match="Column 'v' is of type"):
        profile_values(column, SCHEMA)


def test_null_rate_tells_what_is_unusable():
    schema = pin_schema(SPEC, to_table(normal(100, 4, seed=1)))
    held = [*normal(6, 4, seed=2).tolist(), None, [1.0], [math.nan] * 4, [math.inf] * 4]
    profile = profile_table(pa.table({"v": pa.array(held)}), schema)

    (share,) = [metric for metric in summary_metrics(profile, SPEC) if metric.column == "v"]

    assert share.value == 0.3
    column = profile.columns["v"]
    assert (column.nulls, column.norm.nans, column.norm.infinities, column.malformed) == (1, 1, 1, 1)


def test_picture_of_a_vector_is_that_of_its_norm():
    schema = pin_schema(SPEC, to_table(normal(500, 4, seed=1)))
    profile = profile_table(to_table(normal(500, 4, seed=2)), schema).columns["v"]

    assert build_histogram(profile, profile) == build_histogram(profile.norm, profile.norm)

"""Profiles, labelled or not, are a commutative monoid under +, and profiling is a homomorphism onto it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.drift.methods import measure_column
from airflow_mlmon.profiles.codec import codec
from airflow_mlmon.profiles.columns.segment import Part, sum_parts
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, SegmentSchema
from airflow_mlmon.spec.methods import PROFILED, Method
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from tests.support.profiles import make_schema

SCHEMA = make_schema(
    ColumnSchema(name="x", kind=Kind.NUMERIC, centre=0.7, quantum=2.0**-20, atoms=(-0.7, 0.0, 1.3)),
    ColumnSchema(name="n", kind=Kind.NUMERIC, centre=2.0**60, integer=True, atoms=(0.0,)),
    ColumnSchema(name="c", kind=Kind.CATEGORY, vocabulary=("a", "b")),
    ColumnSchema(name="i", kind=Kind.IDENTIFIER),
    ColumnSchema(name="v", kind=Kind.VECTOR, centre=1.0, dimension=3, element_quantum=2.0**-20, atoms=(0.0,)),
    segments=(
        SegmentSchema(columns=("c",), values=("a", "b")),
        # open: short runs make more values than parts are kept for
        SegmentSchema(columns=("c", "i")),
    ),
)
ARROW_SCHEMA = pa.schema(
    [
        ("x", pa.float64()),
        ("n", pa.int64()),
        ("c", pa.string()),
        ("i", pa.string()),
        ("v", pa.list_(pa.float64())),
        ("t", pa.timestamp("s", "UTC")),
    ]
)

floats = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 0.7, 2.0])
integers = st.none() | st.integers(-(2**63), 2**63 - 1)
texts = st.none() | st.sampled_from(["a", "b", "new"]) | st.text(max_size=5)
elements = st.none() | st.floats() | st.floats(-5, 5) | st.sampled_from([0.0, -0.0, 1.0, 2e3])
# Most of dimension 3, some of another.
vectors = st.none() | st.tuples(elements, elements, elements) | st.lists(elements, max_size=4)
# within two days, also where the clocks change, or a row without a time
times = st.none() | st.integers(1_711_800_000, 1_711_980_000)
rows = st.lists(st.tuples(floats, integers, texts, vectors, times), max_size=25)
# Runs of distinct values, so that sums cross from exact counts to the grid.
runs = st.tuples(st.integers(0, 1500), st.integers(0, 60) | st.integers(0, 1500))


def make_table(cells, run=(0, 0)) -> pa.Table:
    start, length = run
    many = np.arange(start, start + length)
    columns = list(zip(*cells, strict=True)) or [(), (), (), (), ()]
    return pa.table(
        {
            "x": pa.array([*columns[0], *(many / 16)], pa.float64()),
            "n": pa.array([*columns[1], *(2**60 + many).tolist()], pa.int64()),
            "c": pa.array([*columns[2], *(f"v{number}" for number in many)], pa.string()),
            "i": pa.array([*columns[2], *(f"a longer identifier {number}" for number in many)], pa.string()),
            "v": pa.array(
                [*columns[3], *([number / 16, -number, 0.5] for number in many)], ARROW_SCHEMA.field("v").type
            ),
            "t": pa.array([*columns[4], *(1_711_800_000 + 61 * many).tolist()], ARROW_SCHEMA.field("t").type),
        },
        schema=ARROW_SCHEMA,
    )


def profile(table: pa.Table) -> Profile:
    return profile_table(table, SCHEMA, clock=Clock(column="t", zone="Europe/Berlin"))


def core(of: Profile) -> bytes:
    return codec.encode(of.schema_id, of.rows, of.columns, of.segments, hours=of.hours, names=False)


tables = st.builds(make_table, rows, runs)


@settings(derandomize=True, max_examples=60)
@given(tables, tables)
def test_profile_of_the_union_is_the_sum_bit_for_bit(first, second):
    whole = profile(pa.concat_tables([first, second]))
    total = profile(first) + profile(second)

    assert total == whole
    assert core(total) == core(whole)


@settings(derandomize=True, max_examples=40)
@given(tables, st.integers(1, 7), st.randoms(use_true_random=False))
def test_order_and_split_of_the_rows_change_nothing(table, parts, random):
    order = list(range(table.num_rows))
    random.shuffle(order)
    split = [profile(table.take(pa.array(order[part::parts], pa.int64()))) for part in range(parts)]

    assert core(sum_profiles(SCHEMA, split)) == core(profile(table))


@settings(derandomize=True, max_examples=40)
@given(tables, tables, tables)
def test_sum_is_associative_commutative_and_has_an_identity(first, second, third):
    one, two, three = profile(first), profile(second), profile(third)

    assert core((one + two) + three) == core(one + (two + three))
    assert core(one + two) == core(two + one)
    assert one + Profile.empty(SCHEMA) == one == Profile.empty(SCHEMA) + one


@settings(derandomize=True, max_examples=60)
@given(tables)
def test_parts_of_a_segment_add_up_to_the_whole(table):
    whole = profile(table)

    for segment in whole.segments.values():
        total = sum_parts([segment.rest, *segment.parts.values()])
        assert total == Part(rows=whole.rows, columns=dict(whole.columns))


@settings(derandomize=True, max_examples=60)
@given(tables)
def test_part_of_a_value_is_the_profile_of_its_rows(table):
    found = profile(table).part("c", "a")
    rows = table.filter(pc.equal(table.column("c"), "a"))

    assert (found.rows if found else 0) == rows.num_rows
    assert found is None or dict(found.columns) == dict(profile(rows).columns)


@settings(derandomize=True, max_examples=40)
@given(tables)
def test_bytes_hold_the_whole_profile(table):
    made = profile(table)
    read = Profile.from_bytes(made.to_bytes())

    assert read == made
    assert read.to_bytes() == made.to_bytes()


SYMMETRIC = {"ks", "cramer_von_mises", "t_test"}
SYMMETRIC_FOR_CATEGORIES = {"psi", "jensenshannon", "hellinger", "TVD", "chisquare", "g_test", "z"}
AT_MOST_ONE = {Method.JENSENSHANNON, Method.HELLINGER, Method.TVD, Method.KS, Method.CRAMER_VON_MISES, Method.Z}


@settings(derandomize=True, max_examples=150)
@given(tables, tables, st.sampled_from(PROFILED))
def test_score_keeps_to_its_range_and_is_zero_between_equals(first, second, method):
    one, two = profile(first), profile(second)

    for name, column in one.columns.items():
        if (found := measure_column(method, column, two.columns[name])) is not None:
            assert found.value >= 0
            assert 0 <= found.effect <= (1 + 1e-12 if method in AT_MOST_ONE else np.inf)
            assert found.p_value is None or 0 <= found.p_value <= 1
        if (same := measure_column(method, column, column)) is not None:
            assert abs(same.effect) < 1e-7
            assert same.p_value is None or same.p_value > 0.9


@settings(derandomize=True, max_examples=100)
@given(tables, tables, st.sampled_from(PROFILED))
def test_score_is_symmetric_where_promised(first, second, method):
    one, two = profile(first), profile(second)

    for name in one.columns:
        if method in SYMMETRIC or (name == "c" and method in SYMMETRIC_FOR_CATEGORIES):
            there, back = (
                measure_column(method, one.columns[name], two.columns[name]),
                measure_column(method, two.columns[name], one.columns[name]),
            )
            assert (there is None) == (back is None)
            assert there is None or np.isclose(there.value, back.value, rtol=1e-9, atol=1e-12)


flags = st.none() | st.booleans()
labelled_rows = st.lists(st.tuples(st.none() | st.floats(0, 1) | st.floats(), flags, flags, st.booleans()), max_size=40)


def make_labels(cells) -> pa.Table:
    columns = list(zip(*cells, strict=True)) or [(), (), (), (), ()]
    types = {"score": pa.float64(), "prediction": pa.bool_(), "label": pa.bool_(), "excluded": pa.bool_()}
    return pa.table({name: pa.array(list(columns[at]), kind) for at, (name, kind) in enumerate(types.items())})


@settings(derandomize=True)
@given(labelled_rows, st.integers(1, 7), st.randoms(use_true_random=False))
def test_labelled_profile_is_the_sum_of_any_split(cells, parts, random):
    whole = profile_outcomes(make_labels(cells))
    random.shuffle(cells)
    split = [profile_outcomes(make_labels(cells[part::parts])) for part in range(parts)]

    assert Binary().sum_outcomes(split) == whole
    assert Binary().sum_outcomes(split).to_bytes() == whole.to_bytes()
    assert whole + BinaryOutcomes.empty() == whole == BinaryOutcomes.from_bytes(whole.to_bytes())

"""The streaming engine: whatever the files, row groups and threads, the profile is that of the table."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.profiles.codec import codec
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.profiles.engine.local import pin_and_profile_parquet, profile_parquet, profile_table
from airflow_mlmon.profiles.engine.pinning import pin_column, pin_columns
from airflow_mlmon.profiles.engine.stream import ProfileStream
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ColumnSchema, Derivation, Kind, SegmentSchema
from airflow_mlmon.profiles.values.exact import sum_quantised
from airflow_mlmon.profiles.values.reading import count_texts
from airflow_mlmon.spec.choices import ColumnType
from tests.support.profiles import make_schema

SCHEMA = make_schema(
    ColumnSchema(name="x", kind=Kind.NUMERIC, centre=0.5, quantum=2.0**-22, atoms=(-0.5, 0.0)),
    ColumnSchema(name="n", kind=Kind.NUMERIC, centre=3.0, integer=True, atoms=(0.0,)),
    ColumnSchema(name="c", kind=Kind.CATEGORY, vocabulary=("v0", "v1")),
    ColumnSchema(name="b", kind=Kind.CATEGORY, vocabulary=("true", "false")),
    ColumnSchema(name="v", kind=Kind.VECTOR, centre=1.0, quantum=2.0**-22, dimension=5, element_quantum=2.0**-18),
    ColumnSchema(name="d", kind=Kind.NUMERIC, centre=5.25, quantum=2.0**-22, atoms=(0.0,)),
    ColumnSchema(
        name="c.length", kind=Kind.NUMERIC, integer=True, derived=Derivation(feature="length", columns=("c",), every=2)
    ),
    ColumnSchema(name="t.hour", kind=Kind.CATEGORY, derived=Derivation(feature="hour", columns=("t",))),
    segments=(
        SegmentSchema(columns=("c",)),
        SegmentSchema(columns=("b",), values=("true",)),
        SegmentSchema(columns=("b", "c"), values=("true & v0", "false & v1")),
        SegmentSchema(columns=("n",)),
        SegmentSchema(columns=("absent",)),
    ),
)


CLOCK = Clock(column="t", zone="America/New_York")


def make_table(rows: int, distinct: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    picked = random.integers(0, distinct, rows)
    x = random.standard_t(1, distinct)[picked]
    x[random.random(rows) < 0.02] = random.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300])
    some = random.random(rows) < 0.1
    vectors = random.standard_t(1, (rows, 5)).astype(np.float32)
    vectors[random.random(rows) < 0.02, 3] = random.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30])
    return pa.table(
        {
            "x": pa.array(x, mask=some),
            "n": pa.array(picked, mask=some),
            "c": pa.array([f"v{number}" for number in picked % 50], mask=some),
            "b": pa.array(picked % 2 == 0, mask=some),
            "v": to_lists(vectors, some, random),
            "d": pa.array(picked, mask=some).cast(pa.decimal128(21, 2)),
            "t": pa.array(random.integers(0, 90_000, rows), pa.timestamp("s", "UTC"), mask=some),
        }
    )


def to_lists(vectors, some, random) -> pa.Array:
    """Vectors of which some are null, and a few have lost their last element."""
    lengths = np.where(random.random(len(vectors)) < 0.01, 4, 5)
    held = np.arange(5) < lengths[:, np.newaxis]
    offsets = np.concatenate(([0], lengths.cumsum())).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors[held]), mask=pa.array(some))


def to_file(table: pa.Table, group: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=group, write_page_checksum=True)
    return sink.getvalue()


def core(of: Profile) -> bytes:
    return codec.encode(of.schema_id, of.rows, of.columns, of.segments, hours=of.hours, names=False)


@settings(derandomize=True, max_examples=40)
@given(
    rows=st.sampled_from([0, 1, 300, 5000, 70_000]),
    distinct=st.sampled_from([1, 900, 1025, 40_000]),
    files=st.integers(1, 4),
    group=st.sampled_from([97, 4096, 1 << 20]),
    threads=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_stream_of_any_files_and_threads_is_the_profile_of_the_table(*, rows, distinct, files, group, threads, seed):
    table = make_table(rows, distinct, seed)
    order = np.random.default_rng(seed).permutation(rows)
    parts = [table.take(pa.array(order[part::files], pa.int64())) for part in range(files)]
    group = max(group, rows // 100)

    streamed = profile_parquet([to_file(part, group) for part in parts], SCHEMA, clock=CLOCK, threads=threads)

    assert core(streamed) == core(profile_table(table, SCHEMA, clock=CLOCK))


@settings(derandomize=True, max_examples=40)
@given(
    rows=st.sampled_from([0, 1, 300, 5000, 70_000, 140_000]),
    distinct=st.sampled_from([1, 900, 1025, 40_000]),
    sizes=st.lists(st.sampled_from([0, 1, 7, 4096, 30_000, 1 << 20]), min_size=1, max_size=9),
    threads=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_stream_of_any_batches_and_threads_is_the_profile_of_the_table(*, rows, distinct, sizes, threads, seed):
    table = make_table(rows, distinct, seed)
    stream = ProfileStream(SCHEMA, CLOCK, threads=threads)
    start = 0
    for size in [*sizes, rows]:
        stream.add(table.slice(start, size))
        start += size
    streamed = stream.total()

    assert streamed.to_bytes() == profile_table(table, SCHEMA, clock=CLOCK).to_bytes()
    assert core(streamed) == core(profile_parquet([to_file(table, 50_000)], SCHEMA, clock=CLOCK))


def test_stream_of_tables_that_lack_columns_is_the_sum_of_their_profiles():
    tables = [make_table(3000, 900, seed).drop([name]) for seed, name in enumerate(["x", "c", "b", "v"])]
    stream = ProfileStream(SCHEMA, CLOCK, threads=3)
    for table in tables:
        stream.add(table)

    summed = sum_profiles(SCHEMA, (profile_table(table, SCHEMA, clock=CLOCK) for table in tables))
    assert core(stream.total()) == core(summed)


def test_stream_holds_no_more_than_some_texts():
    texts = [f"{number % 300_000:x}" for number in range(400_000)]
    schema = make_schema(ColumnSchema(name="c", kind=Kind.CATEGORY, vocabulary=("0", "1")))
    stream = ProfileStream(schema, threads=1)
    for start in range(0, len(texts), 50_000):
        stream.add(pa.table({"c": texts[start : start + 50_000]}))

    whole = CategoryProfile.of(schema.columns[0], count_texts(pa.array(texts), "c"))
    assert stream.total().columns["c"] == whole


TYPES = {
    "x": ColumnType.FLOAT,
    "n": ColumnType.INTEGER,
    "c": ColumnType.STRING,
    "b": ColumnType.BOOLEAN,
    "absent": ColumnType.FLOAT,
}


@settings(derandomize=True, max_examples=30)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 300, 5000, 40_000]), min_size=1, max_size=4),
    distinct=st.sampled_from([1, 900, 1025, 40_000]),
    pinned_rows=st.sampled_from([1, 250, 5000, 45_000, 1 << 20]),
    group=st.sampled_from([97, 4096, 1 << 20]),
    threads=st.integers(1, 4),
)
def test_pinned_stream_is_the_pinned_table_and_its_profile(*, sizes, distinct, pinned_rows, group, threads):
    parts = [make_table(size, distinct, seed) for seed, size in enumerate(sizes)]
    if len(parts) > 1:
        # rows of a file without the column are rows all the same
        parts[0] = parts[0].drop(["x"])
    table = pa.concat_tables(parts, promote_options="default")
    group = max(group, max(sizes) // 100)

    schema, profile = pin_and_profile_parquet(
        "m", TYPES, [to_file(part, group) for part in parts], rows=pinned_rows, threads=threads
    )

    assert schema == pin_columns("m", TYPES, table.slice(0, pinned_rows))
    assert core(profile) == core(profile_parquet([to_file(part, group) for part in parts], schema))


@settings(derandomize=True, max_examples=60)
@given(
    rows=st.sampled_from([1, 2, 3, 150, 1001, 20_000]),
    distinct=st.sampled_from([1, 2, 60, 900, 40_000]),
    seed=st.integers(0, 99),
)
def test_pin_is_by_the_order_and_the_counts_of_the_values(*, rows, distinct, seed):
    numbers = make_table(rows, distinct, seed).column("x").drop_null().to_numpy()
    finite = np.sort(numbers[np.isfinite(numbers)]) + 0.0
    if not finite.size:
        return
    centre = finite[(finite.size - 1) // 2]
    low, first, third, high = np.quantile(finite - centre, [0.01, 0.25, 0.75, 0.99], method="nearest")
    spread = (third - first) or (high - low) or np.abs(finite - centre).max() or 1.0
    values, counts = np.unique(finite - centre, return_counts=True)

    pinned = pin_column("x", ColumnType.FLOAT, [pa.array(numbers)])

    assert pinned.centre == centre
    assert 2.0**-23 < pinned.quantum / min(spread, 2.0**922) <= 2.0**-21
    assert pinned.atoms == tuple(values[(counts >= 2) & (counts >= finite.size / 100)].tolist())


def test_chunks_of_a_long_file_add_up():
    table = pa.table({"x": np.random.default_rng(1).standard_t(2, 1_200_000)})

    assert core(profile_parquet([to_file(table, 1 << 21)], SCHEMA)) == core(profile_table(table, SCHEMA))


@settings(derandomize=True, max_examples=30)
@given(rows=st.integers(1, 40_000), scale=st.integers(-40, 40), quantum=st.integers(-30, 30), seed=st.integers(0, 99))
def test_sums_in_blocks_are_those_of_pythons_integers(rows, scale, quantum, seed):
    values = np.random.default_rng(seed).standard_t(2, rows) * 2.0**scale
    unit = 2.0**quantum
    integers = [round(value / unit) for value in values.tolist()]

    halves = [
        sum_quantised(half, unit, reach=float(np.abs(half).max())) for half in np.array_split(values, 2) if half.size
    ]

    assert sum(total for total, _ in halves) == sum(integers)
    assert sum(squares for _, squares in halves) == sum(integer * integer for integer in integers)


@settings(derandomize=True, max_examples=20)
@given(rows=st.integers(2_000, 90_000), seed=st.integers(0, 99))
def test_cells_and_atoms_in_blocks_are_those_of_the_values(rows, seed):
    table = make_table(rows, 50_000, seed)
    finite = table.column("x").drop_null().to_numpy()
    deviations = finite[np.isfinite(finite)] - 0.5

    distribution = profile_table(table, SCHEMA).columns["x"].distribution.to_grid()

    keys, counts = np.unique(to_cells(deviations), return_counts=True)
    assert distribution.cells.keys.tolist() == keys.tolist()
    assert distribution.cells.counts.tolist() == counts.tolist()
    assert [distribution.atoms.count_of(atom) for atom in (-0.5, 0.0)] == [
        int((deviations == atom).sum()) for atom in (-0.5, 0.0)
    ]

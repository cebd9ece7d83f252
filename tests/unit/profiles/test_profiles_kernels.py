"""The compiled kernels: to the bit what numpy computes, and no reading beyond a buffer."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ExtensionFileLoader

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.rows import contents
from airflow_mlmon.drift.rows.contents import collect_contents
from airflow_mlmon.profiles.codec import framing
from airflow_mlmon.profiles.codec.codec import read_steps, write_steps
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.columns import counting, tally
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.engine import hash_index, hours
from airflow_mlmon.profiles.engine.hash_index import HashIndex
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.values import characters, murmur, reading, times
from airflow_mlmon.profiles.values.characters import find_patterns
from airflow_mlmon.profiles.values.kernels import accept_kernels
from airflow_mlmon.profiles.values.murmur import hash_texts
from airflow_mlmon.profiles.values.times import derive_time
from airflow_mlmon.spec.times import TimeFeature
from include.kernels.build import ROOT, SOURCE, compile_kernels
from tests.support.profiles import make_schema, numeric_schema

MODULES = (contents, counting, framing, hash_index, hours, tally, characters, murmur, reading, times)
LIMITS = np.finfo(np.float64)
SPECIAL = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 1e-300, -1e-300, LIMITS.smallest_subnormal, LIMITS.tiny]
SPECIAL += [-LIMITS.smallest_subnormal, 2.0**-126, np.nextafter(2.0**-126, 0), -(2.0**-127), 2.0**-149, 1 / 3]
SPECIAL += [2.0**30, 2.0**31 + 0.5, 2.0**46 - 0.5, -(2.0**46), np.nextafter(2.0**47, 0)]
FAR = [2.0**47, -(2.0**47), 2.0**51 + 0.5, 2.0**53, 2.0**63, 2.0**127, 2.0**128, -(2.0**128), LIMITS.max, LIMITS.min]
ODD = [np.nan, np.inf, -np.inf]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    path = compile_kernels(tmp_path_factory.mktemp("kernels"))
    if path is None:
        pytest.skip("no C compiler on this machine")
    spec = importlib.util.spec_from_loader("_kernels", ExtensionFileLoader("_kernels", str(path)))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def both(compiled, monkeypatch):
    def run(compute):
        found = []
        for kernels in (None, compiled):
            for module in MODULES:
                monkeypatch.setattr(module, "kernels", kernels)
            found.append(compute())
        return found

    return run


@pytest.mark.parametrize("values", [SPECIAL, [*SPECIAL, *FAR], [*SPECIAL, *FAR, *ODD], []])
@pytest.mark.parametrize(
    "pinned", [{}, {"centre": 1e308}, {"centre": 1 / 3, "quantum": 2.0**-30}, {"quantum": 2.0**900}]
)
def test_profile_of_any_doubles_is_the_same(both, values, pinned):
    random = np.random.default_rng(7)
    # beyond 1,024 distinct values, so that cells are counted
    drawn = np.concatenate([values, random.standard_t(1, 5000), random.choice([*values, 0.0], 40_000)])
    drawn = random.permutation(drawn)
    table = pa.table(
        {
            "x": pa.array(drawn, mask=random.random(len(drawn)) < 0.2),
            "t": pa.array(random.integers(0, 10**6, len(drawn)), pa.timestamp("s", "UTC")),
        }
    ).slice(3)
    schema = make_schema(numeric_schema(atoms=(0.0, 0.5), **pinned))
    pure, fast = both(lambda: profile_table(table, schema, clock=Clock(column="t")).to_bytes())

    assert pure == fast


def test_sums_at_the_bound_of_a_block_do_not_overflow(both):
    largest = np.nextafter(2.0**47, 0) - 1
    table = pa.table({"x": np.full(1 << 15, largest), "t": pa.array(np.zeros(1 << 15, int), pa.timestamp("s", "UTC"))})
    schema = make_schema(numeric_schema())
    pure, fast = both(lambda: profile_table(table, schema, clock=Clock(column="t")))

    assert pure == fast
    assert fast.columns["x"].total == int(np.rint(largest)) << 15


@pytest.mark.parametrize("largest", [2**24, 2**25 - 1, 2**25, 2**31])
@pytest.mark.parametrize("integer", [False, True])
def test_integers_have_the_same_sums_around_any_centre(both, largest, integer):
    numbers = np.concatenate([np.arange(5000), np.full(1 << 16, largest)])
    schema = make_schema(numeric_schema(integer=integer, centre=-2.0 if integer else -0.75, quantum=0.5))
    pure, fast = both(lambda: profile_table(pa.table({"x": numbers}), schema))

    assert pure == fast
    quanta = [int(quantum) for quantum in np.rint((numbers - schema.columns[0].centre) / 0.5)]
    assert (fast.columns["x"].total, fast.columns["x"].squares) == (sum(quanta), sum(own * own for own in quanta))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()])
def test_texts_of_any_length_have_the_same_hash(both, kind):
    random = np.random.default_rng(1)
    texts = [bytes(random.integers(1, 127, length % 80).astype(np.uint8)).decode() for length in range(400)]
    array = pa.array(["before", *texts, "ü" * 9, ""]).cast(kind)
    for part in (array, array.slice(1), array.slice(5, 0), array.slice(80, 1)):
        pure, fast = both(lambda part=part: hash_texts(part).tolist())
        assert pure == fast


@pytest.mark.parametrize(
    "values",
    [
        pa.array([*SPECIAL, *FAR, *ODD, None] * 3),
        pa.array([0.5, None, np.nan], pa.float32()),
        pa.array([2**63 - 1, -5, None]),
        pa.array([1, 2], pa.uint8()),
        pa.array([True, None]),
        pa.array(["a", None, "", "Zürich"]),
        pa.array(["a", None], pa.large_string()),
        pa.array(["b", None, "a"]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_contents_of_any_values_are_the_same(both, values):
    table = pa.table({"x": values, "y": np.arange(len(values)) / 3}).slice(1)
    pure, fast = both(lambda: collect_contents([table], ["x", "y", "x"]))

    assert pure == fast


@pytest.mark.parametrize("numbers_alike", [False, True])
def test_texts_of_any_characters_have_the_same_pattern(both, numbers_alike):
    random = np.random.default_rng(2)
    texts = ["".join(random.choice(list("aB9- 0\t~"), length % 40)) for length in range(2000)]
    for part in (texts, [*texts, "Zürich 1234", "٣٣٣٣ 0000"], [""], []):
        array = pa.array(["1", *part], pa.string()).slice(1)
        pure, fast = both(lambda array=array: find_patterns(array, 3, numbers_alike=numbers_alike).to_pylist())
        assert pure == fast


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.int32(), pa.uint32(), pa.int8()])
def test_selected_values_are_those_that_are_valid(both, kind):
    values = pa.array([None if number % 3 == 0 else number % 100 for number in range(1000)], kind)
    for start in range(9):
        part = values.slice(start, 700)
        pure, fast = both(lambda part=part: reading.read_numbers(part, "x").values.tolist())
        assert pure == fast == part.drop_null().to_pylist()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Monrovia", "Pacific/Apia"])
@pytest.mark.parametrize(
    "bounds",
    [
        ("1965-01-01", "1985-01-01"),
        ("1973-01-01", "1990-01-01"),
        ("2010-01-01", "2030-01-01"),
        ("2024-01-01", "9999-12-31"),
    ],
)
def test_times_have_the_same_hour_and_weekday(both, zone, bounds):
    random = np.random.default_rng(3)
    first, last = (np.datetime64(bound, "us").astype(int) for bound in bounds)
    moments = random.integers(first, last, 20_000) // 10 ** random.integers(0, 10, 20_000) * 10**3
    moments[:2] = first, last
    times = pa.array(moments, pa.timestamp("us", "UTC"), mask=random.random(20_000) < 0.1).slice(5)
    for part in (times, times.drop_null(), times.slice(0, 0), pa.nulls(3, times.type)):
        for feature in (TimeFeature.HOUR, TimeFeature.WEEKDAY):
            pure, fast = both(lambda part=part, feature=feature: derive_time(feature, [part], zone))
            assert pure.equals(fast)


def test_stored_tallies_are_read_and_summed_alike(both):
    random = np.random.default_rng(4)
    sizes = (0, 1, 2, 300, 40_000)
    widest = [2**6, 2**14, 2**30, 2**62]
    tallies = [
        Tally.of_counts(random.integers(-spread, spread, size).astype(np.int32), random.integers(1, most, size))
        for size in sizes
        for spread in (200, 40_000)
        for most in widest[: 4 if size < 3 else 3]
    ]

    def read_and_sum():
        writer = ByteWriter()
        for one in tallies:
            write_steps(writer, one)
        reader = ByteReader(writer.seal(b"TEST", 1), b"TEST", 1)
        found = [read_steps(reader) for _ in tallies]
        assert found == tallies
        return [*found, Tally.total(found)]

    pure, fast = both(read_and_sum)

    assert pure == fast
    assert [one.keys.dtype for one in pure] == [one.keys.dtype for one in fast]


def test_values_of_any_size_are_read_alike(both):
    integers = [
        sign * (1 << bits) + by for bits in (0, 7, 31, 63, 64, 127, 128, 900) for sign in (1, -1) for by in (-1, 0)
    ]
    numbers, texts = [None, 0.0, -1e300, 5e-324], ["", "Zürich", "x" * 300]

    def read():
        writer = ByteWriter()
        for integer in integers:
            writer.integer(integer)
        for number in numbers:
            writer.number(number)
        for text in texts:
            writer.text(text)
        writer.integer(7)
        reader = ByteReader(writer.seal(b"TEST", 1), b"TEST", 1)
        return [*reader.values("i" * len(integers) + "nnnnbbb"), reader.integer()]

    pure, fast = both(read)

    assert pure == fast == [*integers, *numbers, *(text.encode() for text in texts), 7]


@pytest.mark.parametrize("many", [0, 1, 400, 5000])
def test_hashes_are_found_wherever_they_lie(both, many):
    random = np.random.default_rng(many)
    # many in one bucket, some twice, and both ends
    ends = np.array([0, 2**63 - 1])
    spread = random.integers(0, 2**63 - 1, many, endpoint=True)
    known = np.sort(np.concatenate([spread, spread[::3], random.integers(0, 2**20, many), ends[:many]]))
    asked = np.concatenate([known, known + (known < 2**63 - 1), random.integers(-5, 2**20, 3000), [-(2**63), -1]])
    asked = random.permutation(asked)
    expected = np.searchsorted(known, asked)
    expected[~np.isin(asked, known)] = -1

    pure, fast = both(lambda: HashIndex(known).places_of(asked).tolist())

    assert pure == fast == expected.tolist()


def test_kernels_of_another_source_are_left_out(compiled, tmp_path, caplog):
    changed = tmp_path / "changed.c"
    changed.write_bytes((ROOT / SOURCE).read_bytes() + b"\n")

    assert accept_kernels(compiled, ROOT / SOURCE) is compiled
    assert accept_kernels(compiled, changed) is None
    assert "include.kernels.build" in caplog.text


def test_buffers_that_are_too_short_are_refused(compiled):
    out, offsets = np.zeros(4), np.array([0, 2, 9], np.int32)

    with pytest.raises(ValueError, match="too short"):
        compiled.select_valid(np.zeros(4), 8, b"\xff", 6, 4, out)
    with pytest.raises(ValueError, match="too short"):
        compiled.count_deviations(np.zeros(4), 0.0, 1.0, out, None, None)
    step, first = b"\0\1\0\0\0\1", b"\1\0\0\0\5"
    for data in (
        b"",
        bytes(40),
        first,
        first + step,
        first + step + step,
        first + step + b"\0\2\0\0\0\1",
        b"\7" + step,
    ):
        with pytest.raises(ValueError, match="damaged"):
            compiled.read_steps(data, 0)
    for kinds, data in (("i", b"\2\0\0\0\1"), ("b", b"\0\0"), ("n", b"\1" + bytes(7)), ("n", b"")):
        with pytest.raises(ValueError, match="damaged"):
            compiled.read_values(data, 0, kinds)
    with pytest.raises(ValueError, match="no place"):
        compiled.add_counts(np.array([7], np.int32), np.ones(1, np.int64), 3, np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="too short"):
        compiled.find_hashes(np.zeros(1, int), np.zeros(2**8, np.int32), 55, bytes(2**8), 3, np.zeros(1, int), out)
    with pytest.raises(ValueError, match="too short"):
        compiled.mix_doubles(np.zeros(9, np.uint64), np.zeros(9), bytes(1), 0, 0)
    with pytest.raises(ValueError, match="damaged"):
        compiled.hash_texts(offsets, 4, 0, 2, b"text", out)
    with pytest.raises(ValueError, match="ASCII"):
        compiled.find_patterns(
            offsets, 0, 2, "tüxt567890".encode(), bytes(128), 3, 3, 12, bytearray(24), bytearray(2), bytearray(2)
        )

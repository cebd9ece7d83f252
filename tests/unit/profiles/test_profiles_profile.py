from __future__ import annotations

import pickle
import struct
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import ProfileSchemaMismatchError, StateError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from tests.support.profiles import category_schema, loan_spec, loan_table, make_schema, numeric_schema

SCHEMA = pin_schema(loan_spec(), loan_table(3000, seed=1))
PROFILE = profile_table(loan_table(900, seed=2), SCHEMA)


def test_month_is_the_sum_of_its_days():
    days = [loan_table(300, seed=seed) for seed in range(6)]

    total = sum_profiles(SCHEMA, [profile_table(day, SCHEMA) for day in days])
    assert total == profile_table(pa.concat_tables(days), SCHEMA)
    assert total.to_bytes() == profile_table(pa.concat_tables(days), SCHEMA).to_bytes()


def test_sum_of_nothing_is_empty():
    assert sum_profiles(SCHEMA, []) == Profile.empty(SCHEMA)


def test_profiles_of_two_schemas_do_not_add():
    other = Profile.empty(make_schema(numeric_schema()))

    with pytest.raises(ProfileSchemaMismatchError, match=SCHEMA.id):
        _ = PROFILE + other


def test_absent_column_has_no_rows_while_the_table_has():
    profile = profile_table(loan_table(10, seed=1).drop(["term"]), SCHEMA)

    assert (profile.rows, profile.columns["term"].rows, profile.columns["amount"].rows) == (10, 0, 10)


def test_profile_cannot_be_changed():
    with pytest.raises(TypeError):
        PROFILE.columns["term"] = None
    with pytest.raises(ValueError, match="read-only"):
        PROFILE.columns["term"].distribution.values.counts[0] = 7


@pytest.mark.parametrize("rows", [0, 1, 900, 5000])
def test_profile_survives_its_bytes(rows):
    profile = profile_table(loan_table(rows, seed=3), SCHEMA)
    read = Profile.from_bytes(profile.to_bytes())

    assert read == profile
    assert read.to_bytes() == profile.to_bytes()
    assert read + PROFILE == profile + PROFILE


def test_names_of_unseen_values_survive_the_bytes():
    table = loan_table(3, seed=1).set_column(2, "purpose", pa.array(["boat", "boat", "Straße"]))
    profile = Profile.from_bytes(profile_table(table, SCHEMA).to_bytes())

    assert profile.columns["purpose"].names == (("boat", 2), ("Straße", 1))


def test_profile_survives_pickling():
    assert pickle.loads(pickle.dumps(PROFILE)) == PROFILE  # noqa: S301 - our own bytes


def test_stored_column_takes_a_few_kilobytes():
    big = profile_table(loan_table(100_000, seed=4), SCHEMA)

    assert len(big.to_bytes()) / len(SCHEMA.columns) < 10_000


@pytest.mark.parametrize("at", [14, 15, 200, -1])
def test_one_changed_byte_is_found(at):
    data = bytearray(PROFILE.to_bytes())
    data[at] ^= 1

    with pytest.raises(StateError):
        Profile.from_bytes(bytes(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"MLMP", b"PAR1" + bytes(100), PROFILE.to_bytes()[:-1], BinaryOutcomes.empty().to_bytes()],
    ids=["empty", "short", "other", "cut", "labels"],
)
def test_bytes_that_are_no_profile_are_refused(data):
    with pytest.raises(StateError):
        Profile.from_bytes(data)


def test_profile_of_a_later_format_is_refused():
    data = bytearray(PROFILE.to_bytes())
    struct.pack_into("<H", data, 4, 5)

    with pytest.raises(StateError, match="format 5; this release reads 1 to 4"):
        Profile.from_bytes(bytes(data))


HEADER = 18
SMALL = {"x": np.array([1.0, 1.0, 2.5]), "c": ["a", "new", None], "i": ["p", "q", None]}
SMALL_COLUMNS = (numeric_schema(quantum=0.5), category_schema("a", "b"), ColumnSchema(name="i", kind=Kind.IDENTIFIER))


def test_bytes_of_earlier_formats_are_read():
    profile = profile_table(pa.table(SMALL), make_schema(*SMALL_COLUMNS))

    assert Profile.from_bytes(bytes.fromhex(VERSION_2)) == profile
    assert Profile.from_bytes(profile.to_bytes()) == profile


def test_bytes_of_version_1_are_read_without_distinct_counts():
    old = Profile.from_bytes(bytes.fromhex(VERSION_1))
    new = profile_table(pa.table(SMALL), make_schema(*SMALL_COLUMNS[:2]))

    assert old.columns["x"] == new.columns["x"]
    assert old.columns["c"] == replace(new.columns["c"], sketch=None)
    assert (old.columns["c"].distinct, new.columns["c"].distinct) == (None, 2)


def test_sum_with_version_1_has_no_distinct_count_either():
    old = Profile.from_bytes(bytes.fromhex(VERSION_1))
    total = old + profile_table(pa.table(SMALL), make_schema(*SMALL_COLUMNS[:2]))

    assert (total.columns["c"].rows, total.columns["c"].distinct) == (6, None)
    assert Profile.from_bytes(total.to_bytes()) == total


VERSION_1 = (
    "4d4c4d5001002eb43a04b1010000000000000c000000646536613265313864326438f30000007b22636f6c756d6e73223a5b"
    "7b2261746f6d73223a5b5d2c2263656e747265223a302e302c22696e7465676572223a66616c73652c226b696e64223a226e"
    "756d65726963222c226e616d65223a2278222c227175616e74756d223a302e352c22766f636162756c617279223a5b5d7d2c"
    "7b2261746f6d73223a5b5d2c2263656e747265223a302e302c22696e7465676572223a66616c73652c226b696e64223a2263"
    "617465676f7279222c226e616d65223a2263222c227175616e74756d223a312e302c22766f636162756c617279223a5b2261"
    "222c2262225d7d5d2c22666f726d6174223a312c226d6f64656c223a22227d01000000030100000003010000000001000000"
    "000100000000010000000001000000000000f03f010000000000000440010000000901000000210602000000000000000000"
    "f03f000000000000044000020000000201010000000000000000000000000000060000000000000000000100000003010000"
    "000101000000000000000000000100000001010000004500000000000001000000010100000001030000006e657701000000"
    "01"
)
VERSION_2 = (
    "4d4c4d500200e1a319016a020000000000000c0000006661353464626631616336325a0100007b22636f6c756d6e73223a5b"
    "7b2261746f6d73223a5b5d2c2263656e747265223a302e302c22696e7465676572223a66616c73652c226b696e64223a226e"
    "756d65726963222c226e616d65223a2278222c227175616e74756d223a302e352c22766f636162756c617279223a5b5d7d2c"
    "7b2261746f6d73223a5b5d2c2263656e747265223a302e302c22696e7465676572223a66616c73652c226b696e64223a2263"
    "617465676f7279222c226e616d65223a2263222c227175616e74756d223a312e302c22766f636162756c617279223a5b2261"
    "222c2262225d7d2c7b2261746f6d73223a5b5d2c2263656e747265223a302e302c22696e7465676572223a66616c73652c22"
    "6b696e64223a226964656e746966696572222c226e616d65223a2269222c227175616e74756d223a312e302c22766f636162"
    "756c617279223a5b5d7d5d2c22666f726d6174223a312c226d6f64656c223a22227d01000000030100000003010000000001"
    "000000000100000000010000000001000000000000f03f010000000000000440010000000901000000210602000000000000"
    "000000f03f000000000000044000020000000201010000000000000000000000000000060000000000000000000100000003"
    "010000000101000000000000000000000100000001010000004500000000000001000000012000000002030300001acc9302"
    "000000000000000ad60d41e19abe5617c11d528507017b0100000001030000006e6577010000000101000000030100000001"
    "2000000002030300001acc930200000000000000e98357d8e06d3a4e82e327d71c4b4950"
)

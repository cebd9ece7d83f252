"""A call of an open capture never raises: the row is there, or counted with the reason."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from collections import UserDict
from datetime import datetime
from decimal import Decimal
from enum import Enum

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlmon.capture import Capture
from airflow_mlmon.capture.marks import METADATA_KEY, read_marks
from tests.support.logged import NOON, rows_of, spec_of


def test_row_is_written_as_it_was_logged(tmp_path, opened):
    capture = opened()
    features = {"amount": 3, "age": 40.0, "country": "DE"}

    key = capture.log(features, {"score": 0.25, "flagged": 1}, at=NOON, version=7, latency_ms=12.5, status=503)
    features["amount"] = 99
    capture.close()

    assert rows_of(tmp_path) == [
        {
            "id": key,
            "at": NOON,
            "release": "7",
            "amount": 3.0,
            "age": 40,
            "country": "DE",
            "score": 0.25,
            "flagged": True,
            "took": 12.5,
            "code": "503",
        }
    ]
    assert capture.counters["accepted"] == capture.counters["published"] == 1


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("amount", np.float32(0.5), 0.5),
        ("amount", np.int8(3), 3.0),
        ("amount", np.array(1.5), 1.5),
        ("amount", Decimal("2.5"), 2.5),
        ("amount", "3.5", 3.5),
        ("amount", True, 1.0),
        ("amount", b"4.5", 4.5),
        ("amount", pd.NA, None),
        ("age", np.int64(7), 7),
        ("age", np.bool_(1), 1),
        ("age", 7.0, 7),
        ("age", float("nan"), None),
        ("country", np.str_("FR"), "FR"),
        ("country", 5411.0, "5411"),
        ("country", Colour.RED, "red"),
        ("country", uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("seen", pd.Timestamp(NOON), NOON),
        ("seen", pd.NaT, None),
        ("seen", NOON.timestamp(), NOON),
        ("face", [1, 2.5], [1.0, 2.5]),
        ("face", np.array([1, 2], np.float32), [1.0, 2.0]),
        ("face", np.array([1, 2], np.int16), [1.0, 2.0]),
        ("face", np.arange(4.0)[::2], [0.0, 2.0]),
        ("face", (1, 2, 3), [1.0, 2.0, 3.0]),
    ],
    ids=repr,
)
def test_value_of_a_library_is_a_plain_one(tmp_path, opened, column, value, expected):
    capture = opened({"seen": {"type": "timestamp"}, "face": {"type": "vector", "dimension": 2}})

    capture.log({column: value}, at=NOON)
    capture.close()

    [row] = rows_of(tmp_path)
    assert row[column] == expected
    assert capture.counters["refused"] == {}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("amount", {"a": 1}, "is of type dict"),
        ("amount", [1.0], "is of type list"),
        ("amount", object(), "is of type object"),
        pytest.param("amount", "many", "is not a number", id="kind", marks=pytest.mark.guards("fault-39")),
        ("age", 1.5, "is not a whole number"),
        ("age", 2**70, "is beyond 64 bits"),
        ("age", 10**500, "is beyond 64 bits"),
        pytest.param(
            "country",
            "x" * 1_000_000,
            "is longer than 65536 characters",
            id="long",
            marks=pytest.mark.guards("fault-40"),
        ),
        ("country", "\ud800", "is not UTF-8 text"),
        ("country", b"\xff", "is not UTF-8 text"),
        ("flagged", 2, "is not a boolean"),
        ("seen", datetime(2026, 3, 1), "is a time without a zone"),  # noqa: DTZ001 - on purpose
        ("seen", np.datetime64("2026-03-01T12:00", "ns"), "is a time without a zone"),
        ("seen", 5, "is a number whose unit of time is not clear"),
        ("face", "12", "is not a vector of numbers"),
        ("face", ["a", None], "is not a vector of numbers"),
        ("face", np.zeros((2, 2)), "is not a vector of numbers"),
        ("face", np.zeros(70_000), "is longer than 65536 numbers"),
    ],
    ids=lambda value: f"{value!r:.20}",
)
def test_value_that_cannot_be_kept_is_null_and_counted(tmp_path, opened, column, value, reason):
    capture = opened({"seen": {"type": "timestamp"}, "face": {"type": "vector", "dimension": 2}})

    capture.log({column: value, "country": "DE"} if column != "country" else {column: value}, at=NOON)
    capture.log({"country": "FR"}, at=NOON)
    capture.close()

    first, second = rows_of(tmp_path)
    assert (first[column], second["country"]) == (None, "FR")
    assert capture.counters["refused"] == {f"{column} {reason}": 1}
    [file] = (tmp_path / "preds").rglob("*.parquet")
    assert read_marks(pq.read_metadata(file).metadata[METADATA_KEY]).refused == {f"{column} {reason}": 1}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        pytest.param({"features": 5}, "unreadable", id="features"),
        pytest.param(
            {"features": {}, "at": datetime(2026, 3, 1)},  # noqa: DTZ001 - on purpose
            "naive_time",
            id="naive",
            marks=pytest.mark.guards("fault-41"),
        ),
        pytest.param({"features": {}, "at": "yesterday"}, "bad_time", id="time"),
        pytest.param({"features": {}, "at": float("inf")}, "bad_time", id="infinite"),
        pytest.param({"features": {}, "prediction": [1, 2, 3]}, "other_outputs", id="outputs"),
        pytest.param({"features": {}, "attributions": [1]}, "other_attributions", id="attributions"),
        pytest.param({"features": {}, "tags": 5}, "unreadable", id="tags"),
    ],
)
def test_row_that_cannot_be_kept_is_counted(tmp_path, opened, call, reason):
    capture = opened()

    assert isinstance(capture.log(**call), str)
    capture.close()

    assert rows_of(tmp_path) == []
    assert capture.counters["dropped"] == {reason: 1}
    assert capture.counters["accepted"] == 1


def test_naive_time_is_of_the_zone_of_the_spec(tmp_path):
    spec = spec_of(tmp_path)
    spec["predictions"]["timezone"] = "Europe/Berlin"
    spec["predictions"]["columns"]["at"]["unit"] = "ms"
    with Capture(spec, spool=tmp_path / "spool") as capture:
        capture.log({}, at=datetime(2026, 3, 1, 13))  # noqa: DTZ001 - on purpose
        capture.log({}, at="2026-03-01T12:00:00Z")
        capture.log({"at": NOON.timestamp()})
        capture.log({}, at=0)

    begin = datetime.fromtimestamp(0, NOON.tzinfo)
    assert [row["at"] for row in rows_of(tmp_path)] == [begin, NOON, NOON, NOON]


VALUES = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals(), st.uuids()),
        *(st.datetimes(), st.dates(), st.complex_numbers(), st.timedeltas()),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.guards("fault-42")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_logged_is_written_or_counted(tmp_path, data):
    """Accepted and refused rows are the logged ones, for any arguments."""
    folder = tmp_path / uuid.uuid4().hex
    columns = {
        "kept": {"type": data.draw(st.sampled_from(["decimal", "string", "timestamp"]))},
        "face": {"type": "vector", "dimension": 2},
    }
    capture = Capture(spec_of(folder, **columns), spool=folder / "spool")
    names = st.sampled_from(["id", "at", "amount", "age", "kept", "face", "flagged", "release", "took", "code", "x"])
    calls = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {"features": st.dictionaries(names, VALUES) | VALUES},
                optional={
                    **dict.fromkeys(("prediction", "id", "version", "at", "attributions", "status"), VALUES),
                    **dict.fromkeys(("latency_ms", "trace", "tags"), VALUES),
                },
            ),
            max_size=4,
        )
    )

    for call in calls:
        assert isinstance(capture.log(**call), str)
    capture.close()

    counted = capture.counters
    assert counted["accepted"] == len(calls)
    assert counted["published"] + sum(counted["dropped"].values()) == len(calls)
    assert len(rows_of(folder)) == counted["published"]
    assert "unconvertible" not in counted["dropped"]
    assert "unwritable" not in counted["dropped"]


def test_unknown_features_are_counted_and_listed_and_not_written(tmp_path, opened):
    capture = opened()

    capture.log({"amount": 1, "colour": "red"}, {"score": 0.5, "verdict": "x"}, tags={"pod": 7})
    capture.log(UserDict({"amount": 1}), at=NOON)
    capture.close()

    assert capture.unknown_features == ("colour", "pod", "verdict")
    assert capture.counters["refused"] == {"unknown_feature": 3}
    assert all("colour" not in row for row in rows_of(tmp_path))


@pytest.mark.guards("fault-50")
def test_log_after_the_end_or_in_a_closed_loop_is_counted(opened):
    capture = opened()
    loop = asyncio.new_event_loop()
    loop.close()
    asyncio.set_event_loop(loop)
    try:
        capture.log({"amount": 1})
        capture.close()
        capture.log({"amount": 1})
    finally:
        asyncio.set_event_loop(None)

    assert capture.counters["published"] == 1
    assert capture.counters["dropped"] == {"closed": 1}


LATE = """\
import atexit, sys, yaml
from airflow_mlmon.capture import Capture

capture = Capture(yaml.safe_load(sys.argv[1]), spool=sys.argv[2])
atexit.register(lambda: print(len(capture.log({"amount": 2})) > 0))


class Late:
    def __del__(self):
        print(len(capture.log({"amount": 3})) > 0)


late = Late()
capture.log({"amount": 1})
"""


def test_log_while_the_interpreter_ends_neither_raises_nor_loses_what_came_before(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LATE, json.dumps(spec_of(tmp_path)), str(tmp_path / "spool")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout.split(), done.stderr) == (["True", "True"], "")
    assert {row["amount"] for row in rows_of(tmp_path)} >= {1.0}

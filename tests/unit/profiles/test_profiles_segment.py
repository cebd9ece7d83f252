"""The parts of a profile, by the values that rows share."""

from __future__ import annotations

import pyarrow as pa

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema, SegmentSchema
from tests.support.profiles import category_schema, make_schema, numeric_schema

VERSION = SegmentSchema(columns=("version",))
SCHEMA = make_schema(numeric_schema(), category_schema("AA", "DL", name="carrier"), segments=(VERSION,))


def profile(versions: list[str | None], schema: ProfileSchema = SCHEMA) -> Profile:
    carriers = ["AA", "DL"] * len(versions)
    rows = {"x": [float(at) for at in range(len(versions))], "carrier": carriers[: len(versions)], "version": versions}
    return profile_table(pa.table(rows), schema)


def test_only_version_of_a_day_is_the_whole_and_takes_no_bytes():
    one = profile(["v1"] * 500)
    two = profile(["v1"] * 250 + ["v2"] * 250)

    part = one.segments["version"].parts["v1"]
    assert part.rows == 500
    assert part.columns["x"] is one.columns["x"]
    assert len(one.to_bytes()) < 0.6 * len(two.to_bytes())


def test_version_that_nobody_knew_has_a_part_of_its_own():
    total = profile(["v1", "v1"]) + profile(["v1", "v2", None])

    segment = total.segments["version"]
    assert {value: part.rows for value, part in segment.parts.items()} == {"v1": 3, "v2": 1}
    assert segment.rest.rows == 1
    assert total.part("version", "v2").columns["x"].max == 1.0
    assert total.part("version", "v9") is None


def test_more_values_than_versions_can_be_are_not_kept_apart():
    many = profile([f"row {number}" for number in range(51)])
    few = profile([f"row {number}" for number in range(50)])

    assert many.segments["version"].is_collapsed
    assert many.segments["version"].rest.rows == 51
    assert len(few.segments["version"].parts) == 50
    assert (few + profile(["v1"])).segments["version"].is_collapsed
    assert Profile.from_bytes(many.to_bytes()) == many


def test_value_that_is_not_pinned_belongs_to_the_rest():
    pinned = SegmentSchema(columns=("version", "carrier"), values=("v1 & AA",))
    found = profile(["v1", "v1", "v2"], make_schema(numeric_schema(), segments=(pinned,)))

    segment = found.segments["version & carrier"]
    assert {value: part.rows for value, part in segment.parts.items()} == {"v1 & AA": 1}
    assert segment.rest.rows == 2


def test_schema_without_segments_keeps_the_id_that_it_had():
    assert make_schema(numeric_schema()).id == "94bb4330e940"
    assert ProfileSchema.from_json(SCHEMA.to_json()) == SCHEMA

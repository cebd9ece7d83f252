"""The engine of Druid gives the profile of the local engine, bit for bit."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.druid import profile_queries
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.profiling import profile_datasource
from airflow_mlmon.errors import ConfigError, NotFoundError, PartitionConflictError, ServiceRejectedError
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import Kind, ProfileSchema
from tests.support.druid.profiled import HOSTILE, LONG_VERSION, day, load, rows_of, spec_of, types_of
from tests.support.druid.proxy import FaultyRouter
from tests.support.druid.scripted import Received, Reply, as_json

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]


def profile(client, spec, interval, schema, **options):
    return profile_datasource(client, f"{spec.model}_predictions", interval, schema, types_of(spec), **options)


def pin(spec, rows) -> ProfileSchema:
    """The schema without derived columns, which are always profiled from the rows."""
    schema = pin_schema(spec, rows)
    return replace(schema, columns=tuple(column for column in schema.columns if not column.derived))


def differing(found: Profile, expected: Profile) -> list[str]:
    """What is not the same, so that a failure says where."""
    parts = [("", found, expected)]
    for name, segment in expected.segments.items():
        own = found.segments[name]
        assert (set(own.parts), own.is_collapsed) == (set(segment.parts), segment.is_collapsed)
        parts += [(f"{name}={value}: ", own.parts[value], part) for value, part in segment.parts.items()]
        parts.append((f"{name} (rest): ", own.rest, segment.rest))
    assert [one.rows for _, one, _ in parts] == [other.rows for _, _, other in parts]
    return [
        f"{where}{name}"
        for where, one, other in parts
        for name in other.columns
        if one.columns[name] != other.columns[name]
    ]


def test_profile_of_every_kind_of_column_is_that_of_the_rows(client, bucket):
    spec, rows = spec_of("kinds"), rows_of(day("kinds"), 6_000)
    schema = pin_schema(spec, rows.slice(0, 2_000))
    load(client, bucket, spec, day("kinds"), rows)

    clock = Clock(column="at", zone="Asia/Kolkata")

    def local(part):
        return profile_table(rows, part, clock=clock)

    found = profile(client, spec, day("kinds"), schema, clock=clock, local=local)

    expected = profile_table(rows, schema, clock=clock)
    assert differing(found, expected) == []
    assert found == expected
    columns = expected.columns
    assert (columns["spread"].distribution.is_exact, columns["few"].distribution.is_exact) == (False, True)
    assert columns["spread"].distribution.atoms.rows > 500
    assert min(columns["wild"].nans, columns["wild"].positive_infinities, columns["wild"].negative_infinities) > 100
    assert columns["town"].unseen_rows > 100
    assert {column.kind for column in schema.columns} == {Kind.NUMERIC, Kind.CATEGORY, Kind.IDENTIFIER}
    assert columns["session"].distinct > 4_000
    assert columns[HOSTILE].observed > 5_000


def test_profile_by_version_and_segment_is_that_of_the_rows(client, bucket):
    spec = spec_of("divided", segments=("kind", "small", ["flag", "kind"]))
    versions = ("1.0", "1.1", "", None, LONG_VERSION, "\U0001f600")
    rows = rows_of(day("divided"), 9_000, versions=versions)
    schema = pin(spec, rows.slice(0, 1_000))
    load(client, bucket, spec, day("divided"), rows)

    found, expected = profile(client, spec, day("divided"), schema), profile_table(rows, schema)

    assert differing(found, expected) == []
    assert found == expected
    assert set(expected.segments["version"].parts) == {"1.0", "1.1", "", "\U0001f600"}
    assert expected.segments["version"].rest.rows > 2_000
    assert "false & c && d" in expected.segments["flag & kind"].parts


def test_a_segment_of_more_values_than_druid_groups_by_is_that_of_the_rows(client, bucket):
    spec = spec_of("crowded", segments=("town",))
    rows = rows_of(day("crowded"), 3_000, versions=tuple(map(str, range(300))))
    schema = pin(spec, rows)
    load(client, bucket, spec, day("crowded"), rows)

    found, expected = profile(client, spec, day("crowded"), schema), profile_table(rows, schema)

    assert differing(found, expected) == []
    assert found == expected
    assert expected.segments["version"].is_collapsed
    assert len(expected.segments["town"].parts) == 50


def test_profile_of_two_days_is_the_sum_though_one_lacks_a_column(client, bucket):
    spec, before = spec_of("growing"), spec_of("growing", without="few")
    first = rows_of(day("growing"), 2_000, versions=("1", "2"))
    second = rows_of(day("growing", 1), 3_000, seed=8, versions=("2", "3"))
    schema = pin(spec, second)
    load(client, bucket, before, day("growing"), first.drop_columns("few"))
    load(client, bucket, spec, day("growing", 1), second)
    both = Partition("growing", day("growing").start, day("growing", 1).end)

    clock = Clock(column="at")
    found = profile(client, spec, both, schema, clock=clock)

    expected = profile_table(first.drop_columns("few"), schema, clock=clock) + profile_table(
        second, schema, clock=clock
    )
    assert differing(found, expected) == []
    assert found == expected
    assert expected.columns["few"].rows == 3_000


def test_profile_of_some_hours_is_that_of_their_rows(client, bucket):
    spec, rows = spec_of("hours"), rows_of(day("hours"), 2_000)
    schema = pin(spec, rows)
    load(client, bucket, spec, day("hours"), rows)
    hours = Partition("hours", day("hours").start + timedelta(hours=6), day("hours").start + timedelta(hours=9))

    found = profile(client, spec, hours, schema)

    at = rows.column("at").to_pylist()
    within = rows.filter(pa.array([hours.start <= moment < hours.end for moment in at]))
    assert found == profile_table(within, schema)
    assert 200 < found.rows < 300
    assert profile(client, spec, day("hours", 5), schema) == Profile.empty(schema)


def test_values_are_counted_one_by_one_up_to_the_same_number(client, bucket):
    spec, partition = spec_of("boundary"), day("boundary")
    rows = rows_of(partition, 25_000)
    for name, distinct in (("few", 1_024), ("spread", 1_025)):
        values = np.resize(1e6 + np.arange(distinct) / 1024, 25_000)
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values))
    pinned = pin(spec, rows)
    # a column far from where the grid is fine: many values in a few cells
    columns = [replace(one, centre=0.0) if one.name == "coarse" else one for one in pinned.columns]
    schema = replace(pinned, columns=tuple(columns))
    load(client, bucket, spec, partition, rows)

    found = profile(client, spec, partition, schema)

    assert differing(found, profile_table(rows, schema)) == []
    assert found == profile_table(rows, schema)
    assert found.columns["few"].distinct == 1_024
    assert found.columns["spread"].distinct is None
    assert found.columns["coarse"].distribution.is_too_coarse


def test_texts_that_come_in_many_answers_are_those_of_the_rows(client, bucket, monkeypatch):
    spec = spec_of("pages", segments=("kind",))
    rows = rows_of(day("pages"), 3_000, versions=("1", "\uffff", "\U0001f600"))
    schema = pin(spec, rows.slice(0, 500))
    load(client, bucket, spec, day("pages"), rows)
    monkeypatch.setattr(profile_queries, "PAGE", 100)

    found = profile(client, spec, day("pages"), schema)

    assert differing(found, profile_table(rows, schema)) == []
    assert found == profile_table(rows, schema)


def test_a_column_that_druid_cannot_count_is_profiled_from_the_rows_alone(client, bucket):
    spec = spec_of("vectors", segments=("kind",), embedding={"type": "vector", "dimension": 3})
    vectors = pa.array([[0.5, float(at), 1.0] for at in range(1_500)], pa.list_(pa.float64()))
    rows = rows_of(day("vectors"), 1_500, versions=("1", "2")).append_column("embedding", vectors)
    # so far from the centre that 64 bits do not hold the difference
    huge = pa.array([-(2**62) - 2, *[2**62 + 2] * 1_499])
    rows = rows.set_column(rows.column_names.index("huge"), "huge", huge)
    schema = pin(spec, rows)
    load(client, bucket, spec, day("vectors"), rows)
    asked = []

    def local(part):
        asked.append([column.name for column in part.columns])
        return profile_table(rows, part)

    found = profile(client, spec, day("vectors"), schema, local=local)

    assert differing(found, profile_table(rows, schema)) == []
    assert found == profile_table(rows, schema)
    assert [set(names) for names in asked] == [{"embedding", "huge"}]
    with pytest.raises(
        ConfigError, match="'embedding': Druid does not store vectors; 'huge': its integers are too far"
    ):
        profile(client, spec, day("vectors"), schema)
    with pytest.raises(PartitionConflictError, match="1500 rows, but the curated partition has 7"):
        profile(client, spec, day("vectors"), schema, local=lambda part: profile_table(rows.slice(0, 7), part))


def test_a_cluster_that_takes_null_for_0_is_refused(sql_cluster):
    client, spec = DruidClient(sql_cluster.url), spec_of("defaults")
    schema = pin(spec, rows_of(day("defaults"), 10))

    with pytest.raises(ConfigError, match="default-value mode: it reads null as 0"):
        profile(client, spec, day("defaults"), schema)


def test_a_datasource_that_is_not_there_is_said(client):
    spec = spec_of("absent")
    schema = replace(pin(spec, rows_of(day("absent"), 10)), segments=())

    with pytest.raises(NotFoundError, match="no datasource 'absent_predictions'"):
        profile(client, spec, day("absent"), schema)


@dataclass
class BusyRouter(FaultyRouter):
    """A router before a real Druid that has memory for so many queries at a time."""

    most: int = 1
    refused: int = 0
    answering: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def _answer(self, request: Received) -> Reply:
        if request.path != "/druid/v2/sql" or b"GROUP BY" not in request.body:
            return self._passed_on(request)
        with self.lock:
            self.answering += 1
            is_refused = self.answering > self.most
            self.refused += is_refused
        try:
            return TOO_MUCH if is_refused else self._passed_on(request)
        finally:
            with self.lock:
                self.answering -= 1


# as Druid 33 answers
TOO_MUCH = as_json(
    {
        "error": "Resource limit exceeded",
        "errorClass": "org.apache.druid.query.ResourceLimitExceededException",
        "errorCode": "legacyQueryException",
        "errorMessage": "Not enough merge buffer memory to execute this query.",
    },
    status=400,
)


def test_columns_that_druid_has_no_memory_for_at_once_are_profiled_one_by_one(cluster, client, bucket):
    spec, rows = spec_of("busy"), rows_of(day("busy"), 800)
    schema = pin(spec, rows)
    load(client, bucket, spec, day("busy"), rows)

    with BusyRouter(target=cluster.url).running() as router:
        found = profile(DruidClient(router.url), spec, day("busy"), schema)

    assert found == profile_table(rows, schema)
    assert router.refused > 0


def test_a_column_that_is_too_much_by_itself_says_what_to_do(cluster, client, bucket):
    spec, rows = spec_of("toomuch"), rows_of(day("toomuch"), 50)
    schema = pin(spec, rows)
    load(client, bucket, spec, day("toomuch"), rows)

    with (
        OverfullRouter(target=cluster.url).running() as router,
        pytest.raises(ServiceRejectedError, match=r"Column '.*' cannot be profiled .* Hint: .*maxOnDiskStorage"),
    ):
        profile(DruidClient(router.url), spec, day("toomuch"), schema)


class OverfullRouter(BusyRouter):
    """One that has none left for the queries by cell."""

    def _answer(self, request: Received) -> Reply:
        return TOO_MUCH if b"BITWISE_SHIFT_RIGHT" in request.body else self._passed_on(request)

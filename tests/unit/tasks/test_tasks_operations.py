"""Operational profile: exact counts, quantiles within their bounds, and reasons where there is nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.tasks.operations import count_by_hour, measure_operations, operational_schema, profile_operations
from tests.support.archive import SPEC
from tests.support.requests import SECTION

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def spec_of(section: str = SECTION) -> ModelSpec:
    return parse_spec(SPEC.format(root="s3://loans").replace("labels:\n", f"{section}labels:\n", 1), "loans.yaml")


SPEC_OF_ALL = spec_of()


def rows(
    latency: list[float | None], status: list[str | None] | None = None, queue: list[float | None] | None = None
) -> pa.Table:
    size = len(latency)
    return pa.table(
        {
            "at": pa.array([NOON] * size, pa.timestamp("us", "UTC")),
            "version": ["v1"] * size,
            "latency": pa.array(latency, pa.float64()),
            "status": pa.array(status or ["200"] * size, pa.string()),
            "queue": pa.array(queue or [1.0] * size, pa.float64()),
        }
    )


def measured(table: pa.Table, spec: ModelSpec = SPEC_OF_ALL) -> dict[str, MetricValue]:
    found = measure_operations(profile_operations(table, spec), spec)
    return {value.metric: value for value in found if value.segment is None}


def test_quantiles_are_those_of_answered_requests_in_milliseconds():
    table = rows([0.25, 0.5, 9.0], ["200", "404", "503"])
    seconds = spec_of(SECTION.replace("latency_ms", "latency_s"))

    assert measured(table, seconds)["latency_p50"].value == 250
    assert measured(table, seconds)["latency_p99"].value == 500


def test_quantiles_on_the_grid_are_within_half_a_cell():
    latency = np.random.default_rng(3).lognormal(3, 1, 5_000)
    found = measured(rows(latency.tolist()))

    for metric, share in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        exact = np.quantile(latency, share, method="inverted_cdf")
        assert abs(found[metric].value - exact) <= found[metric].error_bound <= 0.004 * exact
        assert found[metric].low < exact < found[metric].high


def test_interval_of_a_quantile_covers_it_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        found = measured(rows(random.exponential(1.0, 400).tolist()))["latency_p50"]
        covered += found.low <= np.log(2) <= found.high

    # 95 % of 200, and three standard deviations
    assert abs(covered - 190) <= 10


def test_negative_latencies_are_counted_and_left_out():
    found = measured(rows([-5.0, -1.0, 10.0, 20.0]))

    assert (found["negative_latencies"].value, found["latency_p50"].value, found["latency_p50"].rows) == (2, 10, 2)


@pytest.mark.parametrize(
    ("table", "metric", "reason"),
    [
        pytest.param(rows([None, None]), "latency_p95", "no answered request has a latency", id="no latency"),
        pytest.param(rows([-1.0]), "latency_p95", "all of 1 latencies are negative", id="negative alone"),
        pytest.param(rows([1.0], ["500"]), "latency_p95", "no answered request has a latency", id="errors alone"),
        pytest.param(rows([1.0], [None]), "error_rate", "no request has a status", id="no status"),
        pytest.param(rows([1.0], ["oops"]), "error_rate", "none of 1 statuses is known", id="unknown status"),
        pytest.param(rows([1.0], queue=[None]), "saturation_mean", "no row has a value", id="no saturation"),
        pytest.param(rows([1.0], queue=[None]), "saturation_p95", "no row has a value", id="no saturation quantile"),
        pytest.param(rows([]), "requests_per_hour", "no request has a time", id="no rows"),
        pytest.param(rows([]), "error_rate", "no request has a status", id="no rows, no rate"),
    ],
)
def test_value_that_does_not_exist_has_a_reason(table, metric, reason):
    found = measured(table)[metric]

    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.reason.startswith(reason)


def test_unknown_statuses_are_counted_and_in_no_rate():
    found = measured(rows([1.0] * 4, ["200", "500", "oops", None]))

    assert (found["unknown_statuses"].value, found["rows_errors"].value) == (1, 1)
    assert (found["error_rate"].value, found["error_rate"].rows) == (0.5, 2)


def test_only_what_the_spec_names_is_measured():
    assert set(measured(rows([1.0]), spec_of("operational: {saturation: [queue]}\n"))) == {
        "requests_per_hour",
        "saturation_mean",
        "saturation_p95",
    }


def test_busiest_hour_is_that_of_all_requests():
    profile = profile_operations(rows([1.0] * 3, ["200", "500", "oops"]), SPEC_OF_ALL)

    assert count_by_hour(profile) == [3 if hour == 12 else 0 for hour in range(24)]
    assert measured(rows([1.0] * 3))["requests_per_hour"].value == 3


def test_profiles_add_up_to_the_bit():
    random = np.random.default_rng(2)
    table = rows(
        random.lognormal(3, 1, 3_000).tolist(),
        random.choice(["200", "503", "oops"], 3_000).tolist(),
        random.exponential(5, 3_000).tolist(),
    )
    parts = [profile_operations(table.slice(start, 1_000), SPEC_OF_ALL) for start in (2_000, 0, 1_000)]
    summed = Profile.empty(operational_schema(SPEC_OF_ALL)) + parts[0] + parts[1] + parts[2]

    assert summed.to_bytes() == profile_operations(table, SPEC_OF_ALL).to_bytes()

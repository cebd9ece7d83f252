"""The drift of columns over days, from profiles: what is compared, what is not, and why."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.history import ColumnDays, base_shares
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema, SegmentSchema
from airflow_mlmon.records import MetricValue, SubjectKey, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.tasks.summary import summary_metrics
from tests.support.profiles import category_schema, make_schema, make_spec, numeric_schema

DAY = date(2026, 3, 2)
DAYS = 6
SCHEMA = make_schema(
    numeric_schema("amount", quantum=2.0**-30),
    numeric_schema("fixed", quantum=1.0),
    category_schema("web", "shop", name="channel"),
    ColumnSchema(name="shape", kind=Kind.VECTOR, quantum=2.0**-30, dimension=3, element_quantum=2.0**-30),
    segments=(SegmentSchema(columns=("channel",), values=("web", "shop")),),
)
SPEC = make_spec(
    amount={"type": "float"},
    fixed={"type": "float"},
    channel={"type": "category"},
    shape={"type": "vector", "dimension": 3},
)


def table(seed: int, rows: int = 400, *, stretch: float = 1.0) -> pa.Table:
    random = np.random.default_rng(seed)
    vectors = stretch * random.normal(size=(rows, 3))
    return pa.table(
        {
            "amount": random.normal(size=rows),
            "fixed": np.full(rows, 7.0),
            "channel": np.array(["web", "shop"])[random.integers(0, 2, rows)],
            "shape": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 3),
        }
    )


def profile(content: pa.Table, schema: ProfileSchema = SCHEMA) -> Profile:
    return profile_table(content, schema)


BASELINE = profile(table(99, 4_000))
PAST = [(DAY - timedelta(days=back), profile(table(back))) for back in range(DAYS, 0, -1)]


def day_profiles(now: pa.Table, baseline: Profile = BASELINE, **given) -> ColumnDays:
    baselines = {name: (baseline, frozenset[date]()) for name in baseline.columns}
    return ColumnDays(day=DAY, now=profile(now), past=PAST, baselines=baselines, **given)


def evaluated(now: pa.Table, baseline: Profile = BASELINE) -> dict[SubjectKey, Verdict]:
    found = day_profiles(now, baseline)
    scores = [MetricValue(metric="drift_score", column=name, value=0.1, rows=9) for name in BASELINE.columns]
    evidence = PartitionEvidence(
        day=DAY,
        metrics=[*summary_metrics(found.now, SPEC), *scores],
        past={},
        columns=found.columns(),
        base=base_shares(found.baselines, BASELINE),
        parts=found.parts,
    )
    verdicts = evaluate_day(evidence, EvaluationPolicy())
    return {verdict.key: verdict for verdict in verdicts}


def breaches(verdicts: dict[SubjectKey, Verdict]) -> set[SubjectKey]:
    return {key for key, verdict in verdicts.items() if verdict.state is VerdictState.BREACH}


def replaced(content: pa.Table, name: str, values: object) -> pa.Table:
    return content.set_column(content.column_names.index(name), name, pa.array(values))


def test_healthy_day_of_every_kind_of_column_is_healthy():
    verdicts = evaluated(table(0))

    assert breaches(verdicts) == set()
    assert verdicts["drift_score", "shape", None].history == DAYS


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("fixed", np.full(400, 8.0), id="constant-that-moved"),
        pytest.param("amount", np.full(400, 0.1), id="constant-that-was-none"),
        pytest.param("channel", ["web"] * 400, id="category-of-one-value"),
        pytest.param("amount", np.where(np.arange(400) % 2, 0.1, np.inf), id="infinite"),
    ],
)
def test_column_that_stands_still_breaches(name, values):
    assert ("drift_score", name, None) in breaches(evaluated(replaced(table(0), name, values)))


def test_vectors_are_evaluated_by_their_length():
    assert {column for _, column, _ in breaches(evaluated(table(0, stretch=1.5)))} == {"shape"}


def test_column_that_is_all_null_breaches_by_its_nulls_and_has_no_drift():
    verdicts = evaluated(replaced(table(0), "amount", pa.nulls(400, pa.float64())))

    assert breaches(verdicts) == {("null_rate", "amount", None)}
    drift = verdicts["drift_score", "amount", None]
    assert (drift.state, drift.note) == (
        VerdictState.INSUFFICIENT_DATA,
        "no value on this day or in the baseline",
    )


def test_column_that_is_absent_has_no_verdict_and_says_so():
    verdicts = evaluated(table(0).drop_columns(["amount"]))

    assert breaches(verdicts) == set()
    assert verdicts["null_rate", "amount", None].note == "no row has a value"


def test_column_that_is_new_in_the_data_has_no_verdict():
    """The baseline has no row of it."""
    verdicts = evaluated(table(0), profile(table(99, 4_000).drop_columns(["amount"])))

    assert breaches(verdicts) == set()
    assert verdicts["drift_score", "amount", None].state is VerdictState.INSUFFICIENT_DATA
    assert verdicts["null_rate", "amount", None].state is VerdictState.INSUFFICIENT_DATA


def test_segments_are_compared_with_their_own_rows_of_the_baseline():
    now = table(0)
    is_web = np.array(now.column("channel").to_pylist()) == "web"
    moved = replaced(now, "amount", now.column("amount").to_numpy() + np.where(is_web, 1.0, 0.0))

    assert breaches(evaluated(moved)) == {
        ("drift_score", "amount", None),
        ("drift_score", "amount", "channel=web"),
    }


def test_segment_that_is_the_whole_is_not_evaluated():
    moved = replaced(replaced(table(0), "channel", ["web"] * 400), "amount", np.full(400, 5.0))

    assert list(day_profiles(moved).parts("amount")) == []
    assert dict(day_profiles(table(0)).parts("amount")).keys() == {"channel=web", "channel=shop"}


def test_excluded_days_are_no_history_of_their_column_alone():
    excluded = {("amount", None): [day for day, _ in PAST[:2]], ("fixed", "channel=web"): [PAST[0][0]]}
    found = day_profiles(table(0), excluded=excluded)

    assert {name: len(history.past) for name, history in found.columns().items()} == {
        "amount": DAYS - 2,
        "fixed": DAYS,
        "channel": DAYS,
        "shape": DAYS,
    }
    assert {segment: len(history.past) for segment, history in found.parts("fixed")} == {
        "channel=web": DAYS - 1,
        "channel=shop": DAYS,
    }


def test_history_has_the_last_days_when_there_are_more():
    found = day_profiles(table(0), length=4)

    assert [day for day, _ in found.columns()["amount"].past] == [day for day, _ in PAST[-4:]]

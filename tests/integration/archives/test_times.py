"""Times among the features: evaluated by their age before the event, their hour and their weekday."""

from datetime import UTC, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.records import VerdictState
from tests.support.base_day import REFERENCE_DAYS, ROWS, BaseArchive, day_of, day_table, run_day

COLUMNS = """\
    country: {{type: category}}
    signup: {{type: timestamp}}
    valid_to: {{type: timestamp}}
"""
LAST_DAY, END = datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


def table_of(offset: int, **late: float) -> pa.Table:
    """A day whose customers have signed up so many days and hours earlier, in the mornings alone."""
    day = day_of(offset)
    rng = np.random.default_rng(day.toordinal() + 7)
    table = day_table(day)
    days = rng.integers(30, 400, ROWS).tolist()
    seconds = rng.integers(6 * 3600, 12 * 3600, ROWS).tolist()
    midnight = datetime.combine(day, time(), UTC) - timedelta(**late)
    signup = [midnight - timedelta(days=back) + timedelta(seconds=at) for back, at in zip(days, seconds, strict=True)]
    table = table.append_column("signup", pa.array(signup, pa.timestamp("us", "UTC")))
    return table.append_column("valid_to", pa.array([LAST_DAY, END] * (ROWS // 2), pa.timestamp("us", "UTC")))


@pytest.fixture
def archive(tmp_path) -> BaseArchive:
    archive = BaseArchive(tmp_path, ("    country: {type: category}\n", COLUMNS))
    past = [table_of(-back) for back in range(REFERENCE_DAYS, 0, -1)]
    archive.write("reference/part-0.parquet", pa.concat_tables(past))
    return archive


def breaches_of(run: Run, offset: int) -> set[tuple[str, str | None]]:
    stored = run.store.verdicts(run.partition(day_of(offset)))
    return {(verdict.metric, verdict.column) for verdict in stored if verdict.state is VerdictState.BREACH}


def test_a_time_is_evaluated_by_its_age_and_its_hour(archive):
    late = {3: {"days": 300}, 4: {"hours": 7}}
    for offset in range(5):
        archive.write_day(day_of(offset), table_of(offset, **late.get(offset, {})))
    with archive.opened() as run:
        found = []
        for offset in range(5):
            run_day(run, day_of(offset))
            found.append(breaches_of(run, offset))
        pinned = ensure_reference(run).schema.columns
    derived = {column.name for column in pinned if column.derived and column.sources[0] != "id"}
    # the date of the end stands still, so its age would grow by itself
    assert derived == {"signup.age", "signup.hour", "signup.weekday", "valid_to.hour", "valid_to.weekday"}
    assert found[:3] == [set(), set(), set()]
    assert found[3] == {("drift_score", "signup.age")}
    assert ("drift_score", "signup.hour") in found[4]
    assert {column for _, column in found[4]} <= {"signup", "signup.hour", "signup.age"}


def test_what_is_derived_of_a_time_is_one_incident_and_may_have_a_rule(archive):
    rule = "alerts: {rules: [{metric: drift_score, column: signup.age, max: 0.2}]}"
    archive.spec_text += rule + "\n"
    archive.write_day(day_of(0), table_of(0, days=300))
    with archive.opened() as run:
        assert run.spec.derived["signup.age"] == run.spec.derived["signup.hour"] == "signup"
        run_day(run, day_of(0))
        assert ("drift_score", "signup.age") in {
            (alert.metric, alert.column) for alert in run.store.alerts(run.model, day_of(0), day_of(0))
        }

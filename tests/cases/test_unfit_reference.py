"""A reference without values of a column: said when it is pinned, no number is wrong, and it is pinned again."""

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.history.reprofile import reprofile
from airflow_mlmon.pipeline.inspection import inspect_data
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from tests.support.base_day import REFERENCE_DAYS, ROWS, BaseArchive, day_of, day_table, metric_of, run_day

MOVED = 6
DAYS = 8
# far below what any quantum of a column without values can tell apart
TINY = 1e-15


def table_of(offset: int, *, is_reference: bool = False) -> pa.Table:
    """A day whose scores rise from the seventh on; those of the reference are empty."""
    low, high = (0.3, 0.49) if offset >= MOVED else (0.01, 0.4)
    scores = np.random.default_rng(offset + 99).uniform(low, high, ROWS)
    nothing = pa.nulls(ROWS, pa.float64())
    table = day_table(day_of(offset))
    table = table.set_column(table.column_names.index("score"), "score", nothing if is_reference else pa.array(scores))
    table = table.append_column("ratio", nothing if is_reference else pa.array(scores * TINY))
    return table.append_column("constant", pa.array(np.full(ROWS, 5.0)))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> BaseArchive:
    columns = "    amount: {{type: float}}\n    ratio: {{type: float}}\n    constant: {{type: float}}\n"
    archive = BaseArchive(
        tmp_path_factory.mktemp("unfit"),
        ("    amount: {type: float}\n", columns),
        labels="baseline: {{trailing: 7}}\n",
    )
    past = [table_of(-back, is_reference=True) for back in range(REFERENCE_DAYS, 0, -1)]
    archive.write("reference/part-0.parquet", pa.concat_tables(past))
    for offset in range(DAYS):
        archive.write_day(day_of(offset), table_of(offset))
    return archive


@pytest.fixture(scope="module")
def run(archive):
    said: list[str] = []
    with archive.opened(progress=said.append) as run:
        for offset in range(DAYS):
            run_day(run, day_of(offset))
        yield run, said


def ratio_of(run: Run, offset: int) -> NumericProfile:
    state = run.store.state(run.partition(day_of(offset)))
    assert state is not None
    uri = profile_uri(run, state.partition, str(state.version), str(state.schema))
    found = Profile.from_bytes(run.files.read(uri)).columns["ratio"]
    assert isinstance(found, NumericProfile)
    return found


def test_it_is_said_once_when_the_reference_is_pinned(run):
    _, said = run
    notes = [text for text in said if text.startswith("reference: ")]
    assert notes == [
        "reference: ratio has no value: how it was is not known; `mlmon reprofile` pins it again from later days",
        "reference: constant has one value alone: how it varies is not known",
        "reference: score has no value: how it was is not known; `mlmon reprofile` pins it again from later days",
    ]


def test_a_check_of_the_day_says_it(run):
    found = inspect_data(run[0].spec, run[0].storage, day_of(0), day_of(DAYS))
    assert [text.split(" has ")[0] for text in found.reference.told] == ["ratio", "constant", "score"]


def test_no_number_is_wrong(run):
    """evidentlyai/evidently #1480, NannyML/nannyml #339: a reference whose column is empty."""
    for offset in range(DAYS):
        scores = table_of(offset).column("score").to_numpy()
        assert metric_of(run[0], day_of(offset), "score_mean") == pytest.approx(scores.mean(), rel=1e-6)
        assert ratio_of(run[0], offset).mean == pytest.approx(scores.mean() * TINY, rel=1e-6)
        assert ratio_of(run[0], offset).std == pytest.approx(scores.std() * TINY, rel=1e-6)


def test_the_later_days_are_compared_with_each_other(run):
    alerts = [
        {alert.column or alert.metric for alert in run[0].store.alerts("m", day_of(offset), day_of(offset))}
        for offset in range(DAYS)
    ]
    assert alerts[:MOVED] == [set()] * MOVED
    assert {"score_mean", "score", "ratio"} >= alerts[MOVED] >= {"score_mean"}


def test_it_is_pinned_again_from_later_days(run):
    unfit = ratio_of(run[0], 0).schema
    done = list(reprofile(run[0], day_of(0), day_of(DAYS - 1)))
    assert {day.before != day.schema for day in done} == {True}
    pinned = ensure_reference(run[0])
    assert pinned.schema.id == done[0].schema
    assert ratio_of(run[0], 0).schema.quantum < unfit.quantum / 1e6
    assert not ratio_of(run[0], 0).is_blurred
    again = list(reprofile(run[0], day_of(0), day_of(DAYS - 1)))
    assert {day.schema for day in again} == {pinned.schema.id}

"""References as they are found: without scores, ids, times, classes or labels, and with values that cannot be read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import StoredReference, ensure_reference
from airflow_mlmon.records import Status, VerdictState
from tests.support.base_day import (
    FIRST,
    LABELS,
    REFERENCE_DAYS,
    ROWS,
    BaseArchive,
    day_of,
    day_table,
    metric_of,
    run_day,
)

PAST = pa.concat_tables([day_table(FIRST - timedelta(days=back)) for back in range(REFERENCE_DAYS, 0, -1)])
RATIO = ("    score: {", "    ratio: {{type: float}}\n    score: {{")


def with_reference(folder: Path, table: pa.Table, *replacements: tuple[str, str], labels: str = "") -> BaseArchive:
    archive = BaseArchive(folder, *replacements, labels=labels)
    archive.write("reference/part-0.parquet", table)
    return archive


def emptied(table: pa.Table, *names: str) -> pa.Table:
    for name in names:
        field = table.schema.field(name)
        table = table.set_column(table.column_names.index(name), field, pa.nulls(table.num_rows, field.type))
    return table


def facts_of(run: Run, reference: StoredReference) -> dict[str, object]:
    return json.loads(run.files.read(f"{reference.folder}/reference.json"))


def scored(offset: int) -> pa.Table:
    """A day whose mean score is 0.205, or 0.395 from the sixth day on, and whose ratio is 5,000 times the score."""
    table = day_table(day_of(offset))
    low, high = (0.01, 0.40) if offset < 5 else (0.30, 0.49)
    scores = pa.array(np.random.default_rng(offset).permutation(np.linspace(low, high, ROWS)))
    table = table.set_column(table.column_names.index("score"), "score", scores)
    return table.append_column("ratio", pa.array(np.asarray(scores) * 5_000))


@pytest.mark.parametrize("is_absent", [False, True], ids=["null", "absent"])
def test_the_mean_of_a_score_that_the_reference_does_not_have_is_right(tmp_path, is_absent):
    """evidentlyai/evidently #1480, NannyML/nannyml #339: a reference whose column is empty."""
    past = emptied(PAST.append_column("ratio", pa.nulls(PAST.num_rows, pa.float64())), "score")
    trailing = ("reference:\n", "baseline: {{trailing: 7}}\nreference:\n")
    archive = with_reference(tmp_path, past.drop_columns(["score", "ratio"]) if is_absent else past, RATIO, trailing)
    for offset in range(8):
        archive.write_day(day_of(offset), scored(offset))
    with archive.opened() as run:
        states = [run_day(run, day_of(offset)) for offset in range(8)]
        means = [metric_of(run, day_of(offset), "score_mean") for offset in range(8)]
        reference = ensure_reference(run)
        verdicts = {(found.metric, found.column): found.state for found in run.store.verdicts(run.partition(day_of(6)))}

        assert verdicts["drift_score", "score"] is VerdictState.BREACH
        assert means == pytest.approx([0.205] * 5 + [0.395] * 3, abs=1e-9)
        assert reference.unknown == ("ratio", "score")
        assert {state.status for state in states} == {Status.OK}


@pytest.mark.parametrize("change", [lambda t: t.drop_columns(["id", "at"]), lambda t: emptied(t, "id", "at")])
def test_a_reference_without_ids_and_times_is_recognised(tmp_path, change):
    archive = with_reference(tmp_path, change(PAST))
    archive.write_day(FIRST)
    with archive.opened() as run:
        assert run_day(run, FIRST).status is Status.OK
        reference = ensure_reference(run)

    assert reference.profile.rows == PAST.num_rows
    assert reference.days == ()


def test_a_reference_with_times_alone_has_its_days(tmp_path):
    archive = with_reference(tmp_path, PAST.drop_columns(["id"]))
    with archive.opened() as run:
        assert len(ensure_reference(run).days) == REFERENCE_DAYS


def test_required_outputs_that_the_reference_does_not_have_are_not_demanded_of_it(tmp_path):
    demands = [(f"role: {role}}}", f"role: {role}, required: true}}}}") for role in ("score", "prediction")]
    archive = with_reference(tmp_path, PAST.drop_columns(["score", "flagged"]), *demands)
    archive.write_day(FIRST)
    with archive.opened() as run:
        assert run_day(run, FIRST).status is Status.OK
        assert metric_of(run, FIRST, "score_mean") == pytest.approx(float(np.mean(day_table(FIRST)["score"])), abs=1e-9)
        reference = ensure_reference(run)

    assert reference.profile.rows == PAST.num_rows
    assert reference.unknown == ("score", "flagged")


def test_a_category_that_the_reference_does_not_have_is_not_new_in_every_row(tmp_path):
    archive = with_reference(tmp_path, PAST.drop_columns(["country"]))
    archive.write_day(FIRST)
    with archive.opened() as run:
        assert run_day(run, FIRST).status is Status.OK
        metrics = run.store.metrics(run.model, FIRST, FIRST)

    assert metrics.get((FIRST, "new_category_rate", "country")) is None


def test_values_of_the_reference_that_cannot_be_read_are_counted(tmp_path):
    texts = pa.array(["x" if n < 3 else str(n) for n in range(PAST.num_rows)])
    ids = pa.array([None if n < 2 else value for n, value in enumerate(PAST["id"].to_pylist())])
    archive = with_reference(tmp_path, PAST.set_column(2, "amount", texts).set_column(0, "id", ids))
    with archive.opened() as run:
        reference = ensure_reference(run)
        told = facts_of(run, reference)["told"]

    assert reference.profile.rows == PAST.num_rows - 2
    assert reference.profile.columns["amount"].nulls == 1
    assert len(told) == 2
    assert told[0] == "2 rows: id is empty"
    assert told[1].startswith("amount ")
    assert told[1].endswith("(3 values)")


@pytest.mark.parametrize("has_label", [True, False])
def test_a_reference_without_the_declared_label_says_nothing_of_performance(tmp_path, has_label):
    labelled = PAST.append_column("fraud", PAST["flagged"])
    declared = ("reference:\n", "reference:\n  label: fraud\n")
    archive = with_reference(tmp_path, labelled if has_label else PAST, declared, labels=LABELS)
    day = FIRST - timedelta(days=1)
    with archive.opened() as run:
        ensure_reference(run)
        known = {metric for _, metric, _ in run.store.metrics(run.model, day, day)}

    assert ("accuracy" in known) is has_label
    assert "score_mean" in known


def test_a_damaged_file_and_a_reference_without_rows_are_refused(tmp_path):
    archive = with_reference(tmp_path, PAST.slice(0, 0))
    with archive.opened() as run, pytest.raises(ConfigError, match="has no rows"):
        ensure_reference(run)
    archive.write("reference/part-1.parquet", b"PAR1")
    with archive.opened() as run, pytest.raises(ConfigError, match=r"part-1\.parquet"):
        ensure_reference(run)


@pytest.mark.parametrize("path", ["reference/part-0.parquet", "reference/*.parquet", "reference", "v*/"])
def test_a_reference_is_a_file_a_folder_or_a_glob(tmp_path, path):
    archive = BaseArchive(tmp_path, ("/reference/", f"/{path}"))
    archive.write("v1/part-0.parquet", PAST)
    with archive.opened() as run:
        assert ensure_reference(run).profile.rows == PAST.num_rows


def test_a_reference_of_which_no_file_is_there_is_named_by_its_path(tmp_path):
    archive = BaseArchive(tmp_path, ("/reference/", "/v[0-9]/"))
    archive.write("v1/part-0.parquet", PAST)
    with archive.opened() as run, pytest.raises(ConfigError, match=r"No data files .* found at .*/v\[0-9\]") as raised:
        ensure_reference(run)
    assert "* stands for any part of a name" in str(raised.value.hint)


def test_a_column_of_the_reference_may_be_in_its_path_alone(tmp_path):
    version = ("    score: {", "    model_version: {{type: category, role: version}}\n    score: {{")
    archive = BaseArchive(tmp_path, version, ("/reference/", "/past/"))
    archive.write("past/model_version=v1/part-0.parquet", PAST)
    with archive.opened() as run:
        assert set(ensure_reference(run).profile.segments["model_version"].parts) >= {"v1"}

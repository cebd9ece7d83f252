"""Days with odd values: what is found is named, and what one odd row or one class would spoil stays right."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, Status
from tests.support.archive import replace_columns
from tests.support.base_day import FIRST, LABELS, REFERENCE_DAYS, ROWS, BaseArchive, day_of, day_table, run_day

CROSSED = (
    ("    score: {", "    dept: {{type: category}}\n    product: {{type: category}}\n    score: {{"),
    ("reference:\n", "segments: [[dept, product]]\nreference:\n"),
)


def alerts_of(run: Run, offset: int = 0) -> dict[str, Alert]:
    """The alerts of a day by their column."""
    return {str(alert.column): alert for alert in run.store.alerts(run.model, day_of(offset), day_of(offset))}


def amounts(offset: int) -> list[float]:
    return np.random.default_rng(offset + 99).uniform(-5_000, 5_000, ROWS).tolist()


@pytest.mark.parametrize(("huge", "side"), [(5e7, "largest"), (1e300, "largest"), (-5e7, "smallest")])
def test_one_huge_value_is_told_as_an_extreme_and_decides_nothing_else(tmp_path, huge, side):
    """ing-bank/popmon #244: one value ten thousand times too large broke the binning."""
    archive = BaseArchive(tmp_path)
    days = range(-REFERENCE_DAYS, 0)
    past = [replace_columns(day_table(day_of(offset)), amount=amounts(offset)) for offset in days]
    archive.write("reference/part-0.parquet", pa.concat_tables(past))
    for offset in range(2):
        values = amounts(offset)
        values[17] = huge if offset == 1 else values[17]
        archive.write_day(day_of(offset), replace_columns(day_table(day_of(offset)), amount=values))

    with archive.opened() as run:
        states = [run_day(run, day_of(offset)).status for offset in range(2)]

        assert states == [Status.OK, Status.OK]
        assert alerts_of(run, 0) == {}
        found = alerts_of(run, 1)
        assert list(found) == ["amount"]
        assert f"{side} value" in found["amount"].text


@pytest.mark.parametrize("text", ["", "nan", "None"])
def test_emptiness_as_a_text_is_told_by_name(tmp_path, text):
    """fivetran/great_expectations PR #1978: '' is no null; pandas' astype(str) makes texts of nulls."""
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    country = [text if row % 5 < 2 else value for row, value in enumerate(table.column("country").to_pylist())]
    archive.write_day(FIRST, replace_columns(table, country=country))

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert state.status is Status.OK
        assert list(alerts_of(run)) == ["country"]
        assert f"new values '{text}' (80 rows)" in alerts_of(run)["country"].text


@pytest.mark.parametrize(
    "pairs",
    [
        (("Food & Wine", "Red"), ("Food", "Wine & Red")),
        (("Food &", "Red"), ("Food", "& Red")),
        (("Food && Wine", "Red"), ("Food &", "Wine & Red")),
    ],
)
def test_values_with_the_sign_of_a_crossing_are_parts_of_their_own(tmp_path, pairs):
    """dlt-hub/dlt #4274, JRedrupp/bison PR #598: two keys became one text, and records of both one record."""
    archive = BaseArchive(tmp_path, *CROSSED)
    depts, products = ([pair[side] for pair in pairs] * (ROWS // 2) for side in (0, 1))

    def table(offset: int) -> pa.Table:
        of = replace_columns(day_table(day_of(offset)), score=[0.9, 0.1] * (ROWS // 2))
        return of.append_column("dept", pa.array(depts)).append_column("product", pa.array(products))

    archive.write("reference/part-0.parquet", pa.concat_tables([table(-back) for back in range(1, 4)]))
    archive.write_day(FIRST, table(0))

    with archive.opened() as run:
        run_day(run, FIRST)
        values = run.store.metric_values(run.partition(FIRST))

    parts = {one.segment: one for one in values if one.metric == "score_mean" and one.segment}
    assert sorted(one.value for one in parts.values()) == pytest.approx([0.1, 0.9], abs=1e-6)
    assert [one.rows for one in parts.values()] == [ROWS // 2] * 2


@pytest.mark.parametrize(("label", "predicted"), [(False, False), (True, True), (False, True)])
def test_labels_of_one_class_have_no_ranking_and_say_so(tmp_path, label, predicted):
    """NannyML/nannyml PR #384: a chunk whose labels are of one class raised an error."""
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = replace_columns(day_table(FIRST), flagged=[predicted] * ROWS)
    archive.write_day(FIRST, table)
    archive.write_labels(FIRST, pa.table({"id": table.column("id"), "fraud": [label] * ROWS}))

    with archive.opened() as run:
        state = run_day(run, FIRST)
        found = {one.metric: one for one in run.store.metric_values(run.partition(FIRST)) if one.column is None}

    assert state.status is Status.OK
    assert (found["roc_auc"].value, found["roc_auc"].reason) == (None, "all labels are of one class")
    assert found["accuracy"].value == float(label == predicted)
    assert found["label_coverage"].value == 1
    if not predicted:
        assert (found["precision"].value, found["precision"].reason) == (None, "no row was predicted positive")
    if not label:
        assert found["recall"].value is None


@pytest.mark.parametrize("sidecar", ["manifest", "README.txt", "part-0.parquet.md5"])
def test_a_sidecar_of_each_day_hides_no_loss(tmp_path, sidecar):
    """prestodb/presto PR #16743: objects beside the data; here a file is lost on a day that has one, as each has."""
    archive = BaseArchive(tmp_path)
    for offset in range(2):
        archive.write_day(day_of(offset))
        archive.write(f"preds/dt={day_of(offset)}/{sidecar}", b"{}")
    archive.write(f"preds/dt={day_of(1)}/part-1.parquet", b"PAR1 cut off")

    with archive.opened() as run:
        states = [run_day(run, day_of(offset)).status for offset in range(2)]
        alerts = [run.store.alerts(run.model, day_of(offset), day_of(offset)) for offset in range(2)]

    assert states == [Status.OK, Status.PARTIAL]
    assert alerts[0] == []
    assert [alert.metric for alert in alerts[1]] == ["status.files_refused"]
    assert "part-1.parquet" in alerts[1][0].text


@pytest.mark.parametrize("form", ["without zeros", "doubles", "blanks"])
def test_ids_of_labels_in_another_form_are_told_when_the_delay_has_run(tmp_path, form):
    """scverse/spatialdata #467, mlcommons/GaNDLF PR #900: a join that gives nothing, without a word."""
    archive = BaseArchive(tmp_path, ("delay_days: 7", "delay_days: 2"), labels=LABELS)
    for offset in range(3):
        numbers = range(1_000 + offset * ROWS, 1_000 + (offset + 1) * ROWS)
        labelled = {"without zeros": list(numbers), "doubles": [float(n) for n in numbers]}.get(form)
        ids = pa.array(labelled or [f"{n:07d} " for n in numbers])
        table = replace_columns(day_table(day_of(offset)), id=[f"{n:07d}" for n in numbers])
        archive.write_day(day_of(offset), table)
        archive.write_labels(day_of(offset), labels(table, ids))

    with archive.opened() as run:
        for offset in range(3):
            run_day(run, day_of(offset))
        last = run.store.state(run.partition(day_of(2)))

    assert last is not None
    assert last.status is Status.PARTIAL
    assert "0 of 200 ids of the delivery belong to a prediction" in last.message


def labels(table: pa.Table, ids: pa.Array) -> pa.Table:
    """Labels of predictions under these ids."""
    return pa.table({"id": ids, "fraud": table.column("flagged")})

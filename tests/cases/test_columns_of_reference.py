"""Reference and labels are read by the rules of the predictions' columns: a value costs itself, and a row at most."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.records import Status
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_table, labels_of, metric_of, run_day

BACK = date(2025, 10, 26)
NAIVE = pa.timestamp("us")
TWICE = "was twice in Europe/Berlin: the clocks went back, and nothing says which of the two it is"
NOT_TEXT = pa.array([b"R\xc9UNION"]).cast(pa.string(), safe=False)


def naive(table: pa.Table) -> pa.Table:
    """The table with times without a zone."""
    return table.set_column(1, "at", table.column("at").cast(NAIVE))


def test_reference_over_a_clock_change_lacks_the_times_that_came_twice(tmp_path):
    """apache/datafusion PR #25115: local times that came twice."""
    archive = BaseArchive(tmp_path, ("  columns:\n", "  timezone: Europe/Berlin\n  columns:\n"))
    days = [naive(day_table(BACK + timedelta(days=offset))) for offset in range(-7, 7)]
    reference = pa.concat_tables(days)
    damaged = pa.chunked_array([NOT_TEXT, *reference.column("country").slice(1).chunks])
    reference = reference.set_column(3, "country", damaged).append_column("x", pa.array([1] * reference.num_rows))
    archive.write("reference/part-0.parquet", reference.append_column("x", pa.array([2] * reference.num_rows)))
    noon = pa.array([f"{FIRST} 12:00:00"] * ROWS)
    archive.write_day(FIRST, day_table(FIRST).set_column(1, "at", pc.cast(noon, NAIVE)))

    with archive.opened() as run:
        state = run_day(run, FIRST)
        stored = ensure_reference(run)

    # nine rows, one every 400 seconds, are from 2 to 3; the reference needs no times
    assert stored.told == (f"at {TWICE} (9 values)", "country is not UTF-8 text (1 values)")
    assert stored.profile.rows == 14 * ROWS
    assert (state.status, state.rows_accepted) == (Status.OK, ROWS)


def test_labels_of_which_a_column_occurs_twice_cost_that_column(tmp_path):
    """apache/arrow PR #6831: a name that occurs twice raised KeyError."""
    archive = BaseArchive(tmp_path, labels=LABELS + "  outcome: result\n  excluded: [withdrawn]\n")
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    labels = labels_of(table)
    for value in ("done", "withdrawn"):
        labels = labels.append_column("result", pa.array([value] * ROWS))
    archive.write_labels(FIRST, labels)

    with archive.opened() as run:
        run_day(run, FIRST)

        assert metric_of(run, FIRST, "label_coverage") == 1

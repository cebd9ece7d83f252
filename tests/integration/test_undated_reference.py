"""A reference that is plain training data: no ids, no event times, so nothing is known of how days differ."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from airflow_mlmon.cli.main import main
from airflow_mlmon.cli.table import days_table
from airflow_mlmon.partition import Partition, date_range
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import ensure_reference, reference_outcomes
from airflow_mlmon.pipeline.workspace.reference_rows import read_reference
from airflow_mlmon.records import Status, Verdict, VerdictState
from airflow_mlmon.reports.heat import heat_map
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, to_bytes
from tests.support.runs import local_archive, opened

ROWS = 200
DAYS = 5
UNDATED = ("reference:\n", "reference:\n  dated: false\n")
UNRULED = ("    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}\n", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("undated")


@pytest.fixture(scope="module")
def archive(folder: Path) -> Archive:
    archive = local_archive(folder, 0)
    days = [FIRST - timedelta(days=back) for back in range(REFERENCE_DAYS, 0, -1)]
    for number, half in enumerate((days[:6], days[6:])):
        rows = pa.concat_tables([day_table(day, ROWS) for day in half]).drop_columns(["id", "at"])
        archive.write(f"{archive.root}/reference/part-{number}.parquet", to_bytes(rows))
    for offset in range(DAYS):
        shift = 0.3 if offset == DAYS - 1 else 0.0
        archive.write_day(FIRST + timedelta(days=offset), rows=ROWS, shift=shift)
    return archive


@pytest.fixture(scope="module")
def run(folder: Path, archive: Archive) -> Iterator[Run]:
    with opened(folder, archive, UNDATED, UNRULED) as run:
        for offset in range(DAYS):
            run_partition(run, Partition.of_day("loans", FIRST + timedelta(days=offset)))
        yield run


def verdicts(run: Run, offset: int) -> dict[tuple[str, str | None], Verdict]:
    partition = Partition.of_day("loans", FIRST + timedelta(days=offset))
    return {(found.metric, found.column): found for found in run.store.verdicts(partition) if found.segment is None}


def test_every_row_of_every_file_is_kept_and_no_day_is_made_up(run):
    reference = ensure_reference(run)

    assert reference.profile.rows == REFERENCE_DAYS * ROWS
    assert reference.days == ()
    assert run.store.states("loans", FIRST - timedelta(days=400), FIRST - timedelta(days=1)) == []
    assert reference_outcomes(run, reference).whole.label.observed > 0


def test_first_day_is_evaluated_by_sampling_error_only(run):
    found = verdicts(run, 0)["drift_score", "amount"]

    assert (found.state, found.rule, found.history) == (VerdictState.OK, "sampling error only", None)
    assert verdicts(run, 0)["rows", None].note == "0 days of history, fewer than 3"


def test_days_are_healthy_until_one_differs_and_that_is_found(run):
    quiet = [verdicts(run, offset).values() for offset in range(DAYS - 1)]
    assert [found for day in quiet for found in day if found.state is VerdictState.BREACH] == []
    assert run.store.state(Partition.of_day("loans", FIRST)).status is Status.OK

    assert verdicts(run, DAYS - 1)["drift_score", "score"].state is VerdictState.BREACH


@pytest.mark.parametrize("offset", range(DAYS))
def test_every_column_has_an_evaluation_from_the_first_day_and_all_places_agree(run, offset):
    day = FIRST + timedelta(days=offset)
    partition = Partition.of_day("loans", day)
    found = {column: one for (metric, column), one in verdicts(run, offset).items() if metric == "drift_score"}
    in_store = {column for column, one in found.items() if one.state is VerdictState.BREACH}
    counted = run.store.metrics("loans", day, day)

    page = BeautifulSoup(run.files.read(run.report_uri(partition.key, PAGE)), "html.parser")
    cards = {card.h3.get_text(): card for card in page.select(".cards article.card") if card.select_one(".meter")}
    last = FIRST + timedelta(days=DAYS - 1)
    heat = heat_map(
        date_range(FIRST, last), run.store.metric_verdicts("loans", "drift_score", FIRST, last), {}, EvaluationPolicy()
    )
    in_heat = {row.column for row in heat.rows for cell in row.drifted if cell.day == day}
    alerts = run.store.alerts("loans", day, day, include_resolved=True)

    assert set(found) == {"amount", "term", "channel", "score", "approved"} == set(cards)
    assert {one.state for one in found.values()} <= {VerdictState.OK, VerdictState.BREACH}
    assert {row.evaluated for row in heat.rows} == {DAYS}
    assert {name for name, card in cards.items() if "drifted" in card["class"]} == in_store
    assert {alert.column for alert in alerts if alert.metric == "drift_score" and not alert.segment} == in_store
    assert in_heat == in_store
    assert counted[day, "drifted_columns", None] == len(in_store)
    assert counted[day, "drifted_share", None] == len(in_store) / 5
    table = [line for line in shown_table(run) if line.startswith(f"{day:%Y-%m-%d}")]
    assert int(re.search(r"OK +(\d+)", table[0])[1]) == len(in_store)
    assert bool(in_store) is (offset == DAYS - 1)


def shown_table(run: Run) -> list[str]:
    """The lines of the table of days, as a terminal shows them."""
    console = Console(width=200, file=io.StringIO())
    console.print(days_table(run.store, run.spec, FIRST, FIRST + timedelta(days=DAYS - 1)))
    return [line.strip() for line in console.file.getvalue().splitlines()]


def test_page_and_schema_say_that_there_are_no_event_times(run, folder, archive, monkeypatch, capsys):
    page = run.files.read(f"{run.workspace}/reports/loans/{FIRST}/{PAGE}").decode()
    assert f"{REFERENCE_DAYS * ROWS:,} rows without event times" in page

    (folder / "loans.yaml").write_text(archive.spec_text(UNDATED, UNRULED))
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{folder / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", run.workspace)
    assert main(["schema", "show", str(folder / "loans.yaml")]) == 0
    assert "rows without event times" in capsys.readouterr().out
    assert main(["schema", "show", str(folder / "loans.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reference"]["first"] is None


def test_it_is_recognised_without_being_declared(tmp_path, archive):
    with opened(tmp_path, archive) as run:
        found = read_reference(run)

    assert found.rows.num_rows == REFERENCE_DAYS * ROWS
    assert {"id", "at"} <= found.empty


def test_what_needs_past_days_says_so_and_the_rest_is_evaluated_at_once(tmp_path, archive):
    asked = ("alerts:\n", "drift: {multivariate: true, columns: {amount: {method: anderson}}}\nalerts:\n")
    with opened(tmp_path, archive, UNDATED, UNRULED, asked) as run:
        day = Partition.of_day("loans", FIRST)
        run_partition(run, day)
        values = run.store.metrics("loans", FIRST, FIRST)
        found = verdicts(run, 0)

    assert values[FIRST, "multivariate_drift", None] is not None
    assert found["multivariate_drift", None].note == "0 days of history, fewer than 3"
    # the profiles answer for a column whose method needs rows
    assert values[FIRST, "drift_score", "amount"] is not None
    assert found["drift_score", "amount"].rule == "sampling error only"

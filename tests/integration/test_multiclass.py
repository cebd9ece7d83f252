"""A classifier of several classes from its archive to pages, alerts, store, slices, windows and versions."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn

from airflow_mlmon.cli.main import main
from airflow_mlmon.comparison.slice import SliceState
from airflow_mlmon.pipeline.druid.content import make_input, places_of
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.slices import slice_window
from airflow_mlmon.records import MetricValue, VerdictState
from tests.support.archive import FIRST
from tests.support.nightly_model import evaluate_day
from tests.support.species import CLASSES, MODEL, opened_species, species_archive, species_day, species_table

DAYS, CONFUSED = 8, 4
LAST = FIRST + timedelta(days=DAYS - 1)
DAYS_GIVEN = ("--from", str(FIRST), "--to", str(LAST))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("species")
    archive = species_archive(folder / "archive")
    archive.write_reference()
    for offset in range(DAYS):
        archive.write_day(
            offset, lost="badger" if offset == CONFUSED else None, version="v2" if offset > CONFUSED else "v1"
        )
    return folder


@pytest.fixture(scope="module")
def run(folder):
    with opened_species(folder) as run:
        for offset in range(DAYS - 1):
            evaluate_day(run, species_day(offset))
        run_partition(run, species_day(DAYS - 1))
        yield run


@pytest.fixture
def mlmon(run, folder, capsys):
    """Call the command line on the model of these days."""

    def call(*arguments: str) -> Any:
        first, *rest = arguments
        places = ["--store", f"sqlite:///{folder / 'store.db'}", "--workspace", str(folder / "workspace")]
        main([*first.split(), str(folder / f"{MODEL}.yaml"), *rest, *places])
        return capsys.readouterr().out

    return call


def metrics(run: Run, offset: int) -> dict[str, MetricValue]:
    return {value.metric: value for value in run.store.metric_values(species_day(offset)) if value.segment is None}


def test_metrics_of_a_day_are_sklearns_on_its_rows(run):
    frame = species_table(species_day(1).day).to_pandas().dropna()
    truth, predicted = frame["seen"], frame["predicted"]
    probabilities = frame[[f"p_{name}" for name in CLASSES]].to_numpy()

    found = metrics(run, 1)

    assert found["accuracy"].value == pytest.approx(sklearn.accuracy_score(truth, predicted), rel=1e-12)
    assert found["f1_macro"].value == pytest.approx(sklearn.f1_score(truth, predicted, average="macro"), rel=1e-12)
    assert found["log_loss"].value == pytest.approx(sklearn.log_loss(truth, probabilities), abs=1e-9)
    area = sklearn.roc_auc_score(truth, probabilities, multi_class="ovr")
    assert abs(found["roc_auc"].value - area) <= found["roc_auc"].error_bound
    for name in ("accuracy", "f1_macro", "log_loss", "roc_auc", "balanced_accuracy", "top_k_accuracy"):
        assert found[name].low < found[name].value < found[name].high
    # always the class that the reference has most
    assert found["accuracy"].constant == pytest.approx(np.mean(truth == "deer"))


def test_a_confused_class_is_found_and_no_other_day_alerts(run):
    alerts = {(alert.partition.day, alert.metric) for alert in run.store.alerts(MODEL, FIRST, LAST)}
    verdicts = {verdict.metric: verdict for verdict in run.store.verdicts(species_day(CONFUSED)) if not verdict.segment}

    assert {day for day, _ in alerts} == {species_day(CONFUSED).day}
    assert verdicts["f1_macro"].state is VerdictState.BREACH
    assert verdicts["log_loss"].state is VerdictState.BREACH
    assert "brier" not in verdicts


def test_page_shows_which_class_is_confused(run):
    each, confusion = (found.table for found in day_page(run, species_day(CONFUSED)).tables)

    f1 = {row[0]: (row[4], row[7]) for row in each.rows}
    assert set(f1) == set(CLASSES)
    assert "Worse than in the reference: badger (F1 " in each.note
    assert f1["badger"][0] < 0.4 < f1["badger"][1]
    assert "Worse" not in next(iter(day_page(run, species_day(1)).tables)).table.note
    counts = np.array([row[1:] for row in confusion.rows])
    assert counts.sum() == 380
    assert confusion.rows[0][0] == "deer"


def test_worst_slice_is_that_of_the_site_where_classes_are_guessed(run, mlmon):
    worst = slice_window(run, ["site"], FIRST, LAST).slices[0]

    assert (worst.name, worst.state) == ("site=river", SliceState.LOSS)
    assert worst.against_rest.p_value < 1e-9
    assert "loss of accuracy" in mlmon("slice", "--by", "site", *DAYS_GIVEN)


def test_version_is_compared_with_the_one_it_replaces(run):
    [challenge] = day_page(run, species_day(DAYS - 1)).versions.challenges

    found = {difference.metric: difference for difference in challenge.differences}
    assert (challenge.champion, challenge.challenger) == ("v1", "v2")
    assert all(found[metric].low is not None for metric in ("accuracy", "log_loss", "top_k_accuracy"))
    assert found["accuracy"].low < found["accuracy"].difference < found["accuracy"].high


def test_metrics_are_content_of_druid(run):
    place = places_of(run, [species_day(1)])["species_metrics 2026-03-02"]

    with make_input(run, place) as made:
        assert '"metric":"f1_macro"' in gzip.decompress(made.files[0].read_bytes()).decode()


def test_windows_and_calibration_know_the_model(mlmon):
    first = json.loads(mlmon("drift", *DAYS_GIVEN, "--window", "6d", "--json").splitlines()[0])
    replayed = mlmon("calibrate", *DAYS_GIVEN)

    assert {"predicted", "p_badger"} <= {column["column"] for column in first["columns"]}
    assert "macro F1" in replayed
    assert replayed.count("new alerts on 1 of 8 days") == 3


def test_days_evaluated_and_profiled_again_are_the_same(run):
    before = said(run)

    again = reevaluate(run, species_day(CONFUSED).day, species_day(CONFUSED + 1).day)
    assert [day.outcome for day in again] == [Outcome.EVALUATED] * 2
    assert said(run) == before


def test_accepted_baseline_and_new_schema_carry_on(folder, mlmon):
    # the last test, because it changes what the others look at
    assert "From 2026-03-09 on, species is compared with the trailing 4 days." in mlmon(
        "baseline accept", "--trailing", "4", "--why", "a test"
    )
    species_archive(folder / "archive").write_reference(rows=450)
    with opened_species(folder, ("\nhistory:", "\ndrift: {method: jensenshannon}\nhistory:")) as changed:
        confused = species_day(CONFUSED).day
        assert [found.state for found in reprofile(changed, confused, confused)] == [Carried.CARRIED]
        _, confusion = (found.table for found in day_page(changed, species_day(CONFUSED)).tables)

    assert sum(sum(row[1:]) for row in confusion.rows) == 380


def said(run: Run) -> list[object]:
    days = [species_day(offset) for offset in range(1, DAYS - 1)]
    return [run.store.metric_values(day) for day in days] + [run.store.alerts(MODEL, FIRST, LAST)]

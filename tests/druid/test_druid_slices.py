"""Slices counted in Druid are those of the curated rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.run import DruidAccess, Run
from airflow_mlmon.pipeline.slices.druid import DruidRows
from airflow_mlmon.pipeline.slices.rows import CuratedRows, slice_days
from airflow_mlmon.pipeline.slices.slices import SlicedWindow, slice_window
from tests.support.archive import FIRST, day_table, to_bytes
from tests.support.druid.operator import environment, ingested
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

COUNT, ROWS = 3, 300
LAST = FIRST + timedelta(days=COUNT - 1)
DAYS = [FIRST + timedelta(days=offset) for offset in range(COUNT)]
HOSTILE = '[red]<b>x"\n'
ENGINE = ("history: {days", "druid: {engine: druid}\nhistory: {days")


def hostile_table(day: date) -> pa.Table:
    """A day with scores that are none or no probability, and a channel that is no name."""
    table = day_table(day, ROWS)
    scores = np.array(table.column("score").to_pylist(), dtype=object)
    scores[::31], scores[1::37], scores[2::41], scores[3::43] = None, float("nan"), 1.5, -0.0
    channel = [HOSTILE if row % 4 == 1 else name for row, name in enumerate(table.column("channel").to_pylist())]
    table = table.set_column(table.column_names.index("channel"), "channel", pa.array(channel))
    return table.set_column(table.column_names.index("score"), "score", pa.array(scores.tolist(), pa.float64()))


def write_hostile_days(archive):
    for day in DAYS:
        table = hostile_table(day)
        archive.write_predictions(day, table)
        archive.write(archive.labels_uri(day, f"of-{day}"), to_bytes(table.select(["id", "repaid", "outcome"])))


@pytest.fixture
def archive(tmp_path: Path, request):
    """The archive of a model of the test's own."""
    archive = local_archive(tmp_path, COUNT)
    archive.model = "".join(letter for letter in request.node.name.removeprefix("test_") if letter not in "[]")[:50]
    write_hostile_days(archive)
    return archive


@pytest.fixture
def model(tmp_path: Path, archive, client):
    """Its run, whose days Druid serves."""
    name = archive.model
    access = DruidAccess(connect=lambda: client, today=FIRST)
    with opened(tmp_path, archive, ("model: loans", f"model: {name}"), druid=access) as run:
        for day in DAYS:
            evaluate_day(run, Partition.of_day(name, day))
        ingested(run, client, *DAYS)
        yield run


def numbers(window: SlicedWindow) -> SlicedWindow:
    """All but where it was read."""
    return replace(window, rows_read=0, rows_counted=0)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_slices_are_those_of_the_curated_rows(model: Run, client, metric):
    asked = (["channel", "term", "approved"], FIRST, LAST)

    there = slice_window(model, *asked, metric=metric, cross=True, rows=DruidRows(model, client))
    here = slice_window(model, *asked, metric=metric, cross=True)

    assert numbers(there) == numbers(here)
    assert (there.rows_read, there.rows_counted) == (0, COUNT * ROWS)
    assert (here.rows_read, here.rows_counted) == (COUNT * ROWS, 0)
    assert f"channel={HOSTILE}" in {found.name for found in there.slices}
    assert there.evaluated > 5


def test_the_labels_of_a_slice_are_those_of_its_rows(model: Run, client):
    reference = required_reference(model)
    states = model.store.states(model.model, FIRST, LAST)
    asked = [("channel",), ("channel", "term")]

    there = slice_days(model, reference, states, asked, DruidRows(model, client))
    here = slice_days(model, reference, states, asked, CuratedRows(model))

    assert there.profile == here.profile
    # not counted in Druid: the losses, and the scores of rows without a label
    lacking = {"log_loss": 0, "brier": 0, "scores": None}
    assert there.labelled.parts == {key: replace(part, **lacking) for key, part in here.labelled.parts.items()}
    assert there.labelled.whole == replace(here.labelled.whole, **lacking)
    assert min(here.labelled.whole.excluded, here.labelled.whole.improbable) > 3


def test_a_day_that_druid_does_not_serve_as_the_store_has_it_is_read(model: Run, client, archive):
    archive.write_predictions(LAST, hostile_table(LAST).slice(0, ROWS - 9))
    evaluate_day(model, Partition.of_day(model.model, LAST))

    there = slice_window(model, ["channel"], FIRST, LAST, rows=DruidRows(model, client))

    assert numbers(there) == numbers(slice_window(model, ["channel"], FIRST, LAST))
    assert (there.rows_read, there.rows_counted) == (ROWS - 9, (COUNT - 1) * ROWS)


def test_the_command_counts_in_druid_where_the_spec_says_so(cluster, client, tmp_path, monkeypatch, capsys):
    archive = local_archive(tmp_path, COUNT)
    archive.model = "sliced_by_command"
    model = ("model: loans", "model: sliced_by_command")
    (tmp_path / "loans.yaml").write_text(archive.spec_text(model, ENGINE))
    with opened(tmp_path, archive, model, ENGINE, druid=DruidAccess(connect=lambda: client, today=FIRST)) as run:
        for day in DAYS:
            evaluate_day(run, Partition.of_day(run.model, day))
        ingested(run, client, *DAYS)
    for name, value in environment(tmp_path, cluster.url).items():
        monkeypatch.setenv(name, value)

    main(["slice", str(tmp_path / "loans.yaml"), "--by", "channel", "--from", str(FIRST), "--to", str(LAST)])

    said = capsys.readouterr().out
    assert "240 rows counted in Druid" in said
    assert "channel=phone" in said

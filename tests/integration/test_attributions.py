"""Days of a model whose attributions are archived: another ranking of the features, and a cause by its attributions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.records import MetricValue, Status, SubjectKey, VerdictState
from tests.support.archive import FIRST, Archive, partition
from tests.support.attributed import COLUMNS, PATTERN, VECTOR, WEIGHTS, attributed, write_attributed
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

HEALTHY, SWAPPED, HIGHER = (0, 1), 2, 3
NDCG: SubjectKey = ("attribution_ndcg", None, None)
DAYS = {
    **{offset: attributed(FIRST + timedelta(days=offset)) for offset in HEALTHY},
    SWAPPED: attributed(FIRST + timedelta(days=SWAPPED), WEIGHTS[::-1]),
    HIGHER: attributed(FIRST + timedelta(days=HIGHER), times=2.0),
}


@pytest.fixture(scope="module", params=[False, True], ids=["columns", "vector"])
def run(tmp_path_factory, request) -> Iterator[Run]:
    folder: Path = tmp_path_factory.mktemp("attributions")
    archive = Archive(str(folder / "archive"), write_file)
    write_attributed(archive, DAYS, vector=request.param)
    with opened(folder, archive, VECTOR if request.param else PATTERN) as run:
        for offset in DAYS:
            evaluate_day(run, partition(offset))
        yield run


def values(run: Run, offset: int) -> dict[SubjectKey, MetricValue]:
    return {value.key: value for value in run.store.metric_values(partition(offset))}


def breaches(run: Run, offset: int) -> set[SubjectKey]:
    return {one.key for one in run.store.verdicts(partition(offset)) if one.state is VerdictState.BREACH}


@pytest.mark.parametrize("offset", HEALTHY)
def test_healthy_days_alert_nothing(run, offset):
    assert not run.store.alerts("loans", partition(offset).day, partition(offset).day)
    assert values(run, offset)[NDCG].value > 0.99


def test_another_ranking_is_found(run):
    assert NDCG in breaches(run, SWAPPED)
    assert values(run, SWAPPED)[NDCG].value < 0.9


def test_magnitudes_are_the_means_of_the_rows(run):
    found = values(run, SWAPPED)
    exact = [np.abs(DAYS[SWAPPED].column(name).to_numpy()).mean() for name in COLUMNS]

    for name, magnitude in zip(("amount", "term", "channel"), exact, strict=True):
        value = found["attribution", name, None]
        assert value.value == pytest.approx(magnitude, rel=1e-5)
        assert value.low < value.value < value.high
        assert found["attribution_share", name, None].value == pytest.approx(magnitude / sum(exact), rel=1e-5)


def test_likely_cause_is_weighed_by_its_attributions(run):
    alerts = run.store.alerts("loans", partition(HIGHER).day, partition(HIGHER).day)
    causes = {alert.cause for alert in alerts if alert.column == "amount"}
    reference = np.concatenate(
        [attributed(FIRST - timedelta(days=n)).column("shap_amount").to_numpy() for n in range(1, 13)]
    )
    moved = DAYS[HIGHER].column("shap_amount").to_numpy().mean() - reference.mean()

    shift = f"by itself it would move the mean score by {moved:+.3g}, by its attributions"
    assert causes == {f"drift of amount: values higher than expected ({shift})"}


def test_missing_attribution_costs_the_column_and_is_named(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    write_attributed(archive, {0: DAYS[0].drop_columns(["shap_term"])})
    with opened(tmp_path, archive, PATTERN) as run:
        evaluate_day(run, partition(0))
        state = run.store.state(partition(0))

    assert (state.status, state.rows_accepted) == (Status.PARTIAL, DAYS[0].num_rows)
    assert state.message == f"column 'shap_term' is missing ({DAYS[0].num_rows} values)"


def test_reference_may_lack_attributions(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    write_attributed(archive, {0: DAYS[0]})
    archive.write_reference()
    with opened(tmp_path, archive, PATTERN) as run:
        evaluate_day(run, partition(0))
        found = values(run, 0)

    assert (found[NDCG].value, found[NDCG].reason) == (None, "the reference has no attributions")
    assert found["attribution", "amount", None].value > 0


def test_page_shows_the_attributions(run):
    write_pages(run, [partition(SWAPPED)])
    page = Path(run.report_uri(partition(SWAPPED).key, PAGE)).read_text()
    shown = page[page.index("<h2>Attributions") :].split("</section>")[0]

    assert [shown.index(f"<bdi>{name}</bdi>") for name in ("channel", "term", "amount")] == sorted(
        shown.index(f"<bdi>{name}</bdi>") for name in ("amount", "term", "channel")
    )
    assert f"<b>{values(run, SWAPPED)[NDCG].value:.3f}</b>" in shown


def test_profiling_again_keeps_the_attributions(run):
    state = run.store.state(partition(SWAPPED))
    before = values(run, SWAPPED)[NDCG]
    run.files.delete(profile_uri(run, partition(SWAPPED), state.version, state.schema))

    assert [one.state for one in reprofile(run, state.partition.day, state.partition.day)] == [Carried.CARRIED]
    assert values(run, SWAPPED)[NDCG] == before

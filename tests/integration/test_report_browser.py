"""The pages in a real browser: how they fit, and that hostile data is only data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_mlmon.records import Status, VerdictState
from airflow_mlmon.reports import evidently
from airflow_mlmon.reports.against import render_against
from airflow_mlmon.reports.charts import before_after
from airflow_mlmon.reports.evidently import write_evidently
from airflow_mlmon.reports.feature import render_feature
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.reports.page import ColumnRow, Fact, ShownFile, render_day
from airflow_mlmon.reports.sample import draw_sample
from airflow_mlmon.spec.choices import Severity
from tests.support.browser import Visit, chromium, visit
from tests.support.evidently import flights_frame, flights_spec
from tests.support.hostile import HOSTILE, SCRIPT
from tests.support.pages import (
    LABELS,
    alert,
    alerting_page,
    bare_page,
    category_bins,
    check,
    drift,
    drift_verdicts,
    healthy_page,
    model_page,
    partition_state,
    score_trend,
    together,
)
from tests.support.pages_of_columns import against_page, feature_page

pytestmark = pytest.mark.service

PHONE, DESK = 390, 1280
_ALL = " ".join(HOSTILE.values())[:600]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def written(folder: Path, html: str | bytes) -> Path:
    path = folder / "page.html"
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return path


def hostile_day() -> str:
    texts = tuple(HOSTILE.values())
    text = " ".join(texts[:7])
    return render_day(
        alerting_page(
            model=text,
            description=text,
            labels=LABELS.model_copy(update={"positive_name": text, "excluded": (text,)}),
            state=partition_state(message=text, version=text),
            alerts=tuple(alert(title=one, text=one) for one in texts),
            checks=tuple(check(one, one, passed=False, expected=one, severity=Severity.BLOCKING) for one in texts),
            columns=tuple(
                ColumnRow(score=drift(one, 0.3, note=one), picture=before_after(category_bins((one, "b")), one))
                for one in texts
            ),
            together=together(*texts),
            trends=tuple(score_trend(title=one) for one in texts),
            quarantine=dict.fromkeys(texts, 1),
            files=tuple(ShownFile(uri=one, note=one) for one in texts),
            facts=tuple(Fact(name=one, value=one) for one in texts),
            left_out=texts,
        )
    )


def hostile_index() -> str:
    page = model_page(7)
    texts = tuple(HOSTILE.values())
    days = tuple(
        replace(
            row,
            alerts=tuple(alert(title=text) for text in texts),
            state=partition_state(row.state.partition.day, message=text),
        )
        for row, text in zip(page.days, texts, strict=False)
    )
    return render_model(replace(page, model=SCRIPT, description=SCRIPT, owner=SCRIPT, days=days))


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize(
    "html",
    [
        pytest.param(lambda: render_day(alerting_page()), id="alerting"),
        pytest.param(lambda: render_day(healthy_page()), id="healthy"),
        pytest.param(lambda: render_day(bare_page(Status.FAILED, "S3 refused the key.")), id="failed"),
        pytest.param(lambda: render_model(model_page(120)), id="index"),
        pytest.param(hostile_day, id="hostile-night"),
        pytest.param(hostile_index, id="hostile-index"),
        pytest.param(lambda: render_feature(feature_page(_ALL)), id="hostile-feature"),
        pytest.param(lambda: render_against(against_page(_ALL)), id="hostile-against"),
    ],
)
def test_page_fits_the_screen_and_asks_for_nothing(browser, tmp_path, html, width):
    seen = visit(browser, written(tmp_path, html()), width=width)

    assert seen.width == width
    assert seen.complaints == []
    assert seen.requests == []


@pytest.mark.parametrize(
    "html",
    [
        hostile_day,
        hostile_index,
        lambda: render_feature(feature_page(_ALL)),
        lambda: render_against(against_page(_ALL)),
    ],
    ids=["day", "index", "feature", "against"],
)
def test_hostile_data_runs_nothing_and_adds_no_element(browser, tmp_path, html):
    seen = visit(browser, written(tmp_path, html()), count="script, img, iframe, object, [onload], [onmouseover]")

    assert not is_harmed(seen)
    assert seen.counted == 0
    assert "</script><script>window.hacked=1</script>" in seen.text
    assert "49" not in seen.text.split()


def test_evidently_page_draws_its_charts_and_runs_no_value(browser, tmp_path):
    spec, current, reference = flights_spec(), hostile_frame(), flights_frame(600, seed=1)
    report = write_evidently(
        current=current,
        reference=reference,
        drift=[drift("wind", 0.3)],
        kinds={},
        verdicts={"wind": next(found for found in drift_verdicts() if found.state is VerdictState.BREACH)},
        spec=spec,
        title=f"day {SCRIPT}",
    )

    script = tmp_path / report.script_name
    script.write_bytes(report.script)
    (tmp_path / "day").mkdir()
    path = written(tmp_path / "day", report.html)

    seen = visit(browser, path, wait_for=".js-plotly-plot", count="img, iframe, [onload]")

    assert not is_harmed(seen)
    assert seen.requests == [script.as_uri()]
    assert seen.complaints == []
    assert seen.title == f"day {SCRIPT}"
    assert "wind: psi of all 979 rows, drifted" in seen.text
    assert "Drift in column 'origin'" in seen.text


def test_evidently_page_without_our_guard_would_run_a_value(browser, tmp_path):
    sample = draw_sample(current=hostile_frame(), reference=flights_frame(600, seed=1), kinds={}, spec=flights_spec())
    snapshot, _ = evidently._run(sample, [])
    path = tmp_path / "unguarded.html"
    snapshot.save_html(str(path))

    assert is_harmed(visit(browser, path))


def hostile_frame():
    return flights_frame(300, origin=[SCRIPT, HOSTILE["image"], HOSTILE["quotes"]] * 100)


def is_harmed(seen: Visit) -> bool:
    return bool(seen.hacked or seen.dialogs)


def test_page_prints_on_a_few_sheets(browser, tmp_path):
    seen = visit(browser, written(tmp_path, render_day(alerting_page())), pdf=True)

    assert 2 <= seen.sheets <= 6

"""Hand-made pages of a column, and of a day against another, with the same text in all places that data fills."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.profiles.columns.histogram import Histogram
from airflow_mlmon.records import AlertState, DriftDetail, MetricValue, VerdictState
from airflow_mlmon.reports.against import AgainstColumn, AgainstPage, AgainstSide
from airflow_mlmon.reports.charts import before_after
from airflow_mlmon.reports.feature import ColumnSegment, ColumnSide, FeaturePage
from airflow_mlmon.reports.page import Fact
from airflow_mlmon.reports.spread import DaySpread, draw_spread
from tests.support.pages import STORM, check, drift, evaluated, numeric_bins, partition_state, score_trend


def tracked(text: str) -> TrackedAlert:
    return TrackedAlert(
        model="flights", fingerprint="f1", metric="drift_score", column=text, segment=None, title=text, text=text,
        cause=f"cause {text}", value=1.0, state=AlertState.OPEN, severity="critical", since=STORM, opened=STORM,
        last_breached=STORM, days=1, acknowledged_by=text,
    )  # fmt: skip


def feature_page(text: str, **changed) -> FeaturePage:
    bins = Histogram(labels=(text, "b"), edges=(), reference=(0.5, 0.5), current=(0.9, 0.1))
    days = [DaySpread(day=date(2013, 3, day), shares=None if day == 3 else (0.9, 0.1)) for day in range(1, 9)]
    far = evaluated("drift_score", text, state=VerdictState.BREACH, p_value=1e-6, effect=0.9, note=text)
    values = {
        "model": "flights", "column": text, "facts": (Fact(name=text, value=text),), "state": partition_state(),
        "picture": before_after(bins, text), "spread": draw_spread(bins, days, text), "days": len(days),
        "baseline": text, "score": drift(text, 0.3, text), "verdict": far, "verdicts": (far,), "weight": (text,),
        "sides": (ColumnSide(title=text, rows=979, null_rate=0.1, new_rate=0.2),),
        "unseen": (MetricValue(metric="out_of_range_rate", column=text, value=0.1, rows=9, new_values=((text, 3),)),),
        "trends": (score_trend(title=text),), "alerts": (tracked(text),),
        "segments": (ColumnSegment(name=text, rows=9, null_rate=None, verdict=far),),
    }  # fmt: skip
    return FeaturePage(**(values | changed))


def against_page(text: str) -> AgainstPage:
    far = evaluated("drift_score", text, state=VerdictState.BREACH, p_value=1e-6, effect=0.9)
    column = AgainstColumn(
        name=text, score=0.3, detail=DriftDetail(method="psi", baseline=text, note=text), null_rates=(0.1, None),
        verdict=far, picture=before_after(numeric_bins(), text),
    )  # fmt: skip
    sides = [
        AgainstSide(
            state=partition_state(day, version=text), alerts=alerts, versions={text: 9},
            checks=(check(text, text, passed=False, observed=text),),
        )
        for day, alerts in ((date(2013, 3, 7), 0), (STORM, 2))
    ]  # fmt: skip
    return AgainstPage(model="flights", before=sides[0], after=sides[1], columns=(column,))

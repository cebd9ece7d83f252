"""Hand-made days for the tests of the reports."""

from __future__ import annotations

import math
from datetime import date, timedelta

from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.columns.histogram import Histogram
from airflow_mlmon.records import (
    Alert,
    CheckOutcome,
    Delivery,
    DriftDetail,
    Family,
    MetricValue,
    MultivariateDetail,
    PartitionState,
    Status,
    Verdict,
    VerdictState,
)
from airflow_mlmon.reports.charts import Trend, TrendPoint, before_after, trend
from airflow_mlmon.reports.model import ModelDay, ModelPage
from airflow_mlmon.reports.page import (
    ColumnRow,
    DayPage,
    Fact,
    PerformanceDay,
    ShownFile,
    TrendChart,
)
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.labels import Labels

LABELS = Labels(path="s3://labels/{date}/", id="id", label="late", excluded=("cancelled",), positive_name="late")

STORM = date(2013, 3, 8)
NUMBERS = ("temp", "dewp", "humid", "wind", "precip", "visib", "pressure", "distance", "seats", "plane_age", "score")
CATEGORIES = ("carrier", "origin")


def partition_state(day: date = STORM, status: Status = Status.OK, **changed) -> PartitionState:
    values = {
        "partition": Partition.of_day("flights", day),
        "status": status,
        "version": "20130309T060000-3f2a",
        "schema": "5c1f0a9be772",
        "rows_read": 979,
        "rows_accepted": 979,
        "rows_quarantined": 0,
    }
    return PartitionState(**(values | changed))


def alert(metric: str = "score_mean", day: date = STORM, **changed) -> Alert:
    values = {
        "partition": Partition.of_day("flights", day),
        "family": Family.PREDICTIONS,
        "metric": metric,
        "column": None,
        "severity": "warning",
        "title": "mean score is 0.394, above its limit of 0.311",
        "text": "6.9 robust standard deviations above the median of the trailing 28 days (0.214).",
        "value": 0.394,
    }
    return Alert(**(values | changed))


def check(expectation: str, column: str | None, **changed) -> CheckOutcome:
    values = {
        "expectation": expectation,
        "column": column,
        "severity": Severity.WARNING,
        "passed": True,
        "rows": 979,
        "unexpected": 0,
        "observed": "0 of 979 unexpected",
    }
    return CheckOutcome(**(values | changed))


def drift(column: str, score: float | None, note: str = "") -> MetricValue:
    detail = DriftDetail(method="psi", baseline="the reference", rows_reference=50_009, note=note)
    return MetricValue(metric="drift_score", column=column, value=score, rows=979, drift=detail)


def numeric_bins(shift: float = 0.0, bins: int = 20) -> Histogram:
    edges = tuple(-4 + 8 * step / bins for step in range(bins + 1))

    def bell(centre: float) -> tuple[float, ...]:
        heights = [math.exp(-0.5 * (edge - centre) ** 2) for edge in edges[:-1]]
        return tuple(height / sum(heights) for height in heights)

    labels = tuple(f"{edge:.2f}" for edge in edges[:-1])
    return Histogram(labels=labels, edges=edges, reference=bell(0.0), current=bell(shift))


def category_bins(names: tuple[str, ...] = ("EWR", "JFK", "LGA")) -> Histogram:
    weights = [2.0 / (2 + rank) for rank in range(len(names))]
    shares = tuple(weight / sum(weights) for weight in weights)
    return Histogram(labels=names, edges=(), reference=shares, current=tuple(reversed(shares)))


def together(*names: str, score: float = 0.83, note: str = "left out: {}: no values in the partition") -> MetricValue:
    """Features that are told apart from the reference's by the named ones above all."""
    detail = MultivariateDetail(
        rows_reference=1_000,
        strongest=tuple((name, 0.1 / rank) for rank, name in enumerate(names or ("temp", "wind"), start=1)),
        note=note.format(names[0] if names else "visib"),
    )
    return MetricValue(metric="multivariate_drift", value=score, rows=979, multivariate=detail)


def column_rows() -> tuple[ColumnRow, ...]:
    numbers = [
        ColumnRow(score=drift(name, 0.02 + 0.025 * rank), picture=before_after(numeric_bins(rank / 6), name))
        for rank, name in enumerate(NUMBERS)
    ]
    categories = [
        ColumnRow(
            score=drift("carrier", 0.011),
            picture=before_after(category_bins(("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN")), "carrier"),
        ),
        ColumnRow(
            score=drift("origin", None, note="12 rows, at least 30 are needed"),
            picture=before_after(category_bins(), "origin"),
        ),
    ]
    return (*numbers, *categories)


def drift_verdicts() -> tuple[Verdict, ...]:
    """The verdicts on the columns of `column_rows`: the last three numbers have drifted, and one lacks data."""
    last = len(NUMBERS) - 3
    return (
        *(
            evaluated(
                "drift_score", name, value=0.02, effect=0.02 + 0.025 * rank,
                state=VerdictState.BREACH if rank >= last else VerdictState.OK, p_value=1e-6 if rank >= last else 0.4,
            )
            for rank, name in enumerate(NUMBERS)
        ),
        evaluated("drift_score", "carrier", value=0.011, effect=0.011),
        evaluated("drift_score", "origin", value=None, state=VerdictState.INSUFFICIENT_DATA, rule="as expected",
                      p_value=None, effect=None, history=None, note="12 values, fewer than 30"),
        evaluated("multivariate_drift", value=0.83, expected=0.5, high=0.56, state=VerdictState.BREACH, effect=0.7,
                      p_value=1e-5),
    )  # fmt: skip


def score_trend(days: int = 28, last: date = STORM, title: str = "mean score") -> TrendChart:
    points = []
    for rank in range(days):
        value = 0.22 + 0.03 * math.sin(rank * 1.7)
        alerting = rank == days - 1
        points.append(
            TrendPoint(
                day=last - timedelta(days=days - 1 - rank),
                value=None if rank == 9 else value + 0.17 * alerting,
                low=0.13 if rank >= 6 else None,
                high=0.31 if rank >= 6 else None,
                breach=alerting,
            )
        )
    return TrendChart(title=title, svg=trend(Trend(title=title, points=tuple(points))))


def measured(**values: float) -> dict[str, MetricValue]:
    """Values of 979 rows by their names; of an accuracy the interval, and what a constant prediction would score."""
    more = {"accuracy": {"low": values.get("accuracy", 0) - 0.03, "high": 0.97, "constant": 0.62}}
    return {
        name: MetricValue(metric=name, value=value, rows=979, **more.get(name, {})) for name, value in values.items()
    }


def performance(last: date = STORM) -> tuple[PerformanceDay, ...]:
    values = {
        "label_coverage": 0.995,
        "positive_rate": 0.794,
        "excluded_share": 0.181,
        "accuracy": 0.512,
        "precision": 0.871,
        "recall": 0.446,
        "f1": 0.59,
        "roc_auc": 0.69,
        "log_loss": 0.914,
        "brier": 0.301,
    }
    past = [PerformanceDay(day=last - timedelta(days=days), metrics=measured(**values)) for days in range(1, 7)]
    return (*past, PerformanceDay(day=last, metrics=measured(label_coverage=0.0), note="no labels yet"))


def checks() -> tuple[CheckOutcome, ...]:
    names = [*NUMBERS, *CATEGORIES]
    return (
        check("expect_column_values_to_be_unique", "id", severity=Severity.BLOCKING),
        check(
            "expect_column_values_to_be_between",
            "visib",
            passed=False,
            unexpected=41,
            observed="41 of 979 unexpected",
            expected="between 0 and 10, in at least 99 % of rows",
        ),
        check("expect_column_mean_to_be_between", "wind", passed=None, observed="", error="not enough data"),
        *(check("expect_column_values_to_not_be_null", name, expected="in at least 97 % of rows") for name in names),
    )


def alerting_page(**changed) -> DayPage:
    """The day of the storm, with everything that a page can show."""
    partition = Partition.of_day("flights", STORM)
    archive = "s3://airline/predictions/dt=2013-03-08"
    verdicts = (
        Verdict(
            metric="score_mean", column=None, value=0.394, state=VerdictState.BREACH, low=0.117, high=0.311,
            rule="history", history=28, deviations=6.9,
        ),
        Verdict(
            metric="rows", column=None, value=979, state=VerdictState.OK, low=600, high=1_100,
            rule="history", history=28, deviations=0.7,
        ),
        Verdict(
            metric="null_rate", column="wind", value=0.0021, state=VerdictState.OK, low=None, high=0.05, rule="max",
        ),
        Verdict(
            metric="positive_rate", column=None, value=None, state=VerdictState.INSUFFICIENT_DATA, low=None,
            high=None, rule="history", history=4, note="history 4 of 14",
        ),
        *drift_verdicts(),
    )  # fmt: skip
    values = {
        "model": "flights",
        "description": "Will a departure from New York arrive 15 or more minutes late?",
        "owner": "operations",
        "labels": LABELS,
        "state": partition_state(
            status=Status.PARTIAL, rows_read=981, rows_quarantined=2, message="1 of 4 files is damaged."
        ),
        "alerts": (alert(), alert("null_rate", severity="critical", title="null rate of wind is 7.3 %")),
        "verdicts": verdicts,
        "checks": checks(),
        "columns": column_rows(),
        "together": together(),
        "metrics": (
            MetricValue(metric="null_rate", value=0.0123, rows=979),
            MetricValue(metric="score_mean", value=0.394, rows=979),
            MetricValue(metric="predicted_positive_rate", value=0.287, rows=979),
            MetricValue(metric="label_coverage", value=None, rows=979),
        ),
        "trends": tuple(score_trend(title=title) for title in ("mean score", "null rate", "rows", "late rate")),
        "performance": performance(),
        "quarantine": {"duplicate id": 1, "event time outside the day": 1},
        "files": (
            ShownFile(uri=f"{archive}/part-0.parquet", rows=490, size=48_211, checksum="9b1c" * 16),
            ShownFile(uri=f"{archive}/part-1.parquet", rows=491, size=48_922, checksum="77aa" * 16),
            ShownFile(uri=f"{archive}/part-2.parquet", size=1_024, note="truncated: not read"),
        ),
        "deliveries": (
            Delivery(partition=partition.shift(1), version="v1", uri="s3://airline/labels/dt=2013-03-09", rows=930),
        ),
        "facts": (
            Fact(name="Reference", value="50,009 rows of 59 days, 1 January to 28 February 2013"),
            Fact(name="Libraries", value="airflow_mlmon 0.1.0, evidently 0.7.23, great_expectations 1.24.1"),
        ),
        "left_out": ("id: identifier of the rows",),
        "evidently_href": "2013-03-08-evidently.html",
        "index_href": "index.html",
        "previous_href": "2013-03-07.html",
        "next_href": "2013-03-09.html",
    }
    return DayPage(**(values | changed))


def evaluated(metric: str, column: str | None = None, **changed) -> Verdict:
    """A verdict by what is expected."""
    values = {
        "metric": metric, "column": column, "value": 0.0, "state": VerdictState.OK, "low": None, "high": None,
        "rule": "as expected in 28 days", "history": 28, "p_value": 0.8, "effect": 0.1, "expected": None,
    }  # fmt: skip
    return Verdict(**(values | changed))


def evaluated_page(**changed) -> DayPage:
    """A day that was evaluated by the days before: rain that moved the score, a gap, and too few labels."""
    rain = "drift of precip: values higher than expected"
    cause = f"{rain} (by itself it would move the mean score by +0.0485)"
    far = {"state": VerdictState.BREACH, "p_value": 0.0004, "effect": 1.27}
    verdicts = (
        evaluated("rows", value=979, expected=990.4, low=860.0, effect=-0.01),
        evaluated("score_mean", value=0.351, expected=0.268, low=0.19, high=0.346, **far),
        evaluated("drift_score", "precip", value=2.57, note="values higher than expected", **far),
        evaluated("drift_score", "seats", value=0.02),
        evaluated("null_rate", "precip", expected=0.0),
        evaluated("null_rate", "seats", value=0.166, expected=0.177, history=None, p_value=0.2),
        evaluated("new_category_rate", "carrier", state=VerdictState.INSUFFICIENT_DATA, rule="as expected", p_value=None,  # noqa: E501
                      effect=None, history=None, note="12 values, fewer than 30"),
        *(evaluated("drift_score", "precip", segment=f"origin={name}", **far) for name in ("EWR", "JFK")),
        evaluated("drift_score", "precip", segment="origin=LGA"),
    )  # fmt: skip
    alerts = (
        alert("drift_score", column="precip", title=rain, text=f"{rain}; effect size +1.3", cause=cause),
        alert("score_mean", title="mean score above its expected range", cause=cause, severity="critical"),
        alert("null_rate", column="wind", title="null rate of wind above its limit"),
    )
    return healthy_page(**({"alerts": alerts, "verdicts": verdicts} | changed))


def healthy_page(**changed) -> DayPage:
    """A day on which nothing happened."""
    alerting = alerting_page()
    calm = {
        "state": partition_state(),
        "alerts": (),
        "quarantine": {},
        "files": alerting.files[:2],
        "verdicts": tuple(verdict for verdict in alerting.verdicts if verdict.state is VerdictState.OK),
        "checks": tuple(outcome for outcome in alerting.checks if outcome.passed),
        "columns": tuple(row for row in alerting.columns if row.score.column not in {"origin", *NUMBERS[-3:]}),
        "together": together(score=0.51, note=""),
    }
    return alerting_page(**(calm | changed))


def bare_page(status: Status, message: str) -> DayPage:
    """A day of which nothing is known but its status."""
    state = partition_state(status=status, version=None, schema=None, rows_read=0, rows_accepted=0, message=message)
    return DayPage(model="flights", state=state)


def model_page(days: int = 14, **changed) -> ModelPage:
    """An index of consecutive days, among them a storm, a failure and a day without data."""
    metrics = {"score_mean": 0.22, "label_coverage": 0.99, "positive_rate": 0.21, "accuracy": 0.78, "log_loss": 0.51}
    rows = []
    for rank in range(days):
        day = date(2013, 3, 1) + timedelta(days=rank)
        status = {4: Status.NO_DATA, 9: Status.PARTIAL, 11: Status.FAILED}.get(rank, Status.OK)
        rows.append(
            ModelDay(
                state=partition_state(day, status, message="" if status is Status.OK else f"why it is {status}"),
                href=f"{day}.html",
                drifted=rank % 3,
                columns=13,
                metrics=measured(**metrics) if rank < days - 3 else measured(score_mean=0.22),
                alerts=(alert(day=day),) if day == STORM else (),
            )
        )
    values = {
        "model": "flights",
        "description": "Will a departure from New York arrive 15 or more minutes late?",
        "owner": "operations",
        "labels": LABELS,
        "days": tuple(rows),
        "trends": tuple(score_trend(title=title) for title in ("mean score", "rows", "late rate", "log loss")),
    }
    return ModelPage(**(values | changed))

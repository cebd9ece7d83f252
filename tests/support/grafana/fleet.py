"""Nights of a small fleet in a store, the same whenever they are made: with drift, a failure and a silence."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.fleet import read_fleet
from airflow_mlmon.pipeline.pages.fleet_gauges import fleet_gauges
from airflow_mlmon.records import Family, MetricValue, Results, Status, Verdict, VerdictState
from airflow_mlmon.reports.exposition import exposition
from airflow_mlmon.spec.choices import CRITICAL, WARNING, Severity
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.step_store import StepRun
from tests.support.published import alert, check, metric, partition_state, pin, results, verdict

FIRST = date(2026, 3, 2)
# names with their teams and rows a night; a team may have a quote in its name, and a model none
MODELS = {
    "card_fraud": ("Payments", 48_000),
    "churn": ("Customers", 9_000),
    "credit_limit": ("O'Brien's", 3_500),
    "default_risk": ("O'Brien's", 5_200),
    "delivery_delay": ("Logistics", 21_000),
    "demand": ("Logistics", 14_000),
    "next_product": ("Customers", 30_000),
    "support_topic": ("", 2_600),
}
DRIFTED, FAILED, SILENT, PARTIAL, NO_DATA = "card_fraud", "next_product", "demand", "support_topic", "churn"
_COLUMNS = ("amount", "merchant", "country", "age", "channel", "hour", "device", "balance")
_STEPS = (
    ("prepare_partition", 0.4),
    ("validate_partition", 0.1),
    ("profile_partition", 0.2),
    ("detect_drift", 0.1),
    ("measure_performance", 0.1),
    ("evaluate_partition", 0.15),
    ("write_reports", 0.1),
    ("load_druid", 0.3),
)
# how often a day the gauges are read
SCRAPES = 4
# the trace of every step
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def nights(store: MetricStore, days: int) -> Iterator[datetime]:
    """Publish one night of all models after the other; each time the morning after it."""
    for name, (team, _) in MODELS.items():
        store.register(RegisteredModel(model=name, task="binary", owner="ml", team=team, start=FIRST))
    store.save_baseline(DRIFTED, pin(first=FIRST + timedelta(days=3), accepted_at=_morning(FIRST + timedelta(days=3))))
    for number in range(days):
        day = FIRST + timedelta(days=number)
        for name in MODELS:
            _night(store, Partition.of_day(name, day), left=days - number)
        yield _morning(day)


def gauges_of_nights(store: MetricStore, days: int) -> str:
    """The gauges of some nights, a few times a day until the next one, as samples with their times."""
    lines = []
    for morning in nights(store, days):
        for number in range(SCRAPES):
            now = morning + timedelta(hours=number * 24 / SCRAPES)
            text = exposition(fleet_gauges(store, read_fleet(store, now)))
            samples = [line.replace("{", '{job="mlmon",', 1) for line in text.splitlines() if line[0] != "#"]
            lines += [f"{sample} {int(now.timestamp())}" for sample in (*samples, 'up{job="mlmon"} 1')]
    return "\n".join([*lines, "# EOF\n"])


def _night(store: MetricStore, of: Partition, left: int) -> None:
    if of.model == SILENT and left <= 2:
        return
    if of.model == FAILED and left == 1:
        _steps(store, of, 24_000, error="ServiceUnavailableError")
        store.record_failure(of, "Druid does not answer.")
        return
    rows = round(MODELS[of.model][1] * (1 + 0.1 * _noise(of, "rows")) * (0.8 if of.day.weekday() > 4 else 1))
    refused = rows // (
        12 if of.model == PARTIAL and left % 6 == 1 else 30 if of.model == DRIFTED and left == 4 else 900
    )
    status = Status.PARTIAL if of.model == PARTIAL and left % 6 == 1 else Status.OK
    if of.model == NO_DATA and left % 9 == 4:
        rows, refused, status = 0, 0, Status.NO_DATA
    state = partition_state(
        of, status=status, rows_read=rows + refused, rows_accepted=rows, rows_quarantined=refused, evaluated=rows > 0
    )
    store.publish(
        state, list(_found(of, rows, refused, left)) if rows else [], supersedes=None, channels=["webhook:ops"]
    )
    _steps(store, of, rows)


def _found(of: Partition, rows: int, refused: int, left: int) -> Iterator[Results]:
    shift = 0.12 * (6 - left) if of.model == DRIFTED and left <= 5 else 0.0
    drifted = [name for place, name in enumerate(_COLUMNS) if shift > 0.1 * place and shift]
    verdicts = [_drift(of, name, name in drifted, shift) for name in _COLUMNS]
    mean = 0.21 + 0.004 * _noise(of, "mean") + 0.2 * shift
    verdicts.append(_of_all("score_mean", mean, (0.19, 0.23), 0.21))
    values = [
        metric("rows", float(rows)),
        metric("quarantined_share", refused / (rows + refused)),
        metric("drifted_columns", float(len(drifted))),
        metric("score_mean", mean),
        *(metric("drift_score", one.value, one.column) for one in verdicts[: len(_COLUMNS)]),
    ]
    alerts = tuple(
        alert("drift_score", of, column=name, severity=CRITICAL if shift > 0.4 else WARNING) for name in drifted
    )
    refusals = check(passed=refused < rows / 50, unexpected=refused, severity=Severity.WARNING)
    yield results(of, metrics=tuple(values), verdicts=tuple(verdicts), checks=(refusals,), alerts=alerts)
    yield _labels(of, rows, shift)


def _labels(of: Partition, rows: int, shift: float) -> Results:
    area = 0.91 + 0.01 * _noise(of, "auc") - 0.2 * shift
    measured = [
        MetricValue(metric="roc_auc", column=None, value=area, rows=rows, low=area - 0.01, high=area + 0.01),
        metric("label_coverage", 0.82 + 0.05 * _noise(of, "labels")),
    ]
    found = _of_all("roc_auc", area, (0.87, 0.95), 0.91)
    return results(of, Family.LABELS, metrics=tuple(measured), verdicts=(found,), checks=())


def _drift(of: Partition, column: str, is_breach: bool, shift: float) -> Verdict:  # noqa: FBT001 - of one caller
    score = 0.05 + 0.02 * _noise(of, column) + (shift if is_breach else 0)
    state = VerdictState.BREACH if is_breach else VerdictState.OK
    found = {"value": score, "low": None, "high": 0.1, "p_value": 1e-6 if is_breach else 0.4, "effect": shift}
    return verdict("drift_score", column=column, state=state, rule="as in the 28 days before", **found)


def _of_all(name: str, value: float, limits: tuple[float, float], expected: float) -> Verdict:
    low, high = limits
    state = VerdictState.OK if low <= value <= high else VerdictState.BREACH
    return verdict(name, value=value, state=state, low=low, high=high, expected=expected)


def _steps(store: MetricStore, of: Partition, rows: int, error: str = "") -> None:
    minutes = 12 * list(MODELS).index(of.model) + 5 * _noise(of, "start")
    at = datetime.combine(of.day + timedelta(days=1), time(1, 30), UTC) + timedelta(minutes=minutes)
    for name, share in _STEPS:
        seconds = share * (6 + MODELS[of.model][1] / 1_000) * (1 + 0.2 * _noise(of, name))
        is_loaded = name == "load_druid"
        run = StepRun(
            step=name,
            started_at=at,
            seconds=seconds,
            rows=rows if is_loaded or name == "prepare_partition" else None,
            error=error if is_loaded else "",
            trace=TRACE,
            span="00f067aa0ba902b7",
        )
        store.record_step(of, run)
        at += timedelta(seconds=seconds)


def _morning(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(8), UTC)


def _noise(of: Partition, what: str) -> float:
    """A number from -1 to 1 that is the same whenever it is asked for."""
    return math.sin(zlib.crc32(f"{of} {what}".encode()))

"""Figures of classifiers: errors against scikit-learn; of several classes false alarms, and faults that are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats
from sklearn import metrics as sk

from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.multiclass.description import Multiclass
from airflow_mlmon.tasks.task import Task
from tests.benchmarks.measured import Measured
from tests.benchmarks.models import days
from tests.benchmarks.models.days import Draw
from tests.support.labelled import CLASSES, random_classes, random_labels

_ROWS = 200_000
_DAILY = 0.1
_NAMES = tuple(f"c{number}" for number in range(5))
_PRIORS = np.array([0.4, 0.25, 0.15, 0.12, 0.08])
_EVIDENCE = 2.5
_TASK = Multiclass(_NAMES)

# labels, predictions, scores or probabilities
Oracle = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
_BINARY: Mapping[str, Oracle] = {
    "accuracy": lambda y, p, _: sk.accuracy_score(y, p),
    "precision": lambda y, p, _: sk.precision_score(y, p),
    "recall": lambda y, p, _: sk.recall_score(y, p),
    "f1": lambda y, p, _: sk.f1_score(y, p),
    "specificity": lambda y, p, _: sk.recall_score(~y, ~p),
    "balanced_accuracy": lambda y, p, _: sk.balanced_accuracy_score(y, p),
    "matthews": lambda y, p, _: sk.matthews_corrcoef(y, p),
    "roc_auc": lambda y, _, s: sk.roc_auc_score(y, s),
    "average_precision": lambda y, _, s: sk.average_precision_score(y, s),
    "ks": lambda y, _, s: float(stats.ks_2samp(s[y], s[~y]).statistic),
    "log_loss": lambda y, _, s: sk.log_loss(y, s),
    "brier": lambda y, _, s: sk.brier_score_loss(y, s),
    "ece": lambda y, _, s: _calibration_error(y, s),
    "lift_top_5": lambda y, _, s: float(y[np.argsort(-s)[: -(-len(y) // 20)]].mean() / y.mean()),
}
_SEVERAL: Mapping[str, Oracle] = {
    "accuracy": lambda y, p, _: sk.accuracy_score(y, p),
    "balanced_accuracy": lambda y, p, _: sk.balanced_accuracy_score(y, p),
    **{
        f"{name}_{average}": lambda y, p, _, score=score, average=average: score(y, p, average=average)
        for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score))
        for average in ("macro", "weighted")
    },
    "roc_auc": lambda y, _, s: sk.roc_auc_score(y, s, multi_class="ovr"),
    "log_loss": lambda y, _, s: sk.log_loss(y, s),
    "brier": lambda y, _, s: sk.brier_score_loss(y, s, labels=list(CLASSES), scale_by_half=False),
    "top_k_accuracy": lambda y, _, s: sk.top_k_accuracy_score(y, s, k=2),
    "ece": lambda y, _, s: float(
        np.mean([_calibration_error(y == name, s[:, place]) for place, name in enumerate(CLASSES)])
    ),
}
ERRORS = tuple(_BINARY | _SEVERAL)


def error(metric: str) -> Measured:
    """The distance from the exact value, as a share of it; of a calibration error, which is about 0, as it is.

    The larger of two classes and of four.
    """
    found, bounds = {}, []
    for kind, oracles in (("two classes", _BINARY), ("four", _SEVERAL)):
        if metric in oracles:
            values, rows = _compared(kind)
            exact = oracles[metric](*rows)
            unit = 1.0 if metric == "ece" else abs(exact)
            found[kind] = abs(float(values[metric].value or 0.0) - exact) / unit
            bound = values[metric].error_bound
            bounds += [bound / unit] if bound else []
    note = f"of {_ROWS:,} rows, {', '.join(f'{kind} {figure:.1g}' for kind, figure in found.items())}"
    note += f"; at most {max(bounds):.1g}, as is said" if bounds else ""
    return Measured(figure=max(found.values()), note=note)


@cache
def _compared(kind: str) -> tuple[dict[str, MetricValue], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What is measured of rows, and those of them that have a label and a score."""
    of_two = kind == "two classes"
    task: Task = Binary() if of_two else Multiclass(CLASSES)
    table = random_labels(_ROWS, 5) if of_two else random_classes(_ROWS, 5)
    table = table.filter(pc.is_valid(table.column("score"))) if of_two else table
    values = {value.metric: value for value in task.measure(task.profile_outcomes(table, _pinned(task, table)), 0.5)}
    frame = table.to_pandas()
    frame = frame[frame["label"].notna() & ~frame["excluded"]]
    kinds = bool if of_two else str
    scores = frame["score"].to_numpy() if of_two else np.stack(frame["probability"].to_numpy())
    return values, (frame["label"].to_numpy(kinds), frame["prediction"].to_numpy(kinds), scores)


def _pinned(task: Task, table: pa.Table):
    return task.pin_outcomes({}, table)


def _calibration_error(label: np.ndarray, score: np.ndarray) -> float:
    bins = np.minimum(np.floor(score * 16), 15).astype(int)
    return float(np.abs(np.bincount(bins, weights=score - label, minlength=16)).sum() / len(score))


def null_alarm() -> Measured:
    """Healthy days."""
    return days.null_alarm(_TASK, _drawn())


def null_alarm_daily() -> Measured:
    """Healthy days on which the evidence for each class varies by 0.1 standard deviations."""
    return days.null_alarm(_TASK, _drawn(daily=_DAILY))


def power() -> Measured:
    """Days on which some rows, or all of a class, are taken for another class."""
    table = _draw(np.random.default_rng(1), _ROWS, daily=0.0, turned=0.0, lost=False)
    hit = float(np.mean(table.column("prediction").to_numpy() == table.column("label").to_numpy()))
    return days.power(
        _TASK,
        _drawn(),
        {
            "loss of 0.5 sd": _drawn(turned=0.5 * np.sqrt(hit * (1 - hit)) / hit),
            "loss of 10 %": _drawn(turned=0.1),
            "a class of 8 % lost": _drawn(lost=True),
        },
    )


def _drawn(*, daily: float = 0.0, turned: float = 0.0, lost: bool = False) -> Draw:
    return partial(_draw, daily=daily, turned=turned, lost=lost)


def _draw(random: np.random.Generator, rows: int, *, daily: float, turned: float, lost: bool) -> pa.Table:
    """Draw rows with calibrated probabilities, of which a share `turned` has the evidence of another class."""
    truth = random.choice(len(_NAMES), rows, p=_PRIORS)
    told = np.where(random.random(rows) < turned, (truth + 1) % len(_NAMES), truth)
    told = np.where(lost & (truth == len(_NAMES) - 1), 0, told)
    evidence = random.normal(size=(rows, len(_NAMES))) + _EVIDENCE * np.eye(len(_NAMES))[told]
    evidence += daily * random.normal(size=len(_NAMES))
    weights = np.exp(_EVIDENCE * evidence) * _PRIORS
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    names = np.array(_NAMES)
    return pa.table(
        {
            "prediction": names[probabilities.argmax(axis=1)],
            "probability": pa.FixedSizeListArray.from_arrays(pa.array(probabilities.ravel()), len(_NAMES)),
            "label": names[truth],
            "excluded": np.zeros(rows, dtype=bool),
        }
    )

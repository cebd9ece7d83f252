"""Functions of own metrics: how they are found, what they are given, and what becomes of what they return."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.cli.check import check_specs
from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metric import Measure
from airflow_mlmon.tasks.binary.outcome import profile_outcomes
from airflow_mlmon.tasks.own import OwnRows, beside, load_function, measure_own
from airflow_mlmon.tasks.registry import METRICS
from airflow_mlmon.tasks.titles import metric_title
from tests.support.archive import SPEC
from tests.support.labelled import random_labels

MODULE = """
import statistics

VALUE = 3

def two(outcomes, scale=2):
    return scale

def counted(outcomes):
    return outcomes.true_positive, outcomes.rows

def between(outcomes):
    return 0.5, 0.25, 0.75

def of_rows(batches):
    found = [sum(batch.column("amount").to_pylist()) for batch in batches]
    return sum(found), len(found)

def of_rows_whatever_comes(batches):
    try:
        return of_rows(batches)
    except Exception:
        raise ValueError("no rows") from None

def of_rows_that_came(batches):
    try:
        return of_rows(batches)
    except Exception:
        return 1.0

def fails(outcomes):
    raise KeyError("no\\n such column")

def of_frame(frame):
    return 1.0
"""
ENOUGH = (MetricValue(metric="label_coverage", value=0.9, rows=9),)


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_functions.py").write_text(MODULE)
    (tmp_path / "own_broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)


def table() -> pa.Table:
    curated = pa.table({"amount": np.arange(100.0), "score": np.zeros(100)})
    return beside(random_labels(100, seed=1), curated)


def rows(read: Callable[[], Iterable[pa.Table]] = lambda: [table()]) -> OwnRows:
    return OwnRows(outcomes=profile_outcomes(random_labels(100, seed=1)), rows=100, read=read)


def spec(**functions: str):
    metrics = "".join(f"  {name}: {target}\n" for name, target in functions.items())
    return parse_spec(SPEC.format(root="archive") + f"metrics:\n{metrics}", "loans.yaml")


def measured(target: str, metrics=ENOUGH, of: OwnRows | None = None) -> MetricValue:
    [value] = measure_own(spec(mine=target), of or rows(), metrics)
    return value


def returning(value: object, monkeypatch) -> MetricValue:
    load_function("own_functions:two", has_labels=True)
    monkeypatch.setattr("own_functions.two", lambda outcomes: value)  # noqa: ARG005 - its name says what it is given
    return measured("own_functions:two")


def test_function_is_given_what_its_parameter_names():
    of = rows()

    assert measured("own_functions:two", of=of) == MetricValue(metric="own.mine", value=2.0, rows=of.outcomes.labelled)
    assert measured("own_functions:counted", of=of).value == of.outcomes.true_positive
    assert measured("own_functions:counted", of=of).rows == 100
    interval = measured("own_functions:between")
    assert (interval.value, interval.low, interval.high) == (0.5, 0.25, 0.75)
    assert measured("own_functions:of_rows").value == 4950


def test_rows_are_read_for_a_function_that_asks_for_them_a_batch_at_a_time():
    held = []

    def read() -> Iterator[pa.Table]:
        before = pa.total_allocated_bytes()
        for _ in range(20):
            yield pa.table({"amount": pa.array(range(10_000)).cast(pa.float64())})
            held.append(pa.total_allocated_bytes() - before)

    measure_own(spec(first="own_functions:two"), rows(read), ENOUGH)
    assert held == []
    first, second = measure_own(spec(first="own_functions:of_rows", second="own_functions:of_rows"), rows(read), ENOUGH)
    assert (len(held), first.value) == (40, second.value)
    assert first.value == 20 * sum(range(10_000))
    assert max(held) < 20 * 80_000 / 2


def test_rows_that_cannot_be_read_are_no_fault_of_the_function():
    def read() -> Iterator[pa.Table]:
        yield table()
        raise NotFoundError("The curated rows are gone.")

    for target in ("of_rows", "of_rows_whatever_comes", "of_rows_that_came"):
        with pytest.raises(NotFoundError, match="are gone"):
            measured(f"own_functions:{target}", of=rows(read))


def test_outputs_by_role_hide_columns_of_the_same_name():
    assert table().column_names == ["score", "prediction", "label", "excluded", "amount"]
    assert any(table().column("score").to_pylist())


def test_function_that_fails_costs_its_metric_with_type_and_message():
    failed, other = measure_own(spec(mine="own_functions:fails", other="own_functions:two"), rows(), ENOUGH)

    assert (failed.value, failed.reason) == (None, r"KeyError: 'no\n such column'")
    assert other.value == 2


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (math.nan, "nan, which is not finite"),
        ((1.0, math.inf, math.inf), "(1.0, inf, inf), which is not finite"),
        (None, "None, which is no number"),
        ("0.5", "'0.5', which is no number"),
        (True, "True, which is no number"),
        ((), "(), which is no number"),
        ((1, 2, 3, 4), "(1, 2, 3, 4), which is no number"),
        ((0.5, 2.5), "(0.5, 2.5), whose second part is no number of rows"),
        ((0.5, -1), "(0.5, -1), whose second part is no number of rows"),
        ((0.5, 0.6, 0.7), "(0.5, 0.6, 0.7), whose interval does not hold the value"),
    ],
)
def test_what_is_no_value_is_none_with_the_reason(returned, reason, monkeypatch):
    value = returning(returned, monkeypatch)

    assert (value.value, value.low, value.reason) == (None, None, f"the function returned {reason}")


@pytest.mark.parametrize("returned", [np.float32(0.5), np.float64(0.5), (0.5, np.int64(7))])
def test_numbers_of_numpy_are_numbers(returned, monkeypatch):
    assert returning(returned, monkeypatch).value == 0.5
    assert returning(10**400, monkeypatch).reason.startswith("OverflowError")


def test_nothing_is_measured_before_enough_labels_have_come():
    few = (MetricValue(metric="label_coverage", value=0.25, rows=9),)

    assert measured("own_functions:two", few).reason == "label coverage 25.0%, less than 50%"
    assert measured("own_functions:two", ()).reason == "no row is to get a label"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("own_functions:absent", "is unknown: module own_functions has no function absent"),
        ("own_functions:VALUE", "is unknown: module own_functions has no function VALUE"),
        ("own_absent:f", "cannot be imported: ModuleNotFoundError: No module named 'own_absent'"),
        ("own_broken:f", "cannot be imported: ZeroDivisionError: division by zero"),
        ("own_functions:of_frame", "must take one parameter, outcomes or batches, not frame"),
    ],
)
def test_function_that_cannot_be_loaded_is_a_mistake_of_the_spec_with_its_line(target, message, tmp_path, capsys):
    path = Path(tmp_path, "loans.yaml")
    text = SPEC.format(root="archive") + f"metrics:\n  fine: own_functions:two\n  mine: {target}\n"
    path.write_text(text)
    line = text.splitlines().index(f"  mine: {target}") + 1

    with pytest.raises(ConfigError, match="own_"):
        load_function(target, has_labels=True)
    assert not check_specs([str(path)], as_json=False)
    assert capsys.readouterr().err == f"{path}:{line}: metrics.mine: {target!r} {message}\n"
    assert measured(target).reason == f"{target!r} {message}"


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("metrics: {Mine: own_functions:two}\n", "metrics.Mine"),
        ("metrics: {mine: own_functions}\n", "metrics.mine: string should match pattern"),
        ("metrics: {mine: '../own:f'}\n", "metrics.mine: string should match pattern"),
    ],
)
def test_names_are_checked_with_the_spec(added, message):
    with pytest.raises(ConfigError, match=message):
        parse_spec(SPEC.format(root="archive") + added, "loans.yaml")


def test_rule_names_an_own_metric_of_the_spec():
    ruled = SPEC.format(root="archive") + "    - {metric: own.mine, max: 1}\n"

    assert parse_spec(ruled + "metrics: {mine: own_functions:two}\n", "loans.yaml").alerts.rules[-1].max == 1
    with pytest.raises(ConfigError, match=r"rules\.3\.metric: 'own\.mine' is unknown; did you mean own\.mine_is"):
        parse_spec(ruled + "metrics: {mine_is: own_functions:two}\n", "loans.yaml")
    with pytest.raises(ConfigError, match="is a metric of the whole partition"):
        parse_spec(ruled.replace("max: 1", "max: 1, column: amount"), "loans.yaml")


def test_own_metrics_of_a_model_without_labels_are_measured_from_its_rows(tmp_path, capsys):
    text = SPEC.format(root="archive")
    text = text[: text.index("labels:")] + "reference: {path: archive/reference/}\n"
    text += "metrics: {mine: own_functions:of_rows, other: own_functions:counted}\n"
    path = Path(tmp_path, "loans.yaml")
    path.write_text(text)
    taken = "'own_functions:counted' takes outcomes, which a model without labels does not have"

    mine, other = measure_own(parse_spec(text, "loans.yaml"), OwnRows(outcomes=None, rows=100, read=lambda: [table()]))
    assert (mine.value, mine.rows) == (4950, 1)
    assert (other.value, other.rows, other.reason) == (None, 0, taken)
    assert not check_specs([str(path)], as_json=False)
    assert f"metrics.other: {taken}" in capsys.readouterr().err


def test_own_metric_is_known_by_its_prefix_everywhere():
    metric = METRICS["own.cost_per_case"]

    assert (metric.measure, metric.is_performance, metric.lowest) == (Measure.NUMBER, True, None)
    assert metric_title("own.cost_per_case") == "cost per case"
    assert "own.cost_per_case" in METRICS
    assert not any(name.startswith("own.") for name in METRICS)

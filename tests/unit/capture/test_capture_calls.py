"""Calls of a decorated function are logged; its results and its exceptions are its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import pytest

from airflow_mlmon.capture import Capture
from tests.support.logged import rows_of, spec_of


@pytest.fixture
def capture(tmp_path):
    with Capture(spec_of(tmp_path), spool=tmp_path / "spool") as opened:
        yield opened


def test_call_is_logged_with_what_it_was_given_and_answered(tmp_path, capture):
    @capture.logged(version="7", id=lambda features: features["key"])
    def predict(features: dict[str, Any]) -> dict[str, Any]:
        """Predict."""
        features.pop("key")
        features["amount"] = -1
        return {"score": 0.5, "flagged": True}

    answer = predict({"amount": 3, "key": "a"})
    capture.close()

    assert answer == {"score": 0.5, "flagged": True}
    assert (predict.__name__, predict.__doc__) == ("predict", "Predict.")
    [row] = rows_of(tmp_path)
    assert (row["id"], row["amount"], row["score"], row["release"], row["code"]) == ("a", 3.0, 0.5, "7", "200")
    assert 0 <= row["took"] < 10_000


def test_arguments_by_name_are_the_features_and_a_method_works(tmp_path, capture):
    class Model:
        @capture.logged(version=lambda: "8", prediction=lambda answer: answer[0])
        def predict(self, amount: float, age: int = 5) -> list[float]:
            return [amount / age]

    assert Model().predict(10, age=2) == [5.0]
    assert Model().predict(10) == [2.0]
    capture.close()

    assert [(row["amount"], row["age"], row["score"]) for row in rows_of(tmp_path)] == [(10, 2, 5.0), (10, 5, 2.0)]


def test_async_call_is_logged_when_it_is_done(tmp_path, capture):
    @capture.logged()
    async def predict(rows: list[dict[str, Any]]) -> list[float]:
        await asyncio.sleep(0)
        return [row["amount"] / 10 for row in rows]

    assert asyncio.run(predict([{"amount": 1}, {"amount": 2}])) == [0.1, 0.2]
    capture.close()

    assert [(row["amount"], row["score"]) for row in rows_of(tmp_path)] == [(1.0, 0.1), (2.0, 0.2)]


def test_frame_is_logged_row_by_row(tmp_path, capture):
    @capture.logged()
    def predict(frame: pd.DataFrame) -> pd.Series:
        return frame["amount"] * 2

    predict(pd.DataFrame({"amount": [1.0, 2.0], "country": ["DE", None]}))
    capture.close()

    assert [(row["amount"], row["score"]) for row in rows_of(tmp_path)] == [(1.0, 2.0), (2.0, 4.0)]


@pytest.mark.parametrize("is_async", [False, True])
def test_exception_passes_and_is_logged_as_a_failure(tmp_path, capture, is_async):
    def fail(features: dict[str, Any]) -> float:
        raise LookupError(features["amount"])

    async def fail_later(features: dict[str, Any]) -> float:
        return fail(features)

    decorated = capture.logged()(fail_later if is_async else fail)
    with pytest.raises(LookupError):
        asyncio.run(decorated({"amount": 3})) if is_async else decorated({"amount": 3})
    capture.close()

    [row] = rows_of(tmp_path)
    assert (row["amount"], row["score"], row["code"]) == (3.0, None, "500")


def test_failure_is_counted_where_the_spec_has_no_status(tmp_path):
    spec = spec_of(tmp_path)
    del spec["operational"]
    with Capture(spec, spool=tmp_path / "spool") as capture:

        @capture.logged()
        def predict(features: dict[str, Any]) -> float:
            raise LookupError

        with pytest.raises(LookupError):
            predict({"amount": 3})

    assert capture.counters["skipped"] == {"failed_call": 1}


@pytest.mark.parametrize("option", ["features", "id", "prediction", "version"])
def test_fault_of_an_option_does_not_reach_the_caller(capture, option):
    @capture.logged(**{option: lambda *_: 1 / 0})
    def predict(features: dict[str, Any]) -> float:
        return features["amount"]

    assert predict({"amount": 3}) == 3
    capture.close()

    assert capture.counters["dropped"] == {"unreadable": 1}

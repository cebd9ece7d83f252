"""Checks as Great Expectations runs them on a frame of all rows, with a context, a batch and a suite."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl

from airflow_mlmon.quality.wording import number_text
from airflow_mlmon.spec.quality import Check

_TOGETHER = 4
Plain = tuple[bool | None, int | None, str]


def is_core(expectation: str) -> bool:
    """Tell an expectation of Great Expectations from one that a test has registered."""
    return get_expectation_impl(expectation).__module__.startswith("great_expectations.")


def run_plainly(frame: pd.DataFrame, checks: Sequence[Check]) -> list[Plain]:
    """Return of each check whether it passed, None if it raised, its unexpected rows and its numbers."""
    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("day")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    # a suite of many takes a time that grows with their square
    counts = {"result_format": "BASIC", "partial_unexpected_count": 0}
    found: dict[int, Plain] = {}
    for start in range(0, len(checks), _TOGETHER):
        suite = gx.ExpectationSuite(f"checks {start}")
        some = enumerate(checks[start : start + _TOGETHER], start)
        suite.expectations = [_configuration(position, check).to_domain_obj() for position, check in some]
        results = batch.validate(suite, result_format=counts).results
        found |= {result.expectation_config.meta["position"]: _read(result) for result in results}
    return [found[position] for position in range(len(checks))]


def _configuration(position: int, check: Check) -> Any:
    arguments = dict(check.arguments) | ({} if check.column is None else {"column": check.column})
    return ExpectationConfiguration(type=check.expectation, kwargs=arguments, meta={"position": position})


def _read(result: Any) -> Plain:
    info = result.exception_info or {}
    if info and info.get("raised_exception") is not False:
        return None, None, ""
    held = result.result or {}
    count = held.get("unexpected_count")
    if count is not None and "element_count" in held:
        empty = held.get("missing_count")
        text = f"{count:,} of {held['element_count']:,} unexpected" + (f", {empty:,} null" if empty else "")
    else:
        text = _numbers(held.get("observed_value"))
    return bool(result.success), None if count is None else int(count), text


def _numbers(observed: Any) -> str:
    observed = observed.get("values") if isinstance(observed, dict) else observed
    values = observed if isinstance(observed, list | tuple) else [observed]
    are_numbers = all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values)
    return ", ".join(number_text(float(value) + 0.0) for value in values) if are_numbers else ""

"""Readers of texts."""

from __future__ import annotations

from tests.benchmarks.models.measured import Measured


def measure_jsonl() -> Measured:
    """Time our reader of JSON lines over pyarrow's."""
    raise NotImplementedError


def measure_csv() -> Measured:
    """Time our reader of CSV over pyarrow's."""
    raise NotImplementedError

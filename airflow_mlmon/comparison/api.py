"""Functions for notebooks: `profile` and `compare`."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.comparison.compare import compare_columns
from airflow_mlmon.comparison.dataset import Dataset, Source, read_dataset
from airflow_mlmon.comparison.result import Comparison
from airflow_mlmon.drift.methods import parse_method
from airflow_mlmon.evaluation.pair import DEFAULT_METHOD


def profile(source: Source, *, null: Sequence[str] = ()) -> Dataset:
    """Profile a file, a folder, a glob (local or s3://), or a data frame of pandas, polars or Arrow.

    `null` are texts that stand for null in CSV, besides an empty field.

    Raises:
        DataError: a file is damaged, or a column has mixed types; the message names both.
        ConfigError: the source is neither a path nor a data frame.
        NotFoundError: the file does not exist.
    """
    return read_dataset(source, name="reference", null_texts=null)


def compare(
    reference: Source | Dataset,
    current: Source,
    *,
    method: str = DEFAULT_METHOD,
    limit: float | None = None,
    null: Sequence[str] = (),
) -> Comparison:
    """Compare every column of `current` with `reference`, which may also be a profile from `profile`.

    `method` is a drift method by Evidently's name; one that profiles cannot compute runs in Evidently, on at most 5,000
    rows a side and with Evidently's threshold. `limit` is the smallest effect that counts as drift, instead of the
    method's own.

    Raises:
        DataError: a file is damaged, or a column has mixed types; the message names both.
        ConfigError: the method is unknown, or a source is neither a path nor a data frame.
        NotFoundError: the file does not exist.
    """
    has_sample = parse_method(method).is_sampled
    if isinstance(reference, Dataset):
        known = reference
    else:
        known = read_dataset(reference, name="reference", null_texts=null, has_sample=has_sample)
    found = read_dataset(current, name="current", like=known, null_texts=null, has_sample=has_sample)
    return Comparison(reference=known, current=found, columns=compare_columns(known, found, method, limit))

"""What `airflow_mlmon` offers a notebook: `profile` and `compare`."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.comparison.compare import compare_columns
from airflow_mlmon.comparison.dataset import Dataset, Source, read_dataset
from airflow_mlmon.comparison.result import Comparison
from airflow_mlmon.comparison.verdict import DEFAULT_METHOD
from airflow_mlmon.drift.methods import parse_method


def profile(source: Source, *, null: Sequence[str] = ()) -> Dataset:
    """The profile of a file, a folder, a glob (local or s3://), or a frame of pandas, polars or Arrow.

    `null` are the texts that are no value where a CSV holds them; an empty field always is.

    Raises:
        DataError: a file is damaged, or a column holds different things; the message names both.
        ConfigError: the source is neither a path nor a frame.
        NotFoundError: there is no such file.
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
    """The drift of every column of `current` from `reference`, which may be a profile made before.

    `method` is a drift method by evidently's name (one that profiles cannot answer runs in evidently, on
    at most 5,000 rows a side, by evidently's own threshold), `limit` the smallest effect that counts, in the
    place of the method's own.

    Raises:
        DataError: a file is damaged, or a column holds different things; the message names both.
        ConfigError: there is no such method, or a source is neither a path nor a frame.
        NotFoundError: there is no such file.
    """
    has_sample = parse_method(method).is_sampled
    if isinstance(reference, Dataset):
        known = reference
    else:
        known = read_dataset(reference, name="reference", null_texts=null, has_sample=has_sample)
    found = read_dataset(current, name="current", like=known, null_texts=null, has_sample=has_sample)
    return Comparison(reference=known, current=found, columns=compare_columns(known, found, method, limit))

"""Functions for notebooks: `profile` and `compare`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from airflow_mlmon.comparison.compare import compare_columns
from airflow_mlmon.comparison.dataset import Dataset, Source, read_dataset
from airflow_mlmon.comparison.result import Comparison
from airflow_mlmon.drift.methods import parse_method
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.evaluation.pair import DEFAULT_METHOD
from airflow_mlmon.spec.choices import Role


def profile(source: Source, *, null: Sequence[str] = (), text: Sequence[str] = ()) -> Dataset:
    """Profile a file, a folder, a glob (local or s3://), or a data frame of pandas, polars or Arrow.

    `null` are texts that stand for null in CSV, besides an empty field. Columns of `text` are described by their
    length, pattern and so on, as those of role text in a spec.

    Raises:
        DataError: a file is damaged, or a column has mixed types; the message names both.
        ConfigError: the source is neither a path nor a data frame, or has no such text.
        NotFoundError: the file does not exist.
    """
    return _read_reference(source, null, text, has_sample=False)


def compare(
    reference: Source | Dataset,
    current: Source,
    *,
    method: str = DEFAULT_METHOD,
    limit: float | None = None,
    null: Sequence[str] = (),
    text: Sequence[str] = (),
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    task: str | None = None,
) -> Comparison:
    """Compare every column of `current` with `reference`, which may also be a profile from `profile`.

    `method` is a drift method by Evidently's name; one that profiles cannot compute runs in Evidently, on at most 5,000
    rows a side and with Evidently's threshold. `limit` is the smallest effect that counts as drift, instead of the
    method's own. Columns of `text` are compared by their length, pattern and so on; a profile has its own.

    With the name of the column of the `label`, and of the `prediction` or the `score`, performance is compared too:
    each metric of the kind of model, with the 95 % interval of its difference. The kind follows from the values, where
    they leave no doubt; else `task` names it.

    Raises:
        DataError: a file is damaged, or a column has mixed types; the message names both.
        ConfigError: the method is unknown, a source is neither a path nor a data frame, or performance cannot be
            measured on these columns.
        NotFoundError: the file does not exist.
    """
    if limit is not None and not 0 <= limit < math.inf:
        raise ConfigError(f"The limit {limit} is no effect size.", hint="give a number that is not negative")
    has_sample = parse_method(method).is_sampled
    if isinstance(reference, Dataset):
        known = reference
    else:
        known = _read_reference(reference, null, text, has_sample=has_sample)
    found = read_dataset(current, name="current", like=known, null_texts=null, has_sample=has_sample)
    columns = compare_columns(known, found, method, limit)
    if label is None:
        if prediction or score or task:
            raise ConfigError("Performance needs labels.", hint="name the column of the label")
        return Comparison(reference=known, current=found, columns=columns)
    if isinstance(reference, Dataset):
        raise ConfigError(
            "Performance needs the rows of the reference.", hint="give them in the place of their profile"
        )
    from airflow_mlmon.comparison.performance import OutputColumns, compare_performance  # noqa: PLC0415 - heavy

    roles = {Role.PREDICTION: prediction, Role.SCORE: score}
    outputs = {role: name for role, name in roles.items() if name is not None}
    performance = compare_performance(
        reference, current, (known, found), OutputColumns(label=label, outputs=outputs, task=task), null
    )
    return Comparison(reference=known, current=found, columns=columns, performance=performance)


def _read_reference(source: Source, null: Sequence[str], text: Sequence[str], *, has_sample: bool) -> Dataset:
    known = read_dataset(source, name="reference", null_texts=null, has_sample=has_sample, texts=text)
    for name in text:
        if not any(column.startswith(f"{name}.") for column in known.contents):
            raise ConfigError(f"The reference has no column {name!r}.", hint="name a column of texts")
    return known

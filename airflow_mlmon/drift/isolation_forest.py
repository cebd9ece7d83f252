"""Isolation forest: share of a partition's rows that are easier to isolate than nearly all of the reference's.

    rate = share of the rows whose score is below the quantile of the reference's own scores

The score of a row is the number of random splits until it is alone, over 100 trees, each grown from 256 rows of the
reference; outlying rows need few. The limit is the quantile that the spec gives, such as 1 %, so that this share of the
reference is outlying. A number that is missing or infinite counts as the reference's median, which its null rate shows;
a category counts as the logarithm of its share of the reference, of which a new one has half a row. A column without
values, or with one alone, is left out: no split can separate its rows.

Source: Liu, Ting and Zhou, "Isolation Forest", 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.ensemble import IsolationForest
from threadpoolctl import threadpool_limits

from airflow_mlmon.drift.matrix import to_doubles
from airflow_mlmon.drift.multivariate import FEWEST_ROWS
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import OUTLIER_RATE
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.statistics.intervals import wilson_interval

_LARGEST = float(np.finfo(np.float32).max)
_Encoding = Callable[[pa.Table], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """Forest of a reference, and the limit below which a row is outlying.

    Attributes:
        encodings: What the forest sees of each column.
        forest: The trees; None where there are none.
        limit: The limit of the scores.
        problem: Why there are none.
    """

    encodings: Sequence[_Encoding] = ()
    forest: IsolationForest | None = None
    limit: float = 0.0
    problem: str = ""

    def measure(self, current: pa.Table) -> MetricValue:
        """Measure the share of outlying rows of a sample of a partition."""
        rows = current.num_rows
        problem = self.problem
        if not problem and rows < FEWEST_ROWS:
            problem = f"the partition has {rows} rows, fewer than {FEWEST_ROWS}"
        if problem or self.forest is None:
            return MetricValue(metric=OUTLIER_RATE, value=None, rows=rows, reason=problem)
        outlying = int((_score(self.forest, self.encodings, current) < self.limit).sum())
        value = MetricValue(metric=OUTLIER_RATE, value=outlying / rows, rows=rows)
        return value.within(wilson_interval(outlying, rows))


def fit_outliers(reference: pa.Table, columns: Sequence[ColumnSchema], share: float) -> Outliers:
    """Grow a forest on a sample of the reference, of which `share` is outlying; always the same on the same rows."""
    if reference.num_rows < FEWEST_ROWS:
        return Outliers(problem=f"the reference has {reference.num_rows} rows, fewer than {FEWEST_ROWS}")
    encodings: list[_Encoding] = []
    left_out: list[str] = []
    for column in columns:
        encoding = _encoding(reference, column)
        values = encoding(reference) if encoding else np.empty(0)
        if encoding is None or (values == values[0]).all():
            left_out.append(f"{column.name}: {'the same value in all rows' if encoding else 'no values'}")
        else:
            encodings.append(encoding)
    if not encodings:
        reasons = "; ".join(left_out) or "no column can be used"
        return Outliers(problem=f"no feature of the reference varies ({reasons})")
    forest = IsolationForest(n_estimators=100, max_samples=min(256, reference.num_rows), random_state=0)
    with threadpool_limits(limits=1):
        forest.fit(_cells(encodings, reference))
    scores = _score(forest, encodings, reference)
    return Outliers(encodings=encodings, forest=forest, limit=float(np.quantile(scores, share)))


def _score(forest: IsolationForest, encodings: Sequence[_Encoding], table: pa.Table) -> Floats:
    with threadpool_limits(limits=1):
        scores: Floats = forest.score_samples(_cells(encodings, table))
    return scores


def _cells(encodings: Sequence[_Encoding], table: pa.Table) -> Floats:
    return np.column_stack([encoding(table) for encoding in encodings])


def _encoding(reference: pa.Table, column: ColumnSchema) -> _Encoding | None:
    """Return what the forest sees of a column; None if the reference has no value in it."""
    if reference.schema.get_field_index(column.name) < 0:
        return None
    if column.kind is Kind.CATEGORY:
        return _encode_shares(reference, column.name)
    numbers = to_doubles(reference, column)
    if np.isnan(numbers).all():
        return None
    median = float(np.nanmedian(numbers))
    return lambda table: _filled(table, column, median)


def _encode_shares(reference: pa.Table, name: str) -> _Encoding | None:
    texts = reference.column(name).cast(pa.string())
    counts = texts.drop_null().value_counts()
    if not len(counts):
        return None
    known, shares = counts.field("values"), np.log(counts.field("counts").to_numpy() / reference.num_rows)
    median, unseen = float(np.median(shares)), float(np.log(0.5 / reference.num_rows))

    def encode(table: pa.Table) -> Floats:
        if table.schema.get_field_index(name) < 0:
            return np.full(table.num_rows, median)
        found = table.column(name).cast(pa.string())
        places = pc.index_in(found, value_set=known)
        values = np.append(shares, unseen)[pc.fill_null(places, len(shares)).to_numpy()]
        return np.where(found.is_null().to_numpy(), median, values)

    return encode


def _filled(table: pa.Table, column: ColumnSchema, median: float) -> Floats:
    if table.schema.get_field_index(column.name) < 0:
        return np.full(table.num_rows, median)
    numbers = to_doubles(table, column)
    # the forest takes the range of 32 bits
    return np.clip(np.where(np.isnan(numbers), median, numbers), -_LARGEST, _LARGEST)

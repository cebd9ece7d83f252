"""A day with polars: nulls and PSI of every column, and the AUC by the labels of the day before.

ARGUMENTS: the reference, the predictions of the day, the predictions of the day before, and the labels of the latter.
"""

import json
import math
import sys

import polars as pl

reference, day, before, labels = (pl.read_parquet(f"{name}/*.parquet") for name in sys.argv[1:5])
features = [name for name in day.columns if name not in {"id", "at"}]


def psi(expected: pl.Series, current: pl.Series) -> float:
    """The population stability index over deciles of the reference, or over its values."""
    expected, current = expected.drop_nulls(), current.drop_nulls()
    if expected.dtype.is_float():
        edges = sorted({expected.quantile(step / 10) for step in range(1, 10)})
        expected, current = (side.cut(edges).cast(pl.String) for side in (expected, current))
    shares = [dict(side.value_counts(normalize=True).iter_rows()) for side in (expected, current)]
    pairs = [tuple(max(side.get(value, 0.0), 1e-4) for side in shares) for value in {*shares[0], *shares[1]}]
    return sum((now - then) * math.log(now / then) for then, now in pairs)


nulls = day.null_count().row(0)
drift = {name: psi(reference[name], day[name]) for name in features}
joined = before.select("id", "score").join(labels, on="id")
ranks = joined.select(pl.col("score").rank("average"), "label")
positive = joined["label"].sum()
auc = (ranks.filter("label")["score"].sum() - positive * (positive + 1) / 2) / (positive * (joined.height - positive))
sys.stdout.write(json.dumps({"nulls": sum(nulls), "columns": len(drift), "roc_auc": auc}) + "\n")

"""Write scikit-learn's handwritten digits as if they came in day by day: `python -m include.demo.digits <folder>`.

    <folder>/digits/predictions/dt=YYYY-MM-DD/part-0.parquet
    <folder>/digits/labels/dt=YYYY-MM-DD/part-0.parquet       by the day of delivery
    <folder>/digits/reference/part-0.parquet

The data has no dates: the first 997 images are the reference, in which each is predicted by a model of the others, and
80 a day come in from 1 March 2013 on. Their labels are delivered one to three days later.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from include.demo.archive import to_parquet
from include.demo.flights import delivery_delay

FIRST = date(2013, 3, 1)
DAYS, PER_DAY = 10, 80
_CLASSES = [str(digit) for digit in range(10)]
PREDICTIONS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("pixels", pa.list_(pa.float32(), 64)),
        ("ink", pa.float64()),
        ("predicted", pa.int32()),
        *((f"proba_{name}", pa.float64()) for name in _CLASSES),
    ]
)
LABELS = pa.schema([("prediction_id", pa.string()), ("digit", pa.int32())])
REFERENCE = pa.schema([*PREDICTIONS, LABELS.field("digit")])


def digit_objects() -> Iterator[tuple[str, bytes]]:
    """Yield key and content of every object in the archive."""
    reference, archive = predict_digits()
    yield "digits/reference/part-0.parquet", to_parquet(reference, REFERENCE)
    for day, rows in archive.groupby("date"):
        yield f"digits/predictions/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, PREDICTIONS)
    delivered = archive["date"] + pd.to_timedelta(delivery_delay(archive["prediction_id"]), unit="D")
    for day, rows in archive.groupby(delivered):
        yield f"digits/labels/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, LABELS)


def predict_digits() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict the digits of the reference, each by the others, and those of the archive by all of the reference."""
    images = load_digits()
    served = DAYS * PER_DAY
    past = len(images.data) - served
    # a strong penalty, so that the model is not always right
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=200))
    lessons, answers = images.data[:past], images.target[:past]
    known = cross_val_predict(model, lessons, answers, cv=5, method="predict_proba")
    # six digits: the last bits of a probability may differ between processors
    probabilities = np.vstack([known, model.fit(lessons, answers).predict_proba(images.data[past:])]).round(6)
    offsets = np.arange(-past, served) // PER_DAY
    dates = pd.to_datetime([FIRST + timedelta(days=int(offset)) for offset in offsets])
    seconds = np.arange(-past, served) % PER_DAY * (86_400 // PER_DAY)
    rows = pd.DataFrame(
        {
            "date": dates,
            "prediction_id": [f"{number:06d}" for number in range(past + served)],
            "event_time": (dates + pd.to_timedelta(seconds, unit="s")).tz_localize("UTC"),
            "pixels": list(images.data.astype(np.float32)),
            "ink": images.data.mean(axis=1),
            "predicted": probabilities.argmax(axis=1),
            **{f"proba_{name}": probabilities[:, int(name)] for name in _CLASSES},
            "digit": images.target,
        }
    )
    return rows[:past], rows[past:]


if __name__ == "__main__":
    for key, content in digit_objects():
        path = Path(sys.argv[1]) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

"""Write the flights with a prediction of their delay to S3: `python -m include.demo.delay 2013-03-01 2013-03-14`.

    <bucket>/flights_delay/predictions/dt=YYYY-MM-DD/part-0.parquet
    <bucket>/flights_delay/labels/dt=YYYY-MM-DD/part-0.parquet       by the day of delivery
    <bucket>/flights_delay/reference/part-0.parquet

The model predicts, at departure planning time, how many minutes a flight arrives late, from the features of `flights`
and trained on the same January and February. Its bounds are the prediction plus the 5 % and 95 % quantiles of what it
missed those flights by.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingRegressor

from include.demo.archive import main, to_parquet
from include.demo.flights import Served, delivery_delay, to_inputs

PREDICTIONS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("model_version", pa.string()),
        ("hour", pa.int32()),
        ("weekday", pa.int32()),
        ("carrier", pa.string()),
        ("origin", pa.string()),
        ("distance", pa.int32()),
        ("temp", pa.float64()),
        ("wind_speed", pa.float64()),
        ("precip", pa.float64()),
        ("visib", pa.float64()),
        ("predicted_delay", pa.float64()),
        ("least_delay", pa.float64()),
        ("most_delay", pa.float64()),
    ]
)
_LABEL = [("arr_delay", pa.float64()), ("outcome", pa.string())]
LABELS = pa.schema([("prediction_id", pa.string()), *_LABEL])
REFERENCE = pa.schema([*PREDICTIONS, *_LABEL])


def delay_objects(served: Served, last: date) -> Iterator[tuple[str, bytes]]:
    """Yield key and content of every object in the archive at the end of the day `last`."""
    reference, archive = predict_delays(served)
    yield "flights_delay/reference/part-0.parquet", to_parquet(reference, REFERENCE)
    for day, rows in archive.groupby("date"):
        yield f"flights_delay/predictions/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, PREDICTIONS)
    delivered = archive["date"] + pd.to_timedelta(delivery_delay(archive["prediction_id"]), unit="D")
    for day, rows in archive[delivered <= pd.Timestamp(last)].groupby(delivered):
        yield f"flights_delay/labels/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, LABELS)


def predict_delays(served: Served) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict the delays of the reference and of the archive by a model that was trained on the reference."""
    flights = pd.concat([served.reference, served.archive], ignore_index=True)
    inputs, past = to_inputs(flights), np.arange(len(flights)) < len(served.reference)
    label = flights["arr_delay"].to_numpy(dtype=float, na_value=np.nan)
    lessons = past & ~np.isnan(label)
    model = HistGradientBoostingRegressor(
        max_iter=60, learning_rate=0.08, max_leaf_nodes=12, min_samples_leaf=200, early_stopping=False, random_state=0
    ).fit(inputs[lessons], label[lessons])
    # two digits: the last bits of a prediction may differ between processors
    minutes = model.predict(inputs).round(2)
    low, high = np.quantile(label[lessons] - minutes[lessons], [0.05, 0.95]).round(2)
    predicted = flights.assign(predicted_delay=minutes, least_delay=minutes + low, most_delay=minutes + high)
    return predicted[past], predicted[~past]


if __name__ == "__main__":
    main(delay_objects)

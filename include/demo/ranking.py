"""Write the flights as a ranking of each route's to S3: `python -m include.demo.ranking 2013-03-01 2013-03-14`.

    <bucket>/flights_ranking/predictions/dt=YYYY-MM-DD/part-0.parquet
    <bucket>/flights_ranking/labels/dt=YYYY-MM-DD/part-0.parquet       by the day of delivery
    <bucket>/flights_ranking/reference/part-0.parquet

The flights of a route and day are ranked by their probability of being on time, as the model of `flights` has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pyarrow as pa

from include.demo.archive import main, to_parquet
from include.demo.flights import Served, delivery_delay

PREDICTIONS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("model_version", pa.string()),
        ("route", pa.string()),
        ("carrier", pa.string()),
        ("hour", pa.int32()),
        ("distance", pa.int32()),
        ("temp", pa.float64()),
        ("wind_speed", pa.float64()),
        ("precip", pa.float64()),
        ("visib", pa.float64()),
        ("on_time_score", pa.float64()),
    ]
)
_LABEL = [("on_time", pa.int8()), ("outcome", pa.string())]
LABELS = pa.schema([("prediction_id", pa.string()), *_LABEL])
REFERENCE = pa.schema([*PREDICTIONS, *_LABEL])


def ranking_objects(served: Served, last: date) -> Iterator[tuple[str, bytes]]:
    """Yield key and content of every object in the archive at the end of the day `last`."""
    archive = _ranked(served.archive)
    yield "flights_ranking/reference/part-0.parquet", to_parquet(_ranked(served.reference), REFERENCE)
    for day, rows in archive.groupby("date"):
        yield f"flights_ranking/predictions/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, PREDICTIONS)
    delivered = archive["date"] + pd.to_timedelta(delivery_delay(archive["prediction_id"]), unit="D")
    for day, rows in archive[delivered <= pd.Timestamp(last)].groupby(delivered):
        yield f"flights_ranking/labels/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, LABELS)


def _ranked(flights: pd.DataFrame) -> pd.DataFrame:
    return flights.assign(
        route=flights["origin"] + "-" + flights["dest"],
        on_time_score=(1 - flights["score"]).round(6),
        on_time=1 - flights["late"].astype("Int8"),
    )


if __name__ == "__main__":
    main(ranking_objects)

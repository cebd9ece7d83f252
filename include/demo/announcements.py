"""Write the flights with a text and its embedding to S3: `python -m include.demo.announcements 2013-03-01 2013-03-14`.

    <bucket>/flights_texts/predictions/dt=YYYY-MM-DD/part-0.parquet
    <bucket>/flights_texts/reference/part-0.parquet

The data have no text: the announcement of a flight is made from its number, its route, its time and the weather, and
the embedding from the words of the announcement, each of which has a direction of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.demo.archive import main, to_parquet
from include.demo.flights import Served, stable_hash

DIMENSION = 16
PREDICTIONS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("model_version", pa.string()),
        ("carrier", pa.string()),
        ("distance", pa.int32()),
        ("announcement", pa.string()),
        ("embedding", pa.list_(pa.float32())),
        ("score", pa.float64()),
    ]
)
_REQUESTS = np.array(
    [
        "Please have your boarding pass ready.",
        "Boarding closes fifteen minutes before departure.",
        "Large bags are checked at the gate.",
        "Families with children board first.",
    ]
)


def announcement_objects(served: Served, _: date) -> Iterator[tuple[str, bytes]]:
    """Yield key and content of every object in the archive."""
    yield "flights_texts/reference/part-0.parquet", to_parquet(announce(served.reference), PREDICTIONS)
    for day, rows in announce(served.archive).groupby("date"):
        yield f"flights_texts/predictions/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, PREDICTIONS)


def announce(flights: pd.DataFrame) -> pd.DataFrame:
    """Add the announcement of each flight, and its embedding."""
    number = flights["carrier"] + " " + flights["flight"].astype(str)
    route = " from " + flights["origin"] + " to " + flights["dest"]
    time = flights["event_time"].dt.strftime(", scheduled at %H:%M. ")
    weather = np.where(flights["precip"].fillna(0) > 0, "Rain at the airport: allow more time. ", "")
    request = _REQUESTS[stable_hash(flights["prediction_id"]) % len(_REQUESTS)]
    announced = flights.assign(announcement="Flight " + number + route + time + weather + request)
    return announced.assign(embedding=[embed(text) for text in announced["announcement"]])


def embed(text: str) -> npt.NDArray[np.float32]:
    """Return the sum of the directions of the words, of length 1."""
    vector = np.sum([_direction(word) for word in text.split() if word.isalpha()], axis=0)
    embedding: npt.NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return embedding


@cache
def _direction(word: str) -> npt.NDArray[np.float64]:
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=DIMENSION)


if __name__ == "__main__":
    main(announcement_objects)

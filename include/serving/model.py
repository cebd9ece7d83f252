"""The served model: gradient-boosted trees of LightGBM, and exact attributions of each score.

It predicts the same as the model of the demo (`include/demo/flights.py`): whether a flight arrives 15 or more minutes
late. One call of the trees gives the attributions of a row (TreeSHAP, in log odds); the score is the logistic function
of their sum, so that an explained prediction costs nothing more than a prediction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

CODED = ("carrier", "origin", "dest")
FEATURES = (
    "hour",
    "weekday",
    *CODED,
    "distance",
    "temp",
    "wind_speed",
    "precip",
    "visib",
    "plane_age",
    "seats",
)
# a score of so much or more predicts a late arrival
THRESHOLD = 0.3
_DIGITS = 6  # the last bits of a score may differ between processors
_ROUNDS = 80
_PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 12,
    "min_data_in_leaf": 200,
    "lambda_l2": 5,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


class Scored(NamedTuple):
    """Score of a flight, and what each feature adds to its log odds."""

    score: float
    attributions: dict[str, float]

    @property
    def is_late(self) -> bool:
        """Return the prediction."""
        return self.score >= THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayModel:
    """Trees, with the values that the categories had in training.

    Attributes:
        booster: trees of LightGBM.
        categories: values of each categorical feature, in the order of their codes.
        version: name of the version, as archived with each prediction.
    """

    booster: lgb.Booster
    categories: Mapping[str, tuple[str, ...]]
    version: str

    def score(self, flights: Sequence[Mapping[str, Any]]) -> list[Scored]:
        """Score flights that have the features as keys; a value that is missing or new counts as unknown."""
        codes = {name: {value: code for code, value in enumerate(self.categories[name])} for name in CODED}
        rows = [
            [codes[name].get(flight[name], np.nan) if name in codes else _number(flight[name]) for name in FEATURES]
            for flight in flights
        ]
        explained = self._explain(np.array(rows, dtype=float))
        return [
            Scored(score, dict(zip(FEATURES, added, strict=True)))
            for score, added in zip(_scores(explained), explained[:, :-1].tolist(), strict=True)
        ]

    def score_table(self, flights: pa.Table) -> pa.Table:
        """Return the table with what the service archives of a flight: score, prediction, and attributions."""
        explained = self._explain(_matrix(flights, self.categories))
        scores = np.array(_scores(explained))
        added = {f"shap_{name}": explained[:, place] for place, name in enumerate(FEATURES)}
        version = np.full(len(flights), self.version)
        for name, values in {
            "model_version": version,
            "score": scores,
            "predicted": scores >= THRESHOLD,
            **added,
        }.items():
            flights = flights.append_column(name, pa.array(values))
        return flights

    def save(self, folder: Path) -> None:
        """Write the model into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(folder / "model.txt")
        content = {"version": self.version, "categories": self.categories}
        (folder / "model.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    def _explain(self, inputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return one column a feature, and that of the base value."""
        return np.asarray(self.booster.predict(inputs, pred_contrib=True, num_threads=1))


def fit(flights: pa.Table, version: str, label: str = "late") -> DelayModel:
    """Fit the model on flights with a label; rows without one teach nothing.

    The same rows give the same model.
    """
    flights = flights.filter(flights[label].is_valid())
    categories = {name: tuple(sorted(flights[name].unique().drop_null().to_pylist())) for name in CODED}
    lessons = lgb.Dataset(
        _matrix(flights, categories),
        flights[label].to_numpy().astype(float),
        feature_name=list(FEATURES),
        categorical_feature=list(CODED),
        params={"verbosity": -1},
    )
    return DelayModel(booster=lgb.train(_PARAMETERS, lessons, _ROUNDS), categories=categories, version=version)


def load(folder: Path) -> DelayModel:
    """Load a model from the folder into which it was saved."""
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return DelayModel(
        booster=lgb.Booster(model_file=folder / "model.txt"),
        categories={name: tuple(values) for name, values in content["categories"].items()},
        version=content["version"],
    )


def _matrix(flights: pa.Table, categories: Mapping[str, Sequence[str]]) -> npt.NDArray[np.float64]:
    columns = []
    for name in FEATURES:
        values = flights[name].combine_chunks()
        if name in categories:
            values = pa.compute.index_in(values, pa.array(categories[name]))
        columns.append(values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False))
    return np.column_stack(columns)


def _scores(explained: npt.NDArray[np.float64]) -> list[float]:
    scores: list[float] = (1 / (1 + np.exp(-explained.sum(axis=1)))).round(_DIGITS).tolist()
    return scores


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)

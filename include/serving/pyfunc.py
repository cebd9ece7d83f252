"""The served model as MLflow loads it: `mlflow.pyfunc.load_model("models:/flights/3")`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from include.serving.model import FEATURES, DelayModel, load


class ScoredFlights:
    """Model whose prediction is the probability of a late arrival."""

    def __init__(self, model: DelayModel) -> None:
        self._model = model

    def predict(self, flights: Any, params: Any = None) -> Any:  # noqa: ARG002 - MLflow passes it
        """Return the score of each row of a data frame."""
        return self._model.score_table(pa.Table.from_pandas(flights[list(FEATURES)], preserve_index=False))[
            "score"
        ].to_numpy()


def _load_pyfunc(path: str) -> ScoredFlights:
    """Load the model from a folder; MLflow calls it."""
    return ScoredFlights(load(Path(path)))

"""Logs a model to a run and registers it, as whoever trains it does: `mlflow_model.py <run id> <name>`."""

from __future__ import annotations

import sys

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, Schema


class ByAmount(PythonModel):
    """Model whose score grows with the amount."""

    def predict(self, model_input):
        """Return the score of each row."""
        amount = model_input["amount"].to_numpy()
        if amount.dtype != np.float32 or list(model_input.columns) != ["amount"]:
            raise TypeError(f"a row holds {amount[0]}")
        return amount / (amount + 20)


def main() -> None:
    """Log and register it, and print its version."""
    signature = ModelSignature(inputs=Schema([ColSpec("float", "amount")]))
    with mlflow.start_run(run_id=sys.argv[1]):
        found = mlflow.pyfunc.log_model(
            name="model",
            python_model=ByAmount(),
            signature=signature,
            pip_requirements=["mlflow"],
            registered_model_name=sys.argv[2],
        )
    sys.stdout.write(f"\n{found.registered_model_version}")


if __name__ == "__main__":
    main()

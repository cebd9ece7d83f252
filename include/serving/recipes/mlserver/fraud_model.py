"""A runtime that stands for yours, or for `mlserver_sklearn.SKLearnModel`: it knows nothing of the capture."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class FraudModel(MLModel):
    """Scores payments."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the probability of fraud of each payment."""
        tensors = {tensor.name: tensor for tensor in payload.inputs}
        amount = NumpyCodec.decode_input(tensors["amount"]).ravel()
        countries = StringCodec.decode_input(tensors["country"])
        score = amount / (amount + np.where(np.array(countries) == "FR", 30, 60))
        outputs = [("score", score), ("flagged", score > 0.5)]  # noqa: PLR2004 - the threshold
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output(name, values.reshape(-1, 1)) for name, values in outputs],
        )

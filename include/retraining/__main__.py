"""One step of a retraining, in the environment of the service: `python -m include.retraining STEP <arguments.json`.

The arguments of the step are read as JSON, and what it returns is printed as the last line. The registry and its
credentials come from the variables that MLflow's client reads: `MLFLOW_TRACKING_URI` …
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

# their modules, of which those that train take a second to import
STEPS = {
    "train": "training",
    "register": "registration",
    "start_canary": "aliases",
    "promote": "aliases",
    "roll_back": "aliases",
}

if __name__ == "__main__":
    step = getattr(import_module(f"include.retraining.{STEPS[sys.argv[1]]}"), sys.argv[1])
    print(json.dumps(step(**json.load(sys.stdin))))

"""NannyML's CBPE by its defaults, of five metrics in ten chunks: the mean estimate of each."""

import json
import sys

import nannyml as nml
import pandas as pd

METRICS = ["accuracy", "precision", "recall", "f1", "roc_auc"]

reference, current = (pd.read_parquet(path) for path in sys.argv[1:3])
estimator = nml.CBPE(
    y_pred_proba="score",
    y_pred="prediction",
    y_true="label",
    metrics=METRICS,
    problem_type="classification_binary",
)
estimator.fit(reference)
found = estimator.estimate(current.drop(columns="label")).filter(period="analysis").to_df()
sys.stdout.write(json.dumps({metric: float(found[metric]["value"].mean()) for metric in METRICS}) + "\n")

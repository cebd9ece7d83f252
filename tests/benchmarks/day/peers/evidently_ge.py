"""A day with evidently, Great Expectations on pandas and scikit-learn: drift, checks, and the metrics of the labels.

ARGUMENTS: the reference, the predictions of the day, the predictions of the day before, and the labels of the latter.
"""

import json
import sys
from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
from sklearn import metrics

reference, day, before, labels = (
    pd.concat([pd.read_parquet(path) for path in sorted(Path(name).glob("*.parquet"))]) for name in sys.argv[1:5]
)
numbers = [name for name in day.columns if name.startswith("x")]
levels = [name for name in day.columns if name.startswith("c")]
features = [*numbers, *levels, "score", "flagged"]

drift = Report([DataDriftPreset(columns=features)]).run(day[features], reference[features]).dict()["metrics"]

checks = [
    gxe.ExpectTableRowCountToBeBetween(min_value=1),
    gxe.ExpectColumnValuesToBeUnique(column="id"),
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in ("id", "at", "score", "flagged")),
    *(gxe.ExpectColumnValuesToNotBeNull(column=name, mostly=0.9) for name in (*numbers, *levels)),
    *(
        gxe.ExpectColumnValuesToBeBetween(
            column=name, min_value=float(reference[name].min()), max_value=float(reference[name].max()), mostly=0.99
        )
        for name in (*numbers, "score")
    ),
    *(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=sorted(reference[name].unique())) for name in levels),
]
settings = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False)
context = gx.get_context(mode="ephemeral", project_config=settings)
batch = context.data_sources.add_pandas("day").add_dataframe_asset("day").add_batch_definition_whole_dataframe("day")
checked = batch.get_batch({"dataframe": day}).validate(gx.ExpectationSuite(name="day", expectations=checks))

joined = before[["id", "score", "flagged"]].merge(labels, on="id")
label, score, flagged = joined["label"], joined["score"], joined["flagged"]
measured = {
    "roc_auc": metrics.roc_auc_score(label, score),
    "average_precision": metrics.average_precision_score(label, score),
    "accuracy": metrics.accuracy_score(label, flagged),
    "precision": metrics.precision_score(label, flagged),
    "recall": metrics.recall_score(label, flagged),
    "f1": metrics.f1_score(label, flagged),
    "log_loss": metrics.log_loss(label, score),
    "brier": metrics.brier_score_loss(label, score),
}
drifted = sum(metric["metric_name"].startswith("ValueDrift") for metric in drift)
outcome = {"columns": drifted, "checks": len(checked["results"]), "roc_auc": float(measured["roc_auc"])}
sys.stdout.write(json.dumps(outcome) + "\n")

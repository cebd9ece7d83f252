"""What metrics are called for people, in the words of the model."""

from __future__ import annotations

from airflow_mlmon.spec.metrics import METRICS
from airflow_mlmon.spec.model import Labels


def metric_title(metric: str, labels: Labels | None = None) -> str:
    """The metric's title; unknown names, such as that of a check, are their own.

    >>> spec = Labels(path="s3://l/{date}/", id="id", label="y", positive_name="late", void=("cancelled",))
    >>> metric_title("positive_share", spec), metric_title("void_share", spec)
    ('late share', 'cancelled share')
    """
    if metric not in METRICS:
        return metric
    title = METRICS[metric].title
    if labels is None:
        return title
    if metric in {"positive_share", "predicted_positive_share"}:
        return title.replace("positive", labels.positive_name)
    if metric == "void_share" and labels.void:
        return title.replace("void", " or ".join(labels.void))
    return title

"""Metrics of a partition: their names in specs, in the store and on pages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from airflow_mlmon.spec.disparities import DISPARITIES
from airflow_mlmon.spec.metric import Measure, Metric, Worse

ROWS = "rows"
ROWS_BY_HOUR = "rows_by_hour"
UNSAMPLED_ROWS = "rows_before_sampling"
QUARANTINED_SHARE = "quarantined_share"
SAMPLING_FRACTION = "sampling_fraction"
NULL_RATE = "null_rate"
NEW_CATEGORY_RATE = "new_category_rate"
OUT_OF_RANGE_RATE = "out_of_range_rate"
ZERO_VECTOR_RATE = "zero_vector_rate"
MALFORMED_VECTOR_RATE = "malformed_vector_rate"
CENTROID_COSINE = "centroid_cosine"
DRIFT = "drift_score"
DRIFTED_COLUMNS = "drifted_columns"
DRIFTED_SHARE = "drifted_share"
MULTIVARIATE = "multivariate_drift"
OUTLIER_RATE = "outlier_rate"
DELAY = "delay_hours"
LABEL_MATCH_RATE, UNKNOWN_LABEL_IDS, LATE_LABELS = "label_match_rate", "unknown_label_ids", "late_labels"
# of a day's delivery
LABEL_METRICS = (LABEL_MATCH_RATE, UNKNOWN_LABEL_IDS, LATE_LABELS)
CAPTURE_DROPPED, CAPTURE_LOST, CAPTURE_UNKNOWN = "capture_dropped", "capture_lost", "capture_unknown"
CAPTURE_LOSS_RATE = "capture_loss_rate"
ERROR_RATE = "error_rate"
LATENCY = "latency_p95"
NDCG = "attribution_ndcg"
LABEL_COVERAGE = "label_coverage"
EXCLUDED_SHARE = "excluded_share"
BROKEN_RELATION_RATE = "broken_relation_rate"
EXPLAINED_SHARE = "explained_share"
EQUAL_SHARE = "equal_share"
REPEATED_SHARE = "repeated_share"
REPLAYED_SHARE = "replayed_share"
# by column, of what the reference does not have
UNSEEN = (OUT_OF_RANGE_RATE, CENTROID_COSINE, ZERO_VECTOR_RATE, MALFORMED_VECTOR_RATE)
ESTIMATION_GAP = "estimation_gap"
COVARIATE_SHIFT = "covariate_shift"
CONCEPT_SHIFT = "concept_shift"
# prefix of the metrics that specs add
OWN = "own."
# no metrics, but with verdicts or alerts of their own: the status of a partition, and each check by its name
STATUS = "status"
STATUS_PREFIX = "status."
CHECK_PREFIX = "check."


@cache
def own_metric(name: str) -> Metric:
    """Return what is known of a metric that a spec adds: it rests on labels and may be any number.

    >>> own_metric("own.cost_per_case").title
    'cost per case'
    """
    title = name.removeprefix(OWN).replace("_", " ")
    return Metric(title, "Own metric.", needs_labels=True, of_model=True, measure=Measure.NUMBER, lowest=None)


# on the scale of areas, that of a loss from 1 to the 0.9 below which Clarify alerts: two features of nearly equal
# attributions change places on any day
_OF_NDCG = 2 * (math.asin(1.0) - math.asin(math.sqrt(0.9)))


def _traffic(title: str, description: str) -> Metric:
    return Metric(title, description, is_count=True, measure=Measure.COUNT)


def _loss_of_rows(title: str, description: str) -> Metric:
    return Metric(title, description, is_share=True, measure=Measure.SHARE, worse=Worse.ABOVE)


# the metrics of a model of any kind; each kind has others of its own
GENERIC: Mapping[str, Metric] = {
    ROWS: _traffic("rows", "Rows accepted: the traffic, with requests that failed."),
    UNSAMPLED_ROWS: _traffic(
        "rows before sampling",
        "Rows accepted, divided by the sampling fraction; where that is below 1, evaluated in place of the rows.",
    ),
    ROWS_BY_HOUR: _loss_of_rows(
        "rows by hour",
        "Total variation distance of the rows by hour of event time from those expected by past days; 0: the same "
        "share of the rows in each hour. The hours are tested one by one, and the time of all rows together.",
    ),
    SAMPLING_FRACTION: Metric("sampling fraction", "Fraction of the requests that the log has.", is_share=True),
    "rows_quarantined": Metric("rows quarantined", "Rows read but not accepted, each with a reason.", is_count=True),
    QUARANTINED_SHARE: _loss_of_rows("quarantine rate", "Rows quarantined, of the rows read."),
    CAPTURE_DROPPED: Metric("rows dropped by capture", "Rows that capture could not keep or write.", is_count=True),
    CAPTURE_LOST: Metric(
        "rows lost by capture",
        "Rows that died with a process that was killed, or that are numbered and in no file so far.",
        is_count=True,
    ),
    CAPTURE_UNKNOWN: Metric(
        "rows perhaps lost by capture",
        "Most rows that processes can have lost which neither ended in order nor wrote anything since.",
        is_count=True,
    ),
    CAPTURE_LOSS_RATE: _loss_of_rows("capture loss rate", "Rows dropped or lost by capture, of the rows logged."),
    DELAY: Metric(
        "delay in hours",
        "Hours from the end of the day to the arrival of its last file; 0 if all arrived before.",
        measure=Measure.DURATION,
        worse=Worse.ABOVE,
    ),
    LABEL_MATCH_RATE: Metric(
        "match rate of label ids",
        "Ids of the day's delivery of labels that belong to a prediction of the days that it can have labels for.",
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.BELOW,
    ),
    UNKNOWN_LABEL_IDS: Metric(
        "unknown ids of labels", "Ids of the day's delivery of labels that belong to no prediction.", is_count=True
    ),
    LATE_LABELS: Metric(
        "late labels",
        "Labels of the day's delivery that came later than `delay_days`, and do not count.",
        is_count=True,
    ),
    "requests_per_hour": Metric(
        "requests in the busiest hour", "Requests in the hour (UTC) with the most, errors included.", is_count=True
    ),
    "rows_errors": Metric("rows with an error", "Accepted rows with an error status.", is_count=True),
    ERROR_RATE: _loss_of_rows(
        "error rate", "Requests with an error status, of those with a known status; of a status, by its segment."
    ),
    "unknown_statuses": Metric(
        "unknown statuses",
        "Rows whose status is neither a code nor an error of the spec; they are in no error rate.",
        is_count=True,
    ),
    "latency_p50": Metric(
        "median latency in ms",
        "Median latency of answered requests, in milliseconds.",
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    LATENCY: Metric(
        "latency p95 in ms",
        "95 % quantile of the latency of answered requests, in milliseconds.",
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    "latency_p99": Metric("latency p99 in ms", "99 % quantile of the latency of answered requests, in milliseconds."),
    "negative_latencies": Metric(
        "negative latencies", "Answered requests with a negative latency, left out of the quantiles.", is_count=True
    ),
    "saturation_mean": Metric(
        "mean",
        "Mean of a saturation column, errors included.",
        by_column=True,
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
        lowest=None,
    ),
    "saturation_p95": Metric("p95", "95 % quantile of a saturation column.", by_column=True, lowest=None),
    "attribution": Metric(
        "mean absolute attribution",
        "Mean magnitude of the attributions to a feature.",
        by_column=True,
        of_model=True,
    ),
    "attribution_share": Metric(
        "share of the attributions",
        "Mean absolute attribution to a feature, of the sum over all features.",
        by_column=True,
        is_share=True,
        of_model=True,
    ),
    NDCG: Metric(
        "attribution NDCG",
        "NDCG of the features ranked by their mean absolute attributions against the reference's ranking, as SageMaker "
        "Clarify defines it; 1: the same ranking.",
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
        smallest=_OF_NDCG,
    ),
    NULL_RATE: Metric(
        "null rate",
        "Share of null values, of all features together and of each column.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
    ),
    NEW_CATEGORY_RATE: Metric(
        "new-category rate",
        "Share of values that do not occur in the reference (out of vocabulary).",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    OUT_OF_RANGE_RATE: Metric(
        "out-of-range rate",
        "Share of values of a numeric feature below the smallest or above the largest of the reference. Counted in "
        "profiles: of more than 1,024 distinct values, those that share a cell with the extreme (1 % of its distance "
        "from the median) are not.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    ZERO_VECTOR_RATE: Metric(
        "zero-vector rate",
        "Share of vectors of norm 0; of more than 1,024 distinct norms, below 1 % of the reference's median norm.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        on_request=True,
        worse=Worse.ABOVE,
    ),
    MALFORMED_VECTOR_RATE: Metric(
        "malformed-vector rate",
        "Share of the rows read that are quarantined for a vector of another length, or with a null element.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        on_request=True,
        worse=Worse.ABOVE,
    ),
    CENTROID_COSINE: Metric(
        "cosine of the centroid",
        "Cosine of the angle between the mean of the vectors and that of the reference; 1: the same direction. It "
        "has no interval: how it varies is learnt from the days.",
        by_column=True,
        measure=Measure.SKILL,
        on_request=True,
        worse=Worse.BELOW,
        lowest=-1.0,
    ),
    DRIFT: Metric("drift score", "Distance of a column from the reference.", by_column=True),
    DRIFTED_COLUMNS: Metric(
        "drifted columns",
        "Columns whose drift is in breach, by the evaluation or a rule on `drift_score`.",
        is_count=True,
    ),
    DRIFTED_SHARE: Metric(
        "share of drifted columns",
        "Drifted columns, of those that could be evaluated; one without enough rows is not counted.",
        is_share=True,
    ),
    MULTIVARIATE: Metric(
        "multivariate drift",
        "ROC AUC of a classifier that separates the features of the day from the reference; 0.5: no drift. "
        "Needs `drift.multivariate`.",
        measure=Measure.AREA,
        worse=Worse.ABOVE,
    ),
    OUTLIER_RATE: Metric(
        "outlier rate",
        "Share of the rows of the day's sample (at most 5,000) that an isolation forest of the reference's sample "
        "isolates sooner than all but `drift.outliers` of the reference. Needs that key.",
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    BROKEN_RELATION_RATE: Metric(
        "broken-relation rate",
        "Share of the rows of the day's sample that break a relation of the column, such as departure ≤ arrival, "
        "total = net + tax or country determines currency. Relations are found in the reference.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    EXPLAINED_SHARE: Metric(
        "explained share",
        "R² of a column on the other features, by normal scores of the day's sample; a category is a number, the mean "
        "output of its value in the reference. Less than 0.1, which few rows explain by chance, is 0.1.",
        by_column=True,
        is_share=True,
        measure=Measure.AREA,
        worse=Worse.BOTH,
    ),
    EQUAL_SHARE: Metric(
        "equal share",
        "Share of the rows of the day's sample in which a column equals the one that it equals most, of those that it "
        "seldom equals in the reference.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    REPEATED_SHARE: Metric(
        "repeated share",
        "Share of rows that repeat another one of the day but for id and time, by the features that tell rows apart "
        "best.",
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    REPLAYED_SHARE: Metric(
        "replayed share",
        "Share of the distinct contents of the day's rows that one earlier day of the history or the reference has "
        "too, the largest of these shares; of a sample of 1,024.",
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    LABEL_COVERAGE: Metric(
        "label coverage",
        "Labels received, of the labels expected (without excluded rows); evaluated once the delay has run.",
        is_share=True,
        needs_labels=True,
        measure=Measure.SHARE,
        worse=Worse.BELOW,
    ),
    EXCLUDED_SHARE: Metric(
        "excluded rate",
        "Share of the rows with a known outcome that will never be labelled.",
        is_share=True,
        needs_labels=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    COVARIATE_SHIFT: Metric(
        "covariate shift",
        "Mean loss expected of the day's features and outputs, minus that of the reference: what other inputs explain.",
        of_model=True,
        measure=Measure.MEAN,
        worse=Worse.BOTH,
        lowest=None,
    ),
    CONCEPT_SHIFT: Metric(
        "concept shift",
        "Mean loss by the labels, minus the loss expected of the same rows: what inputs do not explain.",
        needs_labels=True,
        of_model=True,
        measure=Measure.MEAN,
        worse=Worse.BOTH,
        lowest=None,
    ),
    ESTIMATION_GAP: Metric(
        "estimation gap",
        "How much better than estimated the first estimated metric is by its labels; below 0 if it is worse.",
        needs_labels=True,
        of_model=True,
        measure=Measure.MEAN,
        worse=Worse.BELOW,
        lowest=None,
    ),
    **DISPARITIES,
}

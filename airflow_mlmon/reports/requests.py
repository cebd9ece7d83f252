"""Content of a day's page on its requests and on the attributions of the score."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from airflow_mlmon.records import MetricValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests of a day.

    Attributes:
        values: Metrics of all requests.
        saturation: Mean and 95 % quantile of each saturation column, by its name.
        statuses: Most frequent statuses, each with its requests and whether it is an error.
        by_hour: Chart of the requests by hour of the day.
    """

    values: tuple[MetricValue, ...]
    saturation: tuple[tuple[str, MetricValue, MetricValue], ...] = ()
    statuses: tuple[tuple[str, int, bool], ...] = ()
    by_hour: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributions:
    """Attributions of the score to the features.

    Attributes:
        ndcg: NDCG of their ranking against that of the reference.
        rows: Each feature with its mean magnitude and its share on the day, and its magnitude in the reference, the
            largest first.
    """

    ndcg: MetricValue
    rows: tuple[tuple[str, MetricValue, MetricValue, float | None], ...]

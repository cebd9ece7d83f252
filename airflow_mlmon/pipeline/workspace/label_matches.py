"""Counts of the ids of a delivery of labels: how many belong to a prediction; written beside the delivery."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Delivery, MetricValue
from airflow_mlmon.spec.metrics import LABEL_MATCH_RATE, LATE_LABELS, UNKNOWN_LABEL_IDS
from airflow_mlmon.statistics.intervals import wilson_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMatches:
    """Counts of the ids of one delivery.

    Attributes:
        ids: Ids of the delivery.
        matched: Those of predictions for which labels count.
        late: Those of predictions for which they come later than `delay_days`.
        is_known: Whether all days that the delivery can have labels for have been run.
    """

    ids: int
    matched: int
    late: int
    is_known: bool

    @property
    def unknown(self) -> int:
        """Ids that belong to no prediction."""
        return self.ids - self.matched - self.late


def write_matches(run: Run, delivery: Delivery, matches: LabelMatches) -> None:
    """Write the counts of a delivery beside it."""
    run.files.write(_uri(run, delivery), json.dumps(asdict(matches), sort_keys=True).encode())


def match_metrics(run: Run, partition: Partition) -> Iterator[MetricValue]:
    """Yield the metrics of the ids of a day's delivery; none without one."""
    for delivery in run.store.deliveries(run.model, partition.day, partition.day):
        try:
            found = LabelMatches(**json.loads(run.files.read(_uri(run, delivery))))
        except NotFoundError:
            continue
        rate = found.matched / found.ids if found.is_known else None
        reason = "" if found.is_known else "not all days that it has labels for were run"
        value = MetricValue(metric=LABEL_MATCH_RATE, value=rate, rows=found.ids, reason=reason)
        yield value.within(wilson_interval(found.matched, found.ids))
        unknown = found.unknown if found.is_known else None
        yield MetricValue(metric=UNKNOWN_LABEL_IDS, value=unknown, rows=found.ids, reason=reason)
        yield MetricValue(metric=LATE_LABELS, value=found.late, rows=found.ids)


def _uri(run: Run, delivery: Delivery) -> str:
    return run.uri("deliveries", delivery.partition.key, f"{delivery.version}.matches.json")

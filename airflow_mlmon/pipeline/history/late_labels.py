"""Reception of labels apart from the nightly run: of days whose run never came, and of deliveries that have changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition, date_range
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.deliveries import Taken, take_changed_deliveries
from airflow_mlmon.pipeline.steps.evaluate import evaluate_labels
from airflow_mlmon.pipeline.steps.performance import measure_labels
from airflow_mlmon.pipeline.steps.touched import find_touched_days, look_through, match_ids, within_reach


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsTaken:
    """Deliveries that were received, by day, what is said of each, and the days whose performance was redone."""

    delivered: dict[str, int]
    told: dict[str, str]
    days: tuple[str, ...]


def take_labels(run: Run, first: date, last: date) -> LabelsTaken:
    """Receive the deliveries of a range that are new or have changed, and redo the performance of their days alone.

    Each day is published in one transaction, oldest first. A second call finds nothing to do.

    Raises:
        ConfigError: the spec has no labels.
        PartitionConflictError: a day was run meanwhile; a second call does the rest.
    """
    labels = run.spec.labels
    if labels is None:
        raise ConfigError(f"The spec of {run.model} has no labels.", hint="declare `labels` in the spec")
    days = [run.partition(day) for day in date_range(max(first, run.spec.start), last)]
    taken = take_changed_deliveries(run, days)
    served = _served(run, first, last, labels.reach)
    redone = []
    for day in sorted(find_touched_days(run, served)):
        run.progress(f"performance of {day.key}")
        if measured := measure_labels(run, day, served[day]):
            evaluate_labels(run, measured)
            redone.append(day)
    if redone:
        write_pages(run, redone)
    return LabelsTaken(
        delivered={day.key: found.rows for day, found in taken.items()},
        told={day.key: said for day, found in taken.items() if (said := _tell(run, day, found, served))},
        days=tuple(day.key for day in redone),
    )


def _served(run: Run, first: date, last: date, reach: int) -> dict[Partition, str]:
    """Return the days that deliveries of a range may have labels for, and that are to be matched with them."""
    earliest = run.partition(first).shift(-2 * reach).day
    states = run.store.states(run.model, earliest, last)
    return {state.partition: state.version for state in states if state.version is not None}


def _tell(run: Run, day: Partition, taken: Taken, served: dict[Partition, str]) -> str:
    said = [taken.problem, taken.note]
    for delivery in run.store.deliveries(run.model, day.day, day.day):
        looked = look_through(run, delivery, within_reach(run, delivery, served))
        told, _ = match_ids(run, delivery, served, looked)
        said += [told.problem, told.note]
    return "; ".join(filter(None, said))

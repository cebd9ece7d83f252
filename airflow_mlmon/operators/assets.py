"""Assets of a model: its curated rows and its metrics, a partition a day, and its drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, Context

if TYPE_CHECKING:
    from airflow_mlmon.partition import Partition
    from airflow_mlmon.pipeline.run import Run
    from airflow_mlmon.pipeline.steps.evaluate import Evaluated
    from airflow_mlmon.pipeline.steps.prepare import Prepared


def curated_asset(model: str) -> Asset:
    """Return the asset to schedule a DAG on that runs when a day's curated rows can be read.

    Its events have the day as partition key: the schedule is a `PartitionedAssetTimetable`.
    """
    return _asset(model, "curated")


def metrics_asset(model: str) -> Asset:
    """Return the asset to schedule a DAG on that runs when a day was evaluated, also one without data.

    Its events have the day as partition key: the schedule is a `PartitionedAssetTimetable`.
    """
    return _asset(model, "metrics")


def drift_asset(model: str) -> Asset:
    """Return the asset to schedule a DAG on that runs when the model has drifted or lost performance."""
    return _asset(model, "drift")


def drift_alias(model: str) -> AssetAlias:
    """Return the outlet for the model's drift.

    A task with an asset as its outlet emits an event whenever it succeeds; with an alias, only when it adds one.
    """
    return AssetAlias(f"mlmon_{model}_drift")


def outlets_of(model: str) -> list[Asset | AssetAlias]:
    """Return the outlets of the task that evaluates a model's days."""
    return [curated_asset(model), metrics_asset(model), drift_alias(model)]


def announce_day(context: Context, run: Run, prepared: Prepared, evaluated: Evaluated) -> None:
    """Add the events of an evaluated day to the model's assets; Airflow emits them once the task has succeeded.

    They carry the day as partition key, and status, rows and page, never rows. Curated rows are announced of a day
    that has some.
    """
    from airflow_mlmon.pipeline.deciding.model_change import confirmed_change  # noqa: PLC0415 - heavy
    from airflow_mlmon.records import Status  # noqa: PLC0415 - heavy

    partition = prepared.partition
    told, untold = [metrics_asset(run.model)], [curated_asset(run.model)]
    if evaluated.status in {Status.OK, Status.PARTIAL} and prepared.rows_accepted:
        told, untold = [*told, *untold], []
    for asset in told:
        event = context["outlet_events"][asset]
        event.add_partitions(partition.key)
        event.extra.update(_facts(run, partition, prepared, evaluated))
    # it would get an event of no partition otherwise
    task = context["task"]
    task.outlets = [outlet for outlet in task.outlets if outlet not in untold]
    verdict = confirmed_change(run, partition, [run.partition(day) for day in evaluated.days])
    if verdict is not None:
        _announce_drift(context, run.model, verdict)


def _asset(model: str, name: str) -> Asset:
    """Make an asset at an address in its normal form.

    For an address that is not said to be in it, Airflow imports the handlers of every provider, and boto3 with them.
    """
    asset = Asset(name)
    for field in ("name", "uri"):
        object.__setattr__(asset, field, f"mlmon://{model}/{name}")
    return asset


def _facts(run: Run, partition: Partition, prepared: Prepared, evaluated: Evaluated) -> dict[str, Any]:
    return {
        "model": run.model,
        "partition": partition.key,
        "status": str(evaluated.status),
        "rows": prepared.rows_accepted,
        "version": prepared.version,
        "alerts": evaluated.alerts,
        "report": run.page_url(partition),
    }


def _announce_drift(context: Context, model: str, verdict: Mapping[str, Any]) -> None:
    context["outlet_events"][drift_alias(model)].add(drift_asset(model), extra=dict(verdict))

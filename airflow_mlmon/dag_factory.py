"""A DAG for each model spec of a folder.

from pathlib import Path
from airflow_mlmon.dag_factory import build_dags
globals().update(build_dags(Path(__file__).parents[1] / "include" / "models"))
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TriggerRule, chain

from airflow_mlmon.loading import load_spec
from airflow_mlmon.operators.assets import drift_alias
from airflow_mlmon.operators.base import PartitionOperator
from airflow_mlmon.operators.druid import DruidIngestOperator
from airflow_mlmon.operators.shards import (
    CurateShardOperator,
    JoinShardsOperator,
    ListSuspectsOperator,
    MatchIdsOperator,
    PlanShardsOperator,
    ReadShardOperator,
)
from airflow_mlmon.operators.steps import (
    DetectDriftOperator,
    EvaluatePartitionOperator,
    MeasurePerformanceOperator,
    PreparePartitionOperator,
    ProfilePartitionOperator,
    SendAlertsOperator,
    TakeLabelsOperator,
    ValidatePartitionOperator,
    WriteReportOperator,
)
from airflow_mlmon.partition import start_of
from airflow_mlmon.sensors.partition import PartitionSensor
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import EvidentlyForm
from airflow_mlmon.spec.labels import MANUAL

# the delivery of the day of the run is not complete
_YESTERDAY = "{{ macros.ds_add((dag_run.logical_date or dag_run.run_after) | ds, -1) }}"
DEFAULT_ARGS = {"retries": 2, "retry_delay": timedelta(minutes=2), "retry_exponential_backoff": True}


def build_dags(folder: str | Path, **dag_arguments: Any) -> dict[str, DAG]:
    """Build a DAG for each spec (`*.yaml`) of `folder`, keyed by the name of its model.

    Args:
        folder: folder of the specs.
        dag_arguments: passed to every DAG; they override the factory's own.

    Raises:
        ConfigError: a spec is invalid; Airflow shows the message as an import error.
    """
    dags: dict[str, DAG] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        dag = build_dag(path, **dag_arguments)
        dags[dag.dag_id] = dag
        if of_labels := build_labels_dag(path, **dag_arguments):
            dags[of_labels.dag_id] = of_labels
    return dags


def build_dag(path: str | Path, **dag_arguments: Any) -> DAG:
    """Build the nightly DAG of one spec."""
    spec = load_spec(path)
    with DAG(**(_dag_arguments(spec) | dag_arguments)) as dag:  # noqa: AIR002 - the schedule is among them
        _add_steps(str(Path(path).absolute()), spec)
    return dag


def build_labels_dag(path: str | Path, **dag_arguments: Any) -> DAG | None:
    """Build the DAG that takes in the labels of one spec apart from its runs; None unless `labels.schedule` is set."""
    spec = load_spec(path)
    if spec.labels is None or spec.labels.schedule is None:
        return None
    schedule = None if spec.labels.schedule == MANUAL else spec.labels.schedule
    own = {
        "dag_id": f"{spec.model}_labels",
        "description": f"Labels of {spec.model} that no run has read.",
        "schedule": schedule,
        "params": {
            "since": Param(
                None,
                type=["null", "string"],
                format="date",
                description="First day of delivery, YYYY-MM-DD; empty: as many days ago as labels may come late.",
            )
        },
    }
    with DAG(**(_dag_arguments(spec) | own | dag_arguments | {"dag_id": own["dag_id"]})) as dag:  # noqa: AIR002 - the schedule is among them
        given: dict[str, Any] = {"spec_path": str(Path(path).absolute()), "partition": _YESTERDAY}
        take = TakeLabelsOperator(task_id="take_labels", since="{{ params.since or '' }}", **given)
        ingest = DruidIngestOperator(task_id="druid_ingest", evaluated=take.output, **given)
        send = SendAlertsOperator(task_id="send_alerts", trigger_rule=TriggerRule.ALL_DONE, **given)
        take >> [ingest, send]
    return dag


def _dag_arguments(spec: ModelSpec) -> dict[str, Any]:
    return {
        "dag_id": spec.model,
        "description": spec.description or None,
        # not a cron string: its runs would have an empty data interval
        "schedule": CronDataIntervalTimetable("0 0 * * *", timezone=spec.day_zone),
        "start_date": start_of(spec.start, spec.day_zone),
        "end_date": start_of(spec.end, spec.day_zone) if spec.end else None,
        "catchup": False,
        # the limits of a partition depend on the partitions before it
        "max_active_runs": 1,
        "default_args": DEFAULT_ARGS | ({"owner": spec.owner} if spec.owner else {}),
        "tags": ["mlmon"],
        "params": {
            "partition": Param(
                None,
                type=["null", "string"],
                format="date",
                description="Day to process, YYYY-MM-DD; empty: the day of the run's data interval.",
            ),
            "force": Param(
                default=False,
                type="boolean",
                description="Also process a day that is not over yet, is before the spec's start or after its end.",
            ),
            "evidently": Param(
                None,
                type=["null", "string"],
                enum=[None, *EvidentlyForm],
                description="Evidently's report of the day: auto, page, json or none; empty: as the spec says.",
            ),
        },
    }


def _add_steps(spec_path: str, spec: ModelSpec) -> None:
    wait = PartitionSensor(
        task_id="wait_for_partition", spec_path=spec_path, mode="reschedule", poke_interval=300, timeout=8 * 86_400
    )
    if spec.shards is None:
        prepare: PartitionOperator = PreparePartitionOperator(task_id="prepare_partition", spec_path=spec_path)
        wait >> prepare
    else:
        prepare = _add_shards(spec_path, wait)
    given = {"spec_path": spec_path, "prepared": prepare.output}
    validate = ValidatePartitionOperator(task_id="validate_partition", **given)
    profile = ProfilePartitionOperator(task_id="profile_partition", **given)
    drift = DetectDriftOperator(task_id="detect_drift", **given, profiled=profile.output)
    measure = MeasurePerformanceOperator(task_id="measure_performance", **given)
    evaluate = EvaluatePartitionOperator(
        task_id="evaluate_partition",
        **given,
        profiled=profile.output,
        drift=drift.output,
        measured=measure.output,
        outlets=[drift_alias(spec.model)],
    )
    ingest = DruidIngestOperator(task_id="druid_ingest", spec_path=spec_path, evaluated=evaluate.output)
    # a failed partition is reported and notified too
    report = WriteReportOperator(
        task_id="write_report",
        spec_path=spec_path,
        evidently="{{ params.get('evidently') or '' }}",
        trigger_rule=TriggerRule.ALL_DONE,
    )
    send = SendAlertsOperator(task_id="send_alerts", spec_path=spec_path, trigger_rule=TriggerRule.ALL_DONE)
    [validate, drift, measure] >> evaluate >> [ingest, report]
    report >> send


def _add_shards(spec_path: str, wait: PartitionSensor) -> PartitionOperator:
    """Add the steps that prepare a day in shards, each step a task per shard; return the last of them."""
    plan = PlanShardsOperator(task_id="plan_shards", spec_path=spec_path)
    join = JoinShardsOperator(task_id="prepare_partition", spec_path=spec_path, shards=plan.output)
    steps = {
        "read_shard": ReadShardOperator,
        "match_ids": MatchIdsOperator,
        "list_suspects": ListSuspectsOperator,
        "curate_shard": CurateShardOperator,
    }
    mapped = [
        step.partial(task_id=task_id, spec_path=spec_path).expand(shard=plan.output) for task_id, step in steps.items()
    ]
    chain(wait, plan, *mapped, join)
    return join

"""A DAG for each model spec of a folder.

from pathlib import Path
from airflow_mlmon.dag_factory import build_dags
globals().update(build_dags(Path(__file__).parents[1] / "include" / "models"))
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TriggerRule, chain

from airflow_mlmon.errors import describe_unexpected
from airflow_mlmon.hooks.configuration import has_connection_in_environment, read_pages_url
from airflow_mlmon.loading import ListedSpec, list_specs, load_spec
from airflow_mlmon.operators.assets import outlets_of
from airflow_mlmon.operators.base import PartitionOperator
from airflow_mlmon.operators.broken import RefuseSpecOperator
from airflow_mlmon.operators.day import RunPartitionOperator
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
from airflow_mlmon.spec.summary import summarise_spec
from airflow_mlmon.triggers.partition import POLL_S

_TAG, _BROKEN_TAG = "mlmon", "mlmon-broken"
_LONGEST_DESCRIPTION = 1_000
# the delivery of the day of the run is not complete
_YESTERDAY = "{{ macros.ds_add((dag_run.logical_date or dag_run.run_after) | ds, -1) }}"
_EVIDENTLY = "{{ params.get('evidently') or '' }}"
DEFAULT_ARGS = {"retries": 2, "retry_delay": timedelta(minutes=2), "retry_exponential_backoff": True}
log = logging.getLogger(__name__)


def build_dags(folder: str | Path, **dag_arguments: Any) -> dict[str, DAG]:
    """Build a DAG for each spec (`*.yaml`, `*.yml`) of `folder` and of those below it, keyed by the name of its model.

    A spec that cannot be loaded costs its own model only: its DAG, with the tag `mlmon-broken`, fails each day with
    the message. So does the second of two specs of one model.

    Args:
        folder: folder of the specs.
        dag_arguments: passed to every DAG; they override the factory's own.

    Raises:
        ConfigError: there is no such folder; Airflow shows the message as an import error.
    """
    listed, pages_url = list_specs(folder), read_pages_url()
    models = {found.model for found in listed}
    dags: dict[str, DAG] = {}
    for found in listed:
        for dag in _dags_of(found, models, pages_url, dag_arguments):
            dags[dag.dag_id] = dag
    return dags


def build_dag(path: str | Path, **dag_arguments: Any) -> DAG:
    """Build the nightly DAG of one spec."""
    return _build_dag(load_spec(path), Path(path), read_pages_url(), dag_arguments)


def build_labels_dag(path: str | Path, **dag_arguments: Any) -> DAG | None:
    """Build the DAG that takes in the labels of one spec apart from its runs; None unless `labels.schedule` is set."""
    return _build_labels_dag(load_spec(path), Path(path), read_pages_url(), dag_arguments)


def _dags_of(found: ListedSpec, models: set[str], pages_url: str, dag_arguments: dict[str, Any]) -> list[DAG]:
    if found.spec is None:
        return [_build_broken_dag(found.model, found.path, found.error)]
    try:
        of_labels = _build_labels_dag(found.spec, found.path, pages_url, dag_arguments)
        if of_labels is not None and of_labels.dag_id in models:
            error = f"{found.path}: labels.schedule: {of_labels.dag_id!r}, the DAG of the labels, is another model"
            return [_build_broken_dag(found.model, found.path, error)]
        dag = _build_dag(found.spec, found.path, pages_url, dag_arguments)
    except Exception as error:
        log.exception("The DAG of %s cannot be built", found.path)
        return [_build_broken_dag(found.model, found.path, f"{found.path}: {describe_unexpected(error)}")]
    return [dag, of_labels] if of_labels else [dag]


def _build_broken_dag(model: str, path: Path, error: str) -> DAG:
    """Build the DAG in the place of that of a spec that cannot be loaded; its failed days are run by clearing them."""
    with DAG(
        dag_id=model,
        description=error[:_LONGEST_DESCRIPTION],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=[_BROKEN_TAG],
    ) as dag:
        RefuseSpecOperator(task_id="refuse_spec", model=model, spec_path=str(path.absolute()), error=error, retries=0)
    return dag


def _build_dag(spec: ModelSpec, path: Path, pages_url: str, dag_arguments: dict[str, Any]) -> DAG:
    with DAG(**(_dag_arguments(spec, pages_url) | dag_arguments)) as dag:  # noqa: AIR002 - the schedule is among them
        if spec.dag.single_task:
            _add_day(str(path.absolute()), spec)
        else:
            _add_steps(str(path.absolute()), spec)
    return _with_params(dag, _params(), dag_arguments)


def _build_labels_dag(spec: ModelSpec, path: Path, pages_url: str, dag_arguments: dict[str, Any]) -> DAG | None:
    if spec.labels is None or spec.labels.schedule is None:
        return None
    schedule = None if spec.labels.schedule == MANUAL else spec.labels.schedule
    if schedule is not None:
        _check_cron(schedule)
    own = {
        "dag_id": f"{spec.model}_labels",
        "description": f"Labels of {spec.model} that no run has read.",
        "schedule": schedule,
    }
    arguments = _dag_arguments(spec, pages_url) | own | dag_arguments | {"dag_id": own["dag_id"]}
    with DAG(**arguments) as dag:  # noqa: AIR002 - the schedule is among them
        given: dict[str, Any] = {"spec_path": str(path.absolute()), "partition": _YESTERDAY}
        take = TakeLabelsOperator(task_id="take_labels", since="{{ params.since or '' }}", **given)
        send = SendAlertsOperator(task_id="send_alerts", trigger_rule=TriggerRule.ALL_DONE, **given)
        take >> [_last_of(spec, take, **given), send]
    since = Param(
        None,
        type=["null", "string"],
        format="date",
        description="First day of delivery, YYYY-MM-DD; empty: as many days ago as labels may come late.",
    )
    return _with_params(dag, {"since": since}, dag_arguments)


def _with_params(dag: DAG, params: dict[str, Param], dag_arguments: dict[str, Any]) -> DAG:
    """Add the factory's params: a DAG that is made with some checks their schemas anew, a quarter of all its time."""
    if "params" not in dag_arguments:
        dag.params.update(params)
    return dag


def _check_cron(schedule: str) -> None:
    """Check a cron expression; Airflow does so after the file, and then schedules none of its DAGs."""
    from airflow.timetables.trigger import CronTriggerTimetable  # noqa: PLC0415 - for those that have one

    CronTriggerTimetable(schedule, timezone="UTC").validate()


def _dag_arguments(spec: ModelSpec, pages_url: str) -> dict[str, Any]:
    options = spec.dag
    tasks = {"owner": spec.owner or None} | options.model_dump(include={"pool", "queue", "priority_weight", "retries"})
    return {
        "dag_id": spec.model,
        "description": spec.description or None,
        "doc_md": summarise_spec(spec, pages_url),
        # not a cron string: its runs would have an empty data interval
        "schedule": None
        if options.schedule == MANUAL
        else CronDataIntervalTimetable(options.schedule, timezone=spec.day_zone),
        "start_date": start_of(spec.start, spec.day_zone),
        "end_date": start_of(spec.end, spec.day_zone) if spec.end else None,
        "catchup": False,
        # the limits of a partition depend on the partitions before it
        "max_active_runs": options.max_active_runs,
        "default_args": DEFAULT_ARGS | {name: value for name, value in tasks.items() if value is not None},
        "owner_links": {spec.owner: options.owner_link} if options.owner_link else {},
        "tags": list(dict.fromkeys([_TAG, *spec.tags])),
    }


def _params() -> dict[str, Param]:
    return {
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
    }


def _waiting(spec: ModelSpec) -> dict[str, Any]:
    """Return how a task waits; by default by Airflow's `default_deferrable`."""
    return {} if spec.dag.deferrable is None else {"deferrable": spec.dag.deferrable}


def _has_druid(spec: ModelSpec) -> bool:
    """Say whether a model is loaded into Druid: by `druid` in its spec, or its connection in the environment."""
    return "druid" in spec.model_fields_set or has_connection_in_environment(spec.druid.connection)


def _last_of(spec: ModelSpec, results: PartitionOperator, **given: Any) -> DruidIngestOperator | EmptyOperator:
    """Add the task that ends a run, and that does not run where the results are none.

    It is the load into Druid of a model that has one. Of the others it is a task that no worker runs: what comes after
    a failed task, such as its messages, would else make the run a success.
    """
    if _has_druid(spec):
        return DruidIngestOperator(task_id="druid_ingest", evaluated=results.output, **given, **_waiting(spec))
    return EmptyOperator(task_id="day_evaluated")


def _add_day(spec_path: str, spec: ModelSpec) -> None:
    """Add the whole day as one task, and the load into Druid."""
    day = RunPartitionOperator(
        task_id="run_partition",
        spec_path=spec_path,
        evidently=_EVIDENTLY,
        outlets=outlets_of(spec.model),
        **_waiting(spec),
    )
    if _has_druid(spec):
        day >> _last_of(spec, day, spec_path=spec_path)


def _add_steps(spec_path: str, spec: ModelSpec) -> None:
    wait = PartitionSensor(
        task_id="wait_for_partition",
        spec_path=spec_path,
        mode="reschedule",
        poke_interval=POLL_S,
        timeout=8 * 86_400,
        **_waiting(spec),
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
        outlets=outlets_of(spec.model),
    )
    # a failed partition is reported and notified too
    report = WriteReportOperator(
        task_id="write_report", spec_path=spec_path, evidently=_EVIDENTLY, trigger_rule=TriggerRule.ALL_DONE
    )
    send = SendAlertsOperator(task_id="send_alerts", spec_path=spec_path, trigger_rule=TriggerRule.ALL_DONE)
    [validate, drift, measure] >> evaluate >> [_last_of(spec, evaluate, spec_path=spec_path), report]
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

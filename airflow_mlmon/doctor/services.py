"""Findings on the services beside the store and the archives: Druid, MLflow and Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from airflow_mlmon.doctor.diagnosis import Diagnosis, TellTime, compare_clocks, doubtful, good, wrong
from airflow_mlmon.druid.answers import TaskState
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.requirements import check_cluster, explain_lost_nulls
from airflow_mlmon.mlflow.client import MlflowServer
from airflow_mlmon.spec.druid import Druid
from airflow_mlmon.storage import Cache

# whose answers are known; of these 25 and 33 run in the tests
OLDEST_DRUID, NEWEST_DRUID = 25, 33
_PATIENCE_S = 30
_PAUSE_S = 0.5
_KEY = "mlmon:doctor"


def check_druid(
    part: str,
    client: DruidClient,
    section: Druid,
    *,
    datasource: str,
    clock: TellTime,
    sleep: Callable[[float], None],
) -> Iterator[Diagnosis]:
    """Check Druid's version, extensions, task slots and clock, and that a task of a datasource is taken and run."""
    version = client.status().version
    major = int(version.partition(".")[0]) if version.partition(".")[0].isdigit() else 0
    if not OLDEST_DRUID <= major <= NEWEST_DRUID:
        said = f"Druid {version} is not among those whose answers are known, {OLDEST_DRUID} to {NEWEST_DRUID}"
        yield doubtful(part, said, "watch the first days, or use a version between")
    check_cluster(client, section)
    if lost := explain_lost_nulls(client):
        yield doubtful(part, lost, "set druid.generic.useDefaultValueForNull=false, or upgrade to Druid 32")
    yield from compare_clocks(part, client.now(), clock())
    slots, used = client.task_slots()
    shown = f"{used} of {slots} task slots in use"
    wanted = section.workers + 1 if section.workers > 1 else 1
    if slots < wanted:
        said = f"{slots} task slots, where a load takes {wanted}"
        yield wrong(part, said, "start a MiddleManager or an Indexer, or raise druid.worker.capacity")
        return
    said = f"Druid {version} at {client.base_url}: {shown}"
    # the time a task takes, by its older and its newer name
    task = {"type": "noop", "dataSource": datasource, "runTime": 1, "runTimeMillis": 1}
    yield from _try_task(part, client, task | {"id": f"mlmon-doctor-{clock():%Y%m%dT%H%M%S%f}"}, said, sleep)


def _try_task(
    part: str, client: DruidClient, task: dict[str, Any], said: str, sleep: Callable[[float], None]
) -> Iterator[Diagnosis]:
    """Run a task that does nothing, and wait for its end."""
    client.submit(task)
    for _ in range(int(_PATIENCE_S / _PAUSE_S)):
        status = client.task_status(task["id"])
        if status is not None and status.state is TaskState.SUCCESS:
            yield good(part, f"{said}; a task that does nothing was taken and run")
            return
        if status is not None and status.state is TaskState.FAILED:
            yield wrong(part, f"{said}; a task that does nothing failed: {status.error}", "see Druid's log of the task")
            return
        sleep(_PAUSE_S)
    client.shutdown(task["id"])
    hint = "loads wait for a slot as long: raise druid.worker.capacity, or look for tasks that hang"
    yield doubtful(part, f"{said}; a task was taken, and had not ended after {_PATIENCE_S} s", hint)


def check_mlflow(part: str, server: MlflowServer) -> Iterator[Diagnosis]:
    """Check that an MLflow server answers this user."""
    server.ping()
    yield good(part, "MLflow answers")


def check_redis(part: str, cache: Cache, clock: TellTime) -> Iterator[Diagnosis]:
    """Check that Redis keeps what is written; runs go on without."""
    value = clock().isoformat().encode()
    cache.write(_KEY, value, seconds=60)
    if cache.read(_KEY) == value:
        yield good(part, "Redis keeps what is written")
    else:
        hint = "check host, port, login and TLS of the connection"
        yield doubtful(part, "Redis does not keep what is written: ids are read from the workspace", hint)

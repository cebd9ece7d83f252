"""References and versions that a real MLflow server knows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.doctor.diagnosis import Health
from airflow_mlmon.doctor.services import check_mlflow
from airflow_mlmon.errors import ConfigError, DataError, MlmonError, NotFoundError, ServiceRejectedError
from airflow_mlmon.hooks.mlflow_server import connect_mlflow
from airflow_mlmon.hooks.s3 import s3_client
from airflow_mlmon.pipeline.baselines.accept import accept
from airflow_mlmon.pipeline.baselines.choose import choose_baselines
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.baselines.write_back import write_back
from airflow_mlmon.pipeline.deciding.alerting import AlertName, act_on_alerts
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.run import MlflowAccess, Run
from airflow_mlmon.pipeline.workspace.reference import ensure_reference, pinned_reference, read_reference_sample
from airflow_mlmon.pipeline.workspace.reference_rows import read_reference
from airflow_mlmon.records import Action, ActionKind
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.storage import Storage
from tests.support.archive import replace_columns, to_bytes
from tests.support.base_day import FIRST, BaseArchive, day_of, day_table, run_day
from tests.support.drift import drift_of
from tests.support.mlflow_registry import Registry, strange_server
from tests.support.mlflow_server import PYTHON, MlflowServer

ROWS = 14 * 200
NOW = datetime(2026, 3, 2, tzinfo=UTC)
OF_PATH = "reference:\n  path: {root}/reference/\n"
CONNECTION = "AIRFLOW_CONN_MLMON_MLFLOW_DEFAULT"


def training(seed: int, shift: float = 0.0) -> pa.Table:
    """Rows that a model was trained on, with its predictions."""
    days = [day_table(FIRST - timedelta(days=back + 30 * seed)) for back in range(14, 0, -1)]
    rows = pa.concat_tables(days)
    return replace_columns(rows, amount=np.exp(shift) * rows.column("amount").to_numpy())


@pytest.fixture(scope="module")
def server() -> Iterator[MlflowServer]:
    with MlflowServer() as server:
        yield server


@pytest.fixture(scope="module")
def registry(server, tmp_path_factory) -> Registry:
    return Registry(server, tmp_path_factory.mktemp("logged"))


@pytest.fixture
def connected(server, monkeypatch) -> None:
    monkeypatch.setenv(CONNECTION, server.connection())


def drift_of_amount(run: Run, offset: int) -> float:
    """The drift score of a feature on a day."""
    value = drift_of(run, run.partition(day_of(offset)))["amount"].value
    assert value is not None
    return value


def kind_on(run: Run, offset: int, version: str) -> str:
    """What the rows of a version are compared with on a day."""
    day = day_of(offset)
    reference = pinned_reference(run, day)
    assert reference is not None
    [chosen] = choose_baselines(run, reference, Span(days=(day,)), version=version)
    return chosen.facts.kind.value


@contextmanager
def opened(archive: BaseArchive, reference: str, *replacements: tuple[str, str], **given: Any) -> Iterator[Run]:
    """The run of the model with a reference."""
    of_path = OF_PATH.format(root=archive.root)
    access = MlflowAccess(connect=connect_mlflow, now=NOW)
    with archive.opened((of_path, f"reference:\n  {reference}\n"), *replacements, mlflow=access, **given) as run:
        yield run


@pytest.mark.usefixtures("connected")
def test_version_is_pinned_with_its_run_and_hears_what_is_accepted(registry, tmp_path):
    run_id = registry.log("train.parquet", training(0))
    version = registry.register(run_id)
    archive = BaseArchive(tmp_path)
    archive.write_day(FIRST)
    with opened(archive, f"mlflow: {{uri: models:/fraud/{version}, artifact: rows}}") as run:
        run_day(run, FIRST)
        reference = pinned_reference(run, FIRST)
        assert reference.profile.rows == ROWS
        assert (reference.source.version, reference.source.run) == (version, run_id)
        assert run.store.reference_source("m", f"models:/fraud/{version}: rows") == reference.source
        titles = {one.title for one in run.store.compared_with(run.partition(FIRST))}
        assert titles == {f"the reference (models:/fraud/{version}: rows)"}
        # what is accepted is written to the version and to its run, and so is a confirmed change
        rows = day_table(day_of(1))
        half = pa.array(np.arange(200) % 2 == 0)
        archive.write_day(day_of(1), replace_columns(rows, amount=pc.if_else(half, rows.column("amount"), None)))
        run_day(run, day_of(1))
        changed = next(one for one in run.store.tracked_alerts("m") if one.metric == "null_rate")
        action = Action(kind=ActionKind.ACCEPT, day=day_of(1), who="Ada", why="new form", at=NOW)
        act_on_alerts(run, [AlertName(fingerprint=changed.fingerprint)], action)
        accept(run, Baseline(reference=True), version=None, first=None, who="Ada <b>", why="as before", at=NOW)
        assert write_back(run) == ""
    tags = registry.client.get_model_version("fraud", version).tags
    assert (tags["mlmon.baseline"], tags["mlmon.baseline.accepted_by"]) == ("the reference", "Ada <b>")
    assert "null_rate amount" in tags["mlmon.accepted_change"]
    assert tags["mlmon.accepted_change.why"] == "new form"
    of_run = registry.client.get_run(run_id).data
    assert of_run.tags["mlmon.baseline.from"] == "2026-03-03"
    assert (of_run.metrics["mlmon.rows"], of_run.metrics["mlmon.null_rate.amount"]) == (200, 0.5)
    logged = registry.client.get_metric_history(run_id, "mlmon.rows")
    assert {one.timestamp for one in logged} == {datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000}


@pytest.mark.usefixtures("connected")
def test_changed_artifact_of_a_pinned_version_is_said_until_its_digest_is_accepted(registry, tmp_path):
    run_id = registry.log("train.parquet", training(0))
    archive = BaseArchive(tmp_path)
    with opened(archive, f"mlflow: runs:/{run_id}/rows/train.parquet") as run:
        before = ensure_reference(run).source
        assert (before.source, before.version) == (f"runs:/{run_id}/rows/train.parquet", "")
        registry.add(run_id, "train.parquet", training(1))
        # what is pinned stays
        assert ensure_reference(run).source == before
        with pytest.raises(DataError, match=f"they were pinned with {before.digest}") as refused:
            read_reference(run)
    digest = refused.value.hint.rpartition(" ")[2].strip("`.")
    with opened(archive, f"mlflow: {{uri: runs:/{run_id}/rows/train.parquet, digest: {digest}}}") as run:
        assert ensure_reference(run).source.digest == digest != before.digest


@pytest.mark.usefixtures("connected")
def test_logged_dataset_of_an_object_store_is_the_reference(registry, moto, tmp_path, monkeypatch):
    client = moto.client()
    client.create_bucket(Bucket="training")
    client.put_object(Bucket="training", Key="fraud/rows.parquet", Body=to_bytes(training(0)))
    run_id = registry.log("note.txt", b"what was trained")
    registry.dataset(run_id, "train", '{"uri": "s3://training/fraud/"}', "training")
    registry.dataset(run_id, "holdout", '{"uri": "/etc/passwd"}', "evaluation")
    version = registry.register(run_id)
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", moto.connection())
    archive = BaseArchive(tmp_path)
    storage = Storage(s3_client)
    with opened(archive, f"mlflow: models:/fraud/{version}\n  connection: lake", storage=storage) as run:
        reference = ensure_reference(run)
        assert reference.profile.rows == ROWS
        assert reference.source.dataset == "train, digest d1"
    with (
        opened(archive, f"mlflow: {{uri: models:/fraud/{version}, dataset: holdout}}") as run,
        pytest.raises(ConfigError, match=r"'holdout' of models:/fraud/\d+ lies at '/etc/passwd'"),
    ):
        ensure_reference(run)


ALIASED = "mlflow: {uri: models:/fraud@champion, artifact: rows}"


@pytest.mark.usefixtures("connected")
def test_alias_that_moves_leaves_past_days_their_version(registry, tmp_path):
    first = registry.register(registry.log("train.parquet", training(0)))
    second = registry.register(registry.log("train.parquet", training(0, shift=1.0)))
    archive = BaseArchive(tmp_path)
    for offset in range(3):
        archive.write_day(day_of(offset))
    registry.client.set_registered_model_alias("fraud", "champion", first)
    with opened(archive, ALIASED) as run:
        run_day(run, day_of(0))
        before = drift_of_amount(run, 0)
    registry.client.set_registered_model_alias("fraud", "champion", second)
    with opened(archive, ALIASED) as run:
        run_day(run, day_of(1))
        assert drift_of_amount(run, 1) > 10 * before
    # a later move, of which no past day may hear
    registry.client.set_registered_model_alias("fraud", "champion", first)
    with opened(archive, ALIASED) as run:
        run_day(run, day_of(0))
        run_day(run, day_of(1))
        list(reevaluate(run, day_of(0), day_of(1)))
        assert drift_of_amount(run, 0) == before
        assert drift_of_amount(run, 1) > 10 * before
        versions = [pinned_reference(run, day_of(offset)).source.version for offset in range(2)]
        assert versions == [first, second]
        # all days are comparable
        assert len({pinned_reference(run, day_of(offset)).schema.id for offset in range(2)}) == 1
        run_day(run, day_of(2))
        assert run.store.alias_on("m", "models:/fraud@champion", day_of(2)).version == first


@pytest.mark.usefixtures("connected")
def test_past_day_is_run_again_while_the_server_is_away(registry, server, tmp_path):
    registry.client.set_registered_model_alias(
        "fraud", "champion", registry.register(registry.log("train.parquet", training(0)))
    )
    archive = BaseArchive(tmp_path)
    for offset in range(2):
        archive.write_day(day_of(offset))
    with opened(archive, ALIASED) as run:
        run_day(run, day_of(0))
        pin = accept(run, Baseline(trailing=2), version=None, first=None, who="Ada", why="retrained", at=NOW)
        server.stop()
        try:
            run_day(run, day_of(0))
            with pytest.raises(MlmonError, match="does not answer") as raised:
                run_day(run, day_of(1))
            assert raised.value.retryable
            # an acceptance waits, and is said
            assert "is not in MLflow yet" in write_back(run)
            assert ("baseline", pin.number) not in run.store.written_back("m")
        finally:
            server.start()
        assert write_back(run) == ""
        assert ("baseline", pin.number) in run.store.written_back("m")


@pytest.mark.usefixtures("connected")
def test_logged_model_makes_the_predictions_that_the_rows_lack(registry, tmp_path):
    rows = training(0).drop_columns(["score", "flagged"])
    text = rows.to_pandas().assign(purpose="kept out").to_csv(index=False).encode()
    run_id = registry.log("train.csv", text)
    version = registry.server.log_model(run_id, "fraud")
    named = f"uri: models:/fraud/{version}, artifact: rows/train.csv, predict: {PYTHON}"
    with opened(BaseArchive(tmp_path), f"mlflow: {{{named}, output: score}}\n  format: csv") as run:
        reference = ensure_reference(run)
        sampled = read_reference_sample(run, reference)
        amount, score = (sampled.column(name).to_numpy() for name in ("amount", "score"))
        assert np.allclose(score, amount / (amount + 20), rtol=1e-5)
        # what the model does not answer stays unknown
        assert reference.unknown == ("flagged",)
        # the digest is that of what was logged, not of what was made of it
        assert reference.files == {"rows/train.csv": hashlib.sha256(text).hexdigest()}
    # in the process of the monitoring there is no way
    with (
        opened(BaseArchive(tmp_path / "nowhere"), f"mlflow: {{{named.replace(str(PYTHON), '/no/python')}}}") as run,
        pytest.raises(ConfigError, match="'/no/python' cannot be started"),
    ):
        ensure_reference(run)


VERSIONED = (
    ("    amount: {type: float}\n", "    amount: {type: float}\n    model_version: {type: category, role: version}\n"),
    (
        "model: m\n",
        'model: m\nversions: {"models:/fraud@challenger": previous, "models:/fraud@nobody": {trailing: 7}}\n',
    ),
)


@pytest.mark.usefixtures("connected")
def test_baseline_of_a_version_by_alias_follows_the_registry(registry, tmp_path):
    first = registry.register(registry.log("train.parquet", training(0)))
    second = registry.register(registry.log("train.parquet", training(0)))
    archive = BaseArchive(tmp_path)
    for offset in range(2):
        rows = day_table(day_of(offset))
        archive.write_day(day_of(offset), rows.append_column("model_version", pa.array([first, second] * 100)))
    reference = f"mlflow: {{uri: models:/fraud/{first}, artifact: rows}}"
    for offset, challenger in enumerate((first, second)):
        registry.client.set_registered_model_alias("fraud", "challenger", challenger)
        with opened(archive, reference, *VERSIONED) as run:
            run_day(run, day_of(offset))
    with opened(archive, reference, *VERSIONED) as run:
        for offset, (challenger, other) in enumerate(((first, second), (second, first))):
            of = {version: kind_on(run, offset, version) for version in (challenger, other)}
            assert of == {challenger: "previous", other: "reference"}


@pytest.mark.usefixtures("connected")
def test_doctor_says_that_the_server_answers():
    [found] = check_mlflow("mlflow", connect_mlflow("mlmon_mlflow_default"))

    assert (found.health, found.said) == (Health.OK, "MLflow answers")


def test_wrong_password_is_said_and_not_shown(tmp_path, monkeypatch):
    with strange_server({"": (401, None)}) as url:
        monkeypatch.setenv(
            CONNECTION, json.dumps({"conn_type": "http", "host": url, "login": "a", "password": "wr0ng"})
        )
        archive = BaseArchive(tmp_path)
        with opened(archive, "mlflow: {uri: models:/fraud/1, artifact: rows}") as run:
            with pytest.raises(ServiceRejectedError, match="401") as refused:
                ensure_reference(run)
            assert "mlmon_mlflow_default" in str(refused.value)
            assert "wr0ng" not in str(refused.value)
            assert "wr0ng" not in repr(refused.value.facts)
        assert "wr0ng" not in repr(connect_mlflow("mlmon_mlflow_default").__dict__)


RUN = {"run_id": "evil", "experiment_id": "1", "lifecycle_stage": "active", "status": "FINISHED", "start_time": 1}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"path": "../../../escaped.csv", "is_dir": False, "file_size": 9}, "Invalid path|leads elsewhere"),
        ({"path": "rows.csv", "is_dir": False, "file_size": 5 << 30}, "5,368,709,120 bytes; at most"),
    ],
)
def test_artifact_of_a_hostile_server_is_refused(tmp_path, monkeypatch, file, said):
    run_of = {"info": RUN | {"artifact_uri": "mlflow-artifacts:/1/evil/artifacts"}, "data": {}}
    answers = {"/runs/get": (200, {"run": run_of}), "/artifacts": (200, {"files": [file]}), "/search": (200, {})}
    with strange_server(answers) as url:
        monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "http", "host": url}))
        with (
            opened(BaseArchive(tmp_path), "mlflow: runs:/evil/rows") as run,
            pytest.raises(ServiceRejectedError, match=said),
        ):
            ensure_reference(run)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("reference", "error", "said"),
    [
        ("mlflow: {uri: models:/fraud/999, artifact: rows}", NotFoundError, "version=999"),
        ("mlflow: {uri: models:/fraud@unset, artifact: rows}", NotFoundError, "names no version"),
        ("mlflow: runs:/{run}/nothing.parquet", NotFoundError, "has no artifact 'nothing.parquet'.*there are rows"),
        ("mlflow: runs:/{run}", NotFoundError, "0 datasets of context training"),
        ("mlflow: runs:/{run}/rows/model.bin", MlmonError, "no known format"),
    ],
)
def test_what_is_no_reference_is_said(registry, tmp_path, reference, error, said):
    run_id = registry.log("model.bin", bytes(range(256)))
    with (
        opened(BaseArchive(tmp_path), reference.replace("{run}", run_id)) as run,
        pytest.raises(error, match=f"(?s){said}"),
    ):
        ensure_reference(run, FIRST)


@pytest.mark.usefixtures("connected")
def test_deleted_version_and_run_are_said_while_what_is_pinned_stays(registry, tmp_path):
    run_id = registry.log("train.parquet", training(0))
    version = registry.register(run_id)
    reference = f"mlflow: {{uri: models:/fraud/{version}, artifact: rows}}"
    with opened(BaseArchive(tmp_path), reference) as run:
        pinned = ensure_reference(run, FIRST)
        registry.client.delete_run(run_id)
        with pytest.raises(NotFoundError, match=f"run {run_id} is deleted"):
            read_reference(run)
        registry.client.delete_model_version("fraud", version)
        with pytest.raises(NotFoundError, match=f"version={version}"):
            read_reference(run)
        assert ensure_reference(run, FIRST).digest == pinned.digest

"""`mlmon init` on archives with labels and training data: what it finds, asks, marks and never drops."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.loading import load_spec
from airflow_mlmon.spec import ColumnType, ModelSpec, PersonalData, Role
from tests.support.archive import to_bytes
from tests.support.processes import PATIENCE_S
from tests.support.runs import write_file

FIRST, ROWS = date(2026, 3, 1), 120


def predictions(day: date) -> pa.Table:
    random = np.random.default_rng(day.toordinal())
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    score = random.random(ROWS)
    return pa.table(
        {
            "request_id": [f"{day}-{n}" for n in range(ROWS)],
            "trace_id": [f"t-{day}-{n}" for n in range(ROWS)],
            "event_time": [start + timedelta(minutes=10 * n) for n in range(ROWS)],
            "received_at": [start + timedelta(minutes=10 * n, seconds=1) for n in range(ROWS)],
            "amount": random.lognormal(3, 1, ROWS),
            "ip_country": random.choice(["DE", "FR", "IT"], ROWS),
            "email": [f"person{n}@example.com" for n in range(ROWS)],
            "email_age_days": random.integers(0, 2_000, ROWS),
            "score": score,
            "flagged": score > 0.5,
        }
    )


def training() -> pa.Table:
    table = predictions(date(2025, 11, 1)).drop_columns(["request_id", "trace_id", "event_time", "received_at"])
    return table.append_column("fraud", pa.array(np.arange(ROWS) % 7 == 0))


def labels_of(table: pa.Table) -> pa.Table:
    return pa.table({"request_id": table["request_id"], "fraud": np.arange(ROWS) % 5 == 0})


def write(name: str, table: pa.Table) -> None:
    write_file(name, to_bytes(table))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Three days of predictions below `archive/preds`."""
    monkeypatch.chdir(tmp_path)
    for offset in range(3):
        day = FIRST + timedelta(days=offset)
        write(f"archive/preds/dt={day}/part-0.parquet", predictions(day))
    return tmp_path


def write_labels(name: str = "archive/labels") -> None:
    for offset in range(3):
        day = FIRST + timedelta(days=offset)
        write(f"{name}/dt={day}/part-0.parquet", labels_of(predictions(day)))


def draft(data: str, *options: str) -> tuple[ModelSpec, str]:
    """The spec that is drafted, which passes `check`, and its text."""
    Path("draft.yaml").unlink(missing_ok=True)
    assert main(["init", data, "--output", "draft.yaml", *options]) == 0
    assert main(["check", "draft.yaml"]) == 0
    return load_spec("draft.yaml"), Path("draft.yaml").read_text()


def below(path: str) -> str:
    """The path below the folder of the test."""
    return os.path.relpath(path)


def test_labels_and_training_data_beside_the_predictions_are_found(folder, capsys):
    write_labels()
    write("archive/training/rows.parquet", training())

    spec, text = draft("archive/preds")

    assert spec.labels is not None
    assert (below(spec.labels.path), spec.labels.id, spec.labels.label) == (
        "archive/labels/dt={date}",
        "request_id",
        "fraud",
    )
    assert (below(spec.reference.path), spec.reference.label, spec.reference.dated) == (
        "archive/training",
        "fraud",
        False,
    )
    assert "# guess: found beside the predictions; the day in their path is that of their delivery" in text
    assert "# guess: found beside the predictions, with their columns and without days" in text
    said = capsys.readouterr().err
    assert "labels: found in archive/labels\n" in said
    assert "reference: found training data in archive/training\n" in said
    assert "watched days" not in said + text


def test_plain_training_data_without_outputs_is_a_reference_that_check_can_use(folder, monkeypatch, capsys):
    write_labels()
    write("archive/training/rows.parquet", training().drop_columns(["score", "flagged"]))

    spec, text = draft("archive/preds")

    assert (below(spec.reference.path), spec.reference.label) == ("archive/training", "fraud")
    assert "label: fraud # guess: named as in the labels" in text
    monkeypatch.delenv("AIRFLOW__MLMON__HASH_KEY", raising=False)
    capsys.readouterr()
    assert main(["check", "draft.yaml", "--data"]) == 0
    shown = capsys.readouterr().out
    assert "the setting hash_key is not set here" in shown
    assert "no score (score): its drift is not measured against the reference" in shown


def test_root_of_an_archive_keeps_its_data_sets_apart(folder, capsys):
    write_labels("archive/outcomes")
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(training(), sink)
    write_file("archive/train.csv", sink.getvalue().to_pybytes())
    write("archive/costs/dt=2026-03-01/a.parquet", pa.table({"centre": ["a", "b"], "cost": [1.0, 2.0]}))

    spec, text = draft("archive")

    assert below(spec.predictions.path) == "archive/preds/dt={date}"
    assert spec.labels is not None
    assert below(spec.labels.path) == "archive/outcomes/dt={date}"
    assert below(spec.reference.path) == "archive/train.csv"
    assert {"fraud", "cost", "centre"}.isdisjoint(spec.columns)
    assert '# Beside them, and not used: "archive/costs"' in text


@pytest.mark.parametrize("data", ["archive/preds", "archive"])
def test_watched_days_are_the_reference_only_if_it_is_said_what_that_means(folder, capsys, data):
    spec, text = draft(data)

    assert below(spec.reference.path) == "archive/preds"
    assert (
        "# No training data was found, so the watched days are their own reference. What that means: whatever" in text
    )
    assert "# guess: the watched days themselves" in text
    assert "what is wrong in them counts as normal" in capsys.readouterr().err


def test_another_model_beside_is_neither_labels_nor_training_data(folder):
    other = {"request_id": ["a", "b"], "event_time": [datetime(2026, 3, 1, tzinfo=UTC)] * 2, "price": [1.0, 2.0]}
    write("archive/prices/dt=2026-03-01/a.parquet", pa.table(other))
    write_file("archive/notes.txt", b"not data")

    spec, _ = draft("archive/preds")

    assert spec.labels is None
    assert below(spec.reference.path) == "archive/preds"


def test_paths_that_were_given_go_before_what_is_found(folder, capsys):
    write_labels()
    write("archive/training/rows.parquet", training())
    write("elsewhere/rows.parquet", training())

    spec, _ = draft("archive/preds", "--reference", "elsewhere")

    assert below(spec.reference.path) == "elsewhere"
    assert "reference:" not in capsys.readouterr().err


def test_nothing_is_dropped_by_guess(folder):
    spec, text = draft("archive/preds")

    assert set(spec.columns) == set(predictions(FIRST).column_names)
    assert {name: column.personal for name, column in spec.columns.items() if column.personal} == {
        "email": PersonalData.HASH
    }
    assert {"ip_country", "email_age_days", "amount"} <= set(spec.features)
    line = {line.split(":")[0].strip(): line for line in text.splitlines()}
    assert (
        "only a keyed hash is kept; `personal: drop` keeps nothing, without `personal` it is monitored" in line["email"]
    )
    assert "not personal, though by its name it may be: it tells of the country alone" in line["ip_country"]
    assert 'or "trace_id"' in line["request_id"]
    assert 'or "received_at"' in line["event_time"]
    assert "AIRFLOW__MLMON__HASH_KEY" in text


@pytest.mark.service
def test_data_sets_beside_are_found_in_an_object_store(folder, moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = moto.bucket("archives-of-init")
    write_labels()
    for path in Path("archive").rglob("*.parquet"):
        key = f"fraud/{path.relative_to('archive')}"
        moto.client().put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

    for data in (f"s3://{bucket}/fraud/preds/", f"s3://{bucket}/fraud"):
        spec, _ = draft(data)
        assert spec.predictions.path.rstrip("/") == f"s3://{bucket}/fraud/preds/dt={{date}}"
        assert spec.labels is not None
        assert spec.labels.path.rstrip("/") == f"s3://{bucket}/fraud/labels/dt={{date}}"


def converse(arguments: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Call mlmon in a pseudo-terminal, and answer each question once its text is there."""
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-m", "airflow_mlmon.cli.main", *arguments])  # noqa: S606 - as a person does
    shown, left, end = "", list(answers), time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            break
        asked = " ".join(shown.split())
        if left and left[0][0] in asked:
            os.write(terminal, f"{left.pop(0)[1]}\n".encode())
            shown = ""
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown if not left else f"never asked: {left}; {shown}"


def test_terminal_is_asked_and_answers_go_before_guesses(folder):
    write_labels()
    answers = [
        ("Name of the model", "payments"),
        ("Person or team", "risk team"),
        ("Labels were found in archive/labels", "n"),
        ("Path of the data that it was trained on", ""),
        ("Which column is the prediction's id?", "2"),
        ("Which column is the time of the prediction?", ""),
        ("ip_country: not personal", "hash"),
        ("email: personal: its texts look like e-mail addresses", "drop"),
        ("email_age_days: not personal", ""),
    ]

    code, shown = converse(["init", "archive/preds", "--output", "draft.yaml"], answers)

    assert (code, "never asked" in shown) == (0, False), shown
    spec = load_spec("draft.yaml")
    assert (spec.model, spec.owner, spec.labels) == ("payments", "risk team", None)
    assert (spec.column_of(Role.ID), spec.time_column) == ("trace_id", "event_time")
    personal = {name: column.personal for name, column in spec.columns.items() if column.personal}
    assert personal == {"ip_country": PersonalData.HASH, "email": PersonalData.DROP}
    assert spec.columns["email_age_days"].type is ColumnType.INTEGER
    [line] = [line for line in Path("draft.yaml").read_text().splitlines() if line.strip().startswith("email:")]
    assert "guess" not in line


def test_yes_takes_the_guesses_in_a_terminal(folder):
    code, shown = converse(["init", "archive/preds", "--output", "draft.yaml", "--yes"], [])

    assert (code, "?" in shown) == (0, False), shown
    assert load_spec("draft.yaml").model == "preds"

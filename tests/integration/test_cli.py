"""The command `mlmon`, as a shell or a script calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.archive import FIRST, WITHOUT_EVIDENTLY, Archive
from tests.support.runs import local_archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = local_archive(tmp_path, 2)
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    return archive


def mlmon(folder: Path, *arguments: str, program: Sequence[str] = ("-m", "airflow_mlmon.cli.main")):
    return subprocess.run(
        [sys.executable, *program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "AIRFLOW_HOME": str(folder / "home"), "COLUMNS": "120"},
    )


def test_check_accepts_a_good_spec(archive, tmp_path):
    done = mlmon(tmp_path, "check", "loans.yaml")

    assert (done.returncode, done.stderr) == (0, "")
    assert "ok: model loans, 3 features, labels, 3 alert rules" in done.stdout


def test_check_names_file_line_and_key_and_shows_no_traceback(archive, tmp_path):
    (tmp_path / "bad.yaml").write_text(archive.spec_text(("metric: score_mean", "metric: scor_mean")))

    done = mlmon(tmp_path, "check", "bad.yaml", "loans.yaml")

    assert done.returncode == 2
    assert done.stderr == "bad.yaml:33: alerts.rules.0.metric: 'scor_mean' is unknown; did you mean score_mean?\n"
    assert "loans.yaml: ok" in done.stdout


def test_check_knows_great_expectations_names(archive, tmp_path):
    check = "quality: [{expectation: expect_column_values_to_be_betwen, column: amount}]"
    (tmp_path / "bad.yaml").write_text(archive.spec_text(extra=[check]))

    done = mlmon(tmp_path, "check", "--json", "bad.yaml")

    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert "did you mean expect_column_values_to_be_between?" in found["problems"][0]


def test_run_prints_the_day_and_where_its_report_is_and_imports_no_airflow(archive, tmp_path):
    probe = (
        "import sys; from airflow_mlmon.cli.main import main; code = main(sys.argv[1:]);"
        "print('airflow' in sys.modules); sys.exit(code)"
    )

    done = mlmon(tmp_path, "run", "loans.yaml", "--partition", str(FIRST), program=("-c", probe))

    assert done.returncode == 0, done.stderr
    assert f"{FIRST} Sun" in done.stdout
    reports, has_airflow = done.stdout.splitlines()[-2:]
    assert reports == f"reports: {tmp_path}/home/mlmon/workspace/reports/loans"
    assert has_airflow == "False"
    assert (tmp_path / "home/mlmon/workspace/reports/loans" / str(FIRST) / "report.html").exists()


def test_backfill_prints_one_json_object_a_partition(archive, tmp_path):
    last = FIRST + timedelta(days=2)
    done = mlmon(
        tmp_path, "backfill", "loans.yaml", "--from", str(FIRST), "--to", str(last), "--json", "--evidently", "none"
    )

    days = [json.loads(line) for line in done.stdout.splitlines()]
    assert [day["partition"] for day in days] == [str(FIRST + timedelta(days=n)) for n in range(3)]
    assert [day["status"] for day in days] == ["OK", "OK", "NO_DATA"]
    assert done.returncode == 1
    assert days[0]["rows"] == 80
    assert {"metric", "column", "segment", "value", "effect", "breached"} <= set(days[0]["verdicts"][0])
    assert {"fingerprint", "state", "severity", "cause"} <= set(days[2]["alerts"][0])
    assert days[1]["replaced"] == [str(FIRST + timedelta(days=1)), str(FIRST)]


def test_a_channel_that_is_down_hides_neither_the_day_nor_its_gauges(archive, tmp_path, monkeypatch):
    channel = ("alerts:\n", "alerts:\n  channels: [{webhook: nowhere}]\n")
    (tmp_path / "loans.yaml").write_text(
        archive.spec_text(WITHOUT_EVIDENTLY, channel, ("null_rate, max: 0.3", "rows, min: 1000"))
    )
    monkeypatch.setenv("AIRFLOW__MLMON__METRICS_FOLDER", str(tmp_path / "gauges"))

    done = mlmon(tmp_path, "run", "loans.yaml", "--partition", str(FIRST))

    assert done.returncode == 1
    assert "Airflow connection 'nowhere' does not exist" in done.stderr
    assert f"{FIRST} Sun" in done.stdout
    assert (tmp_path / "gauges" / "mlmon_loans.prom").exists()


def test_a_reader_that_goes_keeps_the_day_from_no_one_else(archive, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__MLMON__METRICS_FOLDER", str(tmp_path / "gauges"))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        command = [sys.executable, "-m", "airflow_mlmon.cli.main", "run", "loans.yaml", "--partition", str(FIRST)]
        done = subprocess.run(
            [*command, "--evidently", "none"],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "home")},
        )

    assert (done.returncode, b"Traceback" in done.stderr) == (141, False)
    assert (tmp_path / "gauges" / "mlmon_loans.prom").exists()


def test_backfill_says_of_each_partition_what_its_labels_said_when_they_had_come(archive, tmp_path):
    """They come on the two days after it."""
    rules = ("- {metric: positive_rate", "- {metric: accuracy, min: 1.0}\n    - {metric: positive_rate")
    (tmp_path / "loans.yaml").write_text(archive.spec_text(WITHOUT_EVIDENTLY, rules))
    last = FIRST + timedelta(days=3)

    done = mlmon(tmp_path, "backfill", "loans.yaml", "--from", str(FIRST), "--to", str(last), "--json")

    first, second, *_ = days = [json.loads(line) for line in done.stdout.splitlines()]
    assert [day["partition"] for day in days] == [str(FIRST + timedelta(days=n)) for n in range(4)]
    for day in (first, second):
        verdicts = {(verdict["metric"], verdict["segment"]): verdict for verdict in day["verdicts"]}
        assert verdicts["accuracy", None]["breached"] is True
        assert "accuracy" in [alert["metric"] for alert in day["alerts"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nothing.yaml", "--partition", "2026-03-01"], "nothing.yaml: cannot read the file"),
        (["run", "loans.yaml", "--partition", "yesterday"], "'yesterday' is not a day"),
        (
            ["backfill", "loans.yaml", "--from", "2026-03-02", "--to", "2026-03-01"],
            "ends (2026-03-01) before it begins",
        ),
    ],
)
def test_a_wrong_call_exits_with_2_and_one_line(archive, tmp_path, arguments, message):
    done = mlmon(tmp_path, *arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_cannot_be_reached_exits_with_1_and_hides_the_password(archive, tmp_path):
    url = "postgresql+psycopg://mlmon:s3cret@127.0.0.1:1/none"

    done = mlmon(tmp_path, "run", "loans.yaml", "--partition", str(FIRST), "--store", url)

    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_help_names_every_command_and_the_exit_codes(tmp_path):
    done = mlmon(tmp_path, "--help")

    assert all(word in done.stdout for word in ("check", "run", "backfill", "exit codes"))

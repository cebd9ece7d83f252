"""Old names of commands and keys are read for one release, and the user is told what to write."""

from __future__ import annotations

import subprocess
import sys

SPEC = """\
model: loans
start: 2026-03-01
predictions:
  path: preds/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    score: {type: float, role: score}
reference: {path: reference}
history: {nights: 20}
"""


def mlmon(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow_mlmon.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_old_key_is_read_with_one_line_that_says_what_to_write(tmp_path):
    spec = tmp_path / "loans.yaml"
    spec.write_text(SPEC)

    checked = mlmon("check", str(spec))

    assert checked.returncode == 0
    assert checked.stderr == (
        f"{spec}:10: history.nights: is an old spelling, which the next release refuses; write days\n"
    )


def test_an_old_command_runs_the_new_one_and_says_so(tmp_path):
    spec = tmp_path / "loans.yaml"
    spec.write_text(SPEC.replace("nights", "days"))
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path)]

    shown = mlmon("layout", "show", str(spec), *places)

    assert shown.stderr.startswith(
        "mlmon layout: is an old spelling, which the next release refuses; write mlmon schema\n"
    )
    assert "No profile schema is pinned for loans" in shown.stderr

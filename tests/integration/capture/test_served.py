"""A server that is asked to end brings its rows to the archive, of itself."""

from __future__ import annotations

import sys
from urllib.request import urlopen

import pytest

from tests.support.captured import read_archive
from tests.support.environments import ROOT
from tests.support.processes import PATIENCE_S, answers, await_ready, free_port, start


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn_loses_no_row_when_it_is_asked_to_end(tmp_path, workers):
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "uvicorn", "tests.support.captured_app:app", "--port", str(port)]
    variables = {"PYTHONPATH": str(ROOT), "MLMON_TEST_FOLDER": str(tmp_path)}
    server = start([*command, "--workers", str(workers)], log, variables)
    await_ready(server, lambda: answers(port), log)
    keys = []
    for _ in range(40):
        with urlopen(f"http://127.0.0.1:{port}/") as answer:
            keys.append(answer.read().decode())
    server.terminate()
    status = server.wait(PATIENCE_S)
    found = read_archive(tmp_path / "archive")
    assert sorted(found.ids) == sorted(keys), log.read_text()
    assert {marks.process for marks in found.marks if marks.closing} == {key.partition("-")[0] for key in keys}
    # one server meets the signal at its end, as it does without a capture
    assert status == (-15 if workers == 1 else 0)

"""More rows than can be written, for an S3 that is dead: memory stays bounded, and each row is accounted for."""

from __future__ import annotations

import json
import os
import subprocess

from tests.support.environments import ROOT, VARIABLES, environment

MOST = 64


def test_memory_stays_within_its_bound(tmp_path):
    python = environment("serving") / "python"
    # what the example service has loaded before
    command = [python, "-m", "tests.support.overload", tmp_path, "fastapi,uvicorn,pandas,lightgbm"]
    output = subprocess.run(command, cwd=ROOT, env={**os.environ, **VARIABLES}, capture_output=True, check=True).stdout
    found = json.loads(output)
    assert found["memory"] <= MOST
    assert found["dropped"]["spool_full"] > 0
    lost = sum(found["dropped"].values())
    # files that are being written are in none of the counts
    rest = found["accepted"] - found["published"] - found["spooled"] - lost
    assert 0 <= rest <= found["queue_rows"]

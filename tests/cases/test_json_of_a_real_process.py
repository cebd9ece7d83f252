"""`mlmon … --json` in a process of its own on an archive in S3: standard output holds JSON lines alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import pytest

from tests.support.archive import to_bytes
from tests.support.base_day import FIRST, BaseArchive, day_of, day_table
from tests.support.runs import s3_writer

pytestmark = pytest.mark.service


def test_what_the_provider_of_s3_logs_is_not_in_the_answer(moto, tmp_path, airflow_home):
    """prestodb/presto PR #16743: days in S3, whose provider logs to standard output."""
    bucket = f"preds-{uuid.uuid4().hex[:12]}"
    client = moto.client()
    client.create_bucket(Bucket=bucket)
    for offset in range(3):
        name = f"s3://{bucket}/preds/dt={day_of(offset)}/part-0.parquet"
        s3_writer(client)(name, to_bytes(day_table(day_of(offset))))
    archive = BaseArchive(tmp_path)
    spec = tmp_path / "m.yaml"
    spec.write_text(
        archive.spec_text.replace(f"{archive.root}/preds/", f"s3://{bucket}/preds/").replace(
            "predictions:\n", "predictions:\n  connection: aws_default\n"
        )
    )
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path / "workspace")]
    run = ["run", str(spec), "--partition", str(FIRST)]
    backfill = ["backfill", str(spec), "--from", str(day_of(1)), "--to", str(day_of(2))]
    for command, days in ((run, 1), (backfill, 2)):
        done = subprocess.run(
            [sys.executable, "-m", "airflow_mlmon.cli.main", *command, *places, "--json"],
            env={**os.environ, "AIRFLOW_HOME": str(airflow_home), "AIRFLOW_CONN_AWS_DEFAULT": moto.connection()},
            capture_output=True,
            text=True,
            check=False,
        )

        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(answer["status"], answer["rows"]) for answer in answers] == [("OK", 200)] * days, (
            done.stdout[:800] + done.stderr[-2000:]
        )

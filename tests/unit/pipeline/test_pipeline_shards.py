"""A day divided into shards gives what it gives undivided, however many they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import ConfigError, DataError, PartitionConflictError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.join_shards import join_shards
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.steps.profile import to_state
from airflow_mlmon.pipeline.steps.shards import curate_shard, list_suspects, match_bucket, read_shard
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from tests.support.archive import FIRST, Archive, day_table, partition, replace_columns, to_bytes
from tests.support.runs import local_archive, opened
from tests.support.sharded import plan, work

FILES = 6
SPEC = [
    ("    approved:", "    status: {type: category}\n    price: {type: decimal}\n    approved:"),
    ("labels:\n", "operational: {status: status, errors: [5xx]}\nduplicates: {days: 3}\nlabels:\n"),
    ("  ready: _SUCCESS\n", "  ready: _SUCCESS\n  lateness_days: 1\n"),
]


def messy(day: int, rows: int = 1_200) -> list[pa.Table]:
    """Files of a day with repeated ids within and across them, errors, faults, and rows of other days."""
    random = np.random.default_rng(day + 2)
    table = day_table(FIRST + timedelta(days=day), rows).drop_columns(["repaid", "outcome"])
    ids = table.column("id").to_pylist()
    for copy, original in zip(random.integers(0, rows, 150), random.integers(0, rows, 150), strict=True):
        ids[copy] = ids[original]
    before = day_table(FIRST + timedelta(days=day - 1), rows).column("id").to_pylist()
    for number in random.integers(0, rows, 20):
        ids[number] = before[number]
    hours = pa.array(random.choice([0, 0, 0, 0, 0, -30, -20, 20, 50], rows) * 3_600_000_000, pa.duration("us"))
    table = replace_columns(
        table,
        id=pa.array(ids, mask=random.random(rows) < 0.02),
        at=pc.add(table.column("at"), hours),
        term=pa.array(table.column("term").to_numpy(), mask=random.random(rows) < 0.02),
    )
    table = table.append_column("status", pa.array(np.where(random.random(rows) < 0.1, "500", "200")))
    # the same digits in every file but for the last, which has more
    prices = [
        f"{number}.{number % 7}{'25' if 6 * place > 5 * rows else ''}" for place, number in enumerate(range(rows))
    ]
    table = table.append_column("price", pa.array(prices))
    size = rows // FILES
    parts = [table.slice(number * size, size) for number in range(FILES)]
    # rows of one file come again in the next but one, the same and with another value
    again = parts[1].slice(0, 60)
    changed = replace_columns(parts[2].slice(0, 40), amount=np.arange(40.0))
    parts[3] = pa.concat_tables([parts[3], again, changed.cast(again.schema)])
    parts[5] = pa.concat_tables([parts[5], again])
    return parts


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = local_archive(tmp_path_factory.mktemp("shards"), 2)
    reference = pq.read_table(f"{archive.root}/reference/part-0.parquet")
    for name, values in {"status": ["200"] * reference.num_rows, "price": ["1.5"] * reference.num_rows}.items():
        reference = reference.append_column(name, pa.array(values))
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(reference))
    for day in range(-1, 3):
        for number, part in enumerate(messy(day)):
            archive.write(
                archive.predictions_uri(FIRST + timedelta(days=day), f"part-{number}.parquet"), to_bytes(part)
            )
    archive.write(archive.predictions_uri(FIRST + timedelta(days=1), "part-7.parquet"), b"damaged")
    return archive


@contextmanager
def day_before(folder: Path, archive: Archive, shards: str = "", *further: tuple[str, str]) -> Iterator[Run]:
    """A run whose first day was published, before its second."""
    folder.mkdir()
    wanted = (("reference:\n", f"shards: {{megabytes: {shards}}}\nreference:\n"),) if shards else ()
    with opened(folder, archive, *SPEC, *wanted, *further) as run:
        ensure_reference(run)
        prepared = prepare_partition(run, partition(0))
        run.store.publish(to_state(prepared, schema="s", evaluated=True), [], supersedes=None)
        yield run


def content(run: Run, prepared: Prepared) -> dict[str, Any]:
    """Everything that a prepared day leaves behind."""
    found: dict[str, Any] = {"prepared": prepared}
    for item in run.files.list(run.version_uri(prepared.partition, prepared.version, "")):
        name = item.uri.rpartition("/")[2]
        if name == MANIFEST:
            found[name] = {key: value for key, value in json.loads(run.files.read(item.uri)).items() if key != "shards"}
        elif name.startswith("curated"):
            found["rows"] = read_curated(run, prepared.partition, prepared.version).to_pylist()
        elif name.endswith(".parquet") and name != "id_hashes.parquet":
            found[name] = pq.read_table(item.uri, partitioning=None)
        else:
            found[name] = run.files.read(item.uri)
    return found


@pytest.fixture(scope="module")
def undivided(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with day_before(tmp_path_factory.mktemp("undivided") / "run", archive) as run:
        return content(run, prepare_partition(run, partition(1)))


@pytest.mark.parametrize(("megabytes", "shards"), [("100", 1), ("0.14", 2), ("0.06", 5)])
def test_any_number_of_shards_gives_what_one_machine_does(archive, undivided, tmp_path, megabytes, shards):
    with day_before(tmp_path / "run", archive, megabytes) as run:
        files = plan(run, partition(1))
        found = content(run, work(run, files))

        assert files.plan.shards == shards
        assert run.files.list(run.uri("shards", "")) == []
    assert found.keys() == undivided.keys()
    for name, expected in undivided.items():
        assert found[name] == expected, name


def test_the_day_has_what_makes_it_hard(undivided):
    reasons = undivided[MANIFEST]["quarantined"]
    assert {"id is a duplicate", "id is a duplicate with other values", "an error is listed twice"} <= reasons.keys()
    assert any("already accepted" in reason for reason in reasons)
    assert undivided[MANIFEST]["rows_handed_over"]
    assert any(file["problem"] for file in undivided[MANIFEST]["files"])
    assert {"id_hashes.parquet", "errors.parquet", "sample.parquet", "quarantine.parquet", "rows"} <= undivided.keys()


def test_a_task_that_was_killed_is_run_again_and_one_after_the_join_says_what_to_do(archive, undivided, tmp_path):
    with day_before(tmp_path / "run", archive, "0.14") as run:
        files = plan(run, partition(1))
        steps = [read_shard, lambda _, files, shard: match_bucket(files, shard), list_suspects, curate_shard]
        for step in steps:
            for shard in (0, 1, 1):
                step(run, files, shard)

        assert content(run, join_shards(run, files)) == undivided
        with pytest.raises(PartitionConflictError, match="day was joined since") as refused:
            list_suspects(run, files, 0)
    assert refused.value.retryable


def test_decimals_that_go_together_in_no_type_are_refused_in_words(archive, tmp_path):
    own = Archive(str(tmp_path / "archive"), archive.write)
    own.write_reference()
    for number, price in enumerate(["1" * 60, f"0.{'1' * 60}"]):
        table = day_table(FIRST, 20).append_column("price", pa.array([price] * 20))
        own.write(own.predictions_uri(FIRST, f"part-{number}.parquet"), to_bytes(table))
    priced = ("    approved:", "    price: {type: decimal, role: ignored}\n    approved:")
    with opened(tmp_path, own, priced, ("reference:\n", "shards: {megabytes: 0.0001}\nreference:\n")) as run:
        files = plan(run, partition(0))
        for shard in range(files.plan.shards):
            read_shard(run, files, shard)
        with pytest.raises(DataError, match="types that do not go together"):
            curate_shard(run, files, 0)


def test_files_of_a_serving_log_are_not_divided(archive):
    log = ("  ready:", "  log: kserve\n  ready:")

    with pytest.raises(ConfigError, match="cannot be divided"):
        parse_spec(archive.spec_text(log, ("reference:\n", "shards: {}\nreference:\n")), "loans.yaml")

"""Times the look for duplicates in the seven days before, a million ids a day, and its memory.

    python -m tests.benchmarks.duplicates

Each case runs in a process of its own. Its memory is the peak of that process beyond what it holds when
the ids of the day are loaded.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.keyed import Keyed
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.duplicates import find_repeats, write_id_hashes
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import to_parquet
from tests.benchmarks.memory import memory_mib
from tests.support.archive import FIRST, Archive
from tests.support.curated import accepted_rows
from tests.support.published import partition_state
from tests.support.runs import opened, write_file

ROWS, DAYS = 1_000_000, 7
DAY = Partition.of_day("loans", FIRST).shift(DAYS)
# by case: rows of yesterday that come again, and whether the past days have kept the hashes of their ids
CASES = {
    "nothing again": (0, True),
    "1 % again": (ROWS // 100, True),
    "all again": (ROWS, True),
    "first day with the wish": (ROWS // 100, False),
}


def ids_of(day: Partition, rows: int = ROWS) -> list[str]:
    """Random UUIDs, the same at every call."""
    text = np.random.default_rng(day.day.toordinal()).bytes(16 * rows).hex()
    return [
        f"{text[at : at + 8]}-{text[at + 8 : at + 12]}-{text[at + 12 : at + 16]}-"
        f"{text[at + 16 : at + 20]}-{text[at + 20 : at + 32]}"
        for at in range(0, 32 * rows, 32)
    ]


def write_past(run: Run) -> None:
    """The curated days before the day, each of an id and ten numbers."""
    for offset in range(DAYS, 0, -1):
        past = DAY.shift(-offset)
        numbers = np.random.default_rng(offset)
        columns = {"id": ids_of(past)} | {f"x{n}": numbers.normal(size=ROWS) for n in range(10)}
        write_file(curated_uri(run, past, "v"), to_parquet(pa.table(columns)))
        write_id_hashes(run, past, "v", _accepted(run, pa.chunked_array([columns["id"]])))
        run.store.publish(partition_state(past, version="v"), [], supersedes=None)


def _accepted(run: Run, ids: pa.ChunkedArray) -> Keyed:
    return accepted_rows(Path(tempfile.mkdtemp(dir=run.workspace)), ids)


def measure(run: Run, case: str) -> None:
    """Print one line of one case."""
    rows = CASES[case][0]
    ids = pq.read_table(Path(run.workspace) / "night.parquet").column("id")
    again = pq.read_table(curated_uri(run, DAY.shift(-1), "v"), columns=["id"]).column("id")
    ids = pa.chunked_array([*again.slice(0, rows).chunks, *ids.slice(rows).chunks])
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    before, started = memory_mib("VmRSS"), time.perf_counter()
    accepted = _accepted(run, ids)
    found = find_repeats(run, DAY, accepted)
    sought_s, started = time.perf_counter() - started, time.perf_counter()
    write_id_hashes(run, DAY, "v", accepted)
    seconds = f"{sought_s:5.2f} s looking, {time.perf_counter() - started:4.2f} s writing"
    count = sum(len(positions) for positions in found.rows.values())
    more = memory_mib("VmHWM") - before
    print(f"{case:26} {count:>9,} found  {seconds}  {more:5.0f} MiB more than {before:.0f}")  # noqa: T201


def main() -> None:
    """Run every case in a folder that is removed at the end; with a folder and a case, that one."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1] if sys.argv[1:] else made)
        archive = Archive(str(folder / "archive"), write_file)
        with opened(folder, archive, ("labels:\n", f"duplicates: {{days: {DAYS}}}\nlabels:\n")) as run:
            if sys.argv[2:]:
                measure(run, sys.argv[2])
                return
            write_past(run)
            write_file(f"{run.workspace}/night.parquet", to_parquet(pa.table({"id": ids_of(DAY)})))
            kept = sorted(folder.rglob("id_hashes.parquet"))
            print(f"{kept[0].stat().st_size / ROWS:.2f} bytes an id in a file")  # noqa: T201
        for case, (_, has_hashes) in CASES.items():
            if not has_hashes:
                for path in kept:
                    path.unlink()
            subprocess.run([sys.executable, "-m", "tests.benchmarks.duplicates", str(folder), case], check=True)


if __name__ == "__main__":
    main()

"""Measures profiles against the goals: `make bench-profiles`, or with ARGS="--only times_popmon".

Every figure is of whole processes unless it says otherwise, imports and all, on this machine's cores, with
ratios taken within one run: the processes that are compared take turns, and their medians are divided.
A peer that does not end in ten minutes is measured on 200,000 rows, else on 50,000, as the table then says.

    decode_ratio_10m_20   ratio; profile 10,000,000 rows of 20 features, score and class, and take all
                          drift scores against a stored reference profile, over the time in which
                          pyarrow decodes the same columns, by the faster of its two ways to stream
                          (iter_batches; row groups in turn), on all cores; median of 3 each
    decode_ratio_1m_100   ratio; the same of 1,000,000 rows of 100 features; median of 5 each
    times_evidently       ratio; evidently's default preset over our comparison of two files of
                          1,000,000 rows of 18 features, score and class, both read, both with a score
                          of each of the 20 columns; identifiers, which no tool compares, are left out
                          for all; theirs once, ours the median of 5; likewise
    times_nannyml         univariate drift by its defaults: Jensen-Shannon in ten chunks
    times_whylogs         profiles and drift scores
    times_popmon          stability metrics with an external reference
    peak_mb_1m            MB; largest resident memory of the process that profiles 1,000,000 rows of 20
                          features, score and class, and scores them; likewise
    peak_mb_10m           10,000,000 rows
    peak_mb_100m          100,000,000 rows: the file of 10,000,000 through a glob of ten links
    error_ks              worst absolute error over seven distributions of 1,000,000 rows a side
                          (`errors`); likewise
    error_psi             on ten bins of equal mass of the reference, edges on cells
    error_js              on the same bins
    error_wasserstein     of the distance divided by the reference's standard deviation
    error_evidently_bins  the larger one of PSI and JS, on Sturges' bins of both samples
    sum_365_s             seconds, within a process; 365 daily profiles of 10,000 rows of 20 features,
                          score and class, each decoded from its stored bytes, into one; median of 5

    evidence_cost_time    ratio; profile 1,000,000 rows of 20 features, score, class, id and two times with the
                          evidence beside the columns (rows by hour, columns derived of times, texts and ids)
                          over without it, within a process, taking turns; median of 7 each
    evidence_cost_bytes   ratio of the stored bytes of the same; the larger one of 1,000,000 and 10,000 rows

Beside the figures, `details` keeps the seconds of every process, `decode_columns` among them: the
engine's own reader without counting, the strictest thing to divide by. Of sum_365_s it keeps what thirteen
stored sums of up to 30 days would take, which the product does not keep.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.profiles import errors, evidence, history
from tests.benchmarks.profiles.data import link_ten_times, write_file
from tests.benchmarks.profiles.environments import interpreter
from tests.benchmarks.profiles.schemas import store_reference
from tests.benchmarks.report import BUILD, Report

DATA = BUILD / "data"
_GOALS = {
    "decode_ratio_10m_20": "<= 1.5",
    "decode_ratio_1m_100": "<= 1.8",
    "times_evidently": ">= 100",
    "times_nannyml": ">= 40",
    "times_whylogs": ">= 40",
    "times_popmon": ">= 20",
    "peak_mb_1m": "<= 500",
    "peak_mb_10m": "<= 500",
    "peak_mb_100m": "<= 500",
    "error_ks": "<= 2e-4",
    "error_psi": "<= 2e-4",
    "error_js": "<= 2e-4",
    "error_wasserstein": "<= 1e-3",
    "error_evidently_bins": "<= 5e-4",
    "sum_365_s": "<= 0.2",
    "evidence_cost_time": "<= 1.3",
    "evidence_cost_bytes": "<= 2",
}
_DECODERS = ("decode_batches", "decode_groups", "decode_columns")
_PEER_SECONDS = 600
# A tool that cannot report its use would be timed waiting for it.
_SILENT = {"NML_DISABLE_USAGE_LOGGING": "1", "WHYLOGS_NO_ANALYTICS": "True", "DO_NOT_TRACK": "1"}
_PEER_ROWS = (1_000_000, 200_000, 50_000)
_OUR_TURNS = 5


class Bench(Report):
    """Measures what is asked for and keeps it."""

    def decode_ratio(self, key: str, path: Path, *, turns: int) -> None:
        """Our time over pyarrow's, taking turns."""
        reference = store_reference(path)
        seconds: dict[str, list[float]] = {}
        for _ in range(turns):
            for job in ("drift", *_DECODERS):
                arguments = [str(path), str(reference)] if job == "drift" else [str(path)]
                seconds.setdefault(job, []).append(_time_ours(job, *arguments)[0])
        medians = {job: statistics.median(taken) for job, taken in seconds.items()}
        self.figures[key] = medians["drift"] / min(medians["decode_batches"], medians["decode_groups"])
        self.details[key] = {"seconds": seconds, "over_own_reader": medians["drift"] / medians["decode_columns"]}
        self.notes[key] = ", ".join(f"{job} {taken:.2f} s" for job, taken in medians.items())

    def times(self, peer: str) -> None:
        """How many times as long a peer takes as we do, on as many rows as it finishes in time."""
        python = interpreter(BUILD, peer)
        script = Path(__file__).with_name("peers") / f"{peer}_drift.py"
        for rows in _PEER_ROWS:
            paths = [str(path) for path in _without_identifiers(rows)]
            turns = [_time_ours("compare", *paths) for _ in range(_OUR_TURNS)]
            ours = statistics.median(seconds for seconds, _ in turns)
            theirs = _time([str(python), str(script), *paths], timeout=_PEER_SECONDS)
            if theirs is None:
                continue
            compared = int(theirs[1].splitlines()[-1])
            if compared != turns[0][1]["scores"]:
                raise SystemExit(f"{peer} has a score of {compared} columns, we of {turns[0][1]['scores']}")
            key = f"times_{peer}"
            self.figures[key] = theirs[0] / ours
            self.details[key] = {"rows": rows, "columns": compared, "ours_s": ours, "theirs_s": theirs[0]}
            self.notes[key] = f"{peer} {theirs[0]:.1f} s, ours {ours:.2f} s, {rows:,} rows, {compared} columns"
            return

    def peak(self, key: str, path: str, reference: Path) -> None:
        """Peak memory of profiling the files and scoring them."""
        seconds, found = _time_ours("drift", path, str(reference))
        self.figures[key] = found["peak_mb"]
        self.details[key] = {"rows": found["rows"], "seconds": seconds}
        self.notes[key] = f"{seconds:.1f} s"


def _without_identifiers(rows: int) -> list[Path]:
    """Reference and current for the peers; the identifiers are left out for every tool alike."""
    pair = ((11, 0.0, "reference"), (12, 0.05, "current"))
    return [
        write_file(DATA, f"{name}-{rows}", rows, 20, seed=seed, shift=shift, ids=False) for seed, shift, name in pair
    ]


def _time_ours(job: str, *arguments: str) -> tuple[float, dict[str, Any]]:
    timed = _time([sys.executable, "-m", "tests.benchmarks.profiles.work", job, *arguments], timeout=None)
    if timed is None:
        raise AssertionError("a process without a time limit ran out of time")
    return timed[0], json.loads(timed[1].splitlines()[-1])


def _time(command: list[str], *, timeout: float | None) -> tuple[float, str] | None:
    """Seconds and output of a process; None where it does not end in time."""
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **_SILENT, "PYTHONWARNINGS": ""},
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - start, done.stdout


def _plan(bench: Bench) -> dict[str, Callable[[], None]]:
    """What measures each key; errors and sums come several at a time."""

    def small() -> Path:
        return write_file(DATA, "1m20", 1_000_000, 20, seed=1)

    def large() -> Path:
        return write_file(DATA, "10m20", 10_000_000, 20, seed=2)

    def wide() -> Path:
        return write_file(DATA, "1m100", 1_000_000, 100, seed=3)

    return {
        "decode_ratio_10m_20": lambda: bench.decode_ratio("decode_ratio_10m_20", large(), turns=3),
        "decode_ratio_1m_100": lambda: bench.decode_ratio("decode_ratio_1m_100", wide(), turns=5),
        "times_evidently": lambda: bench.times("evidently"),
        "times_nannyml": lambda: bench.times("nannyml"),
        "times_whylogs": lambda: bench.times("whylogs"),
        "times_popmon": lambda: bench.times("popmon"),
        "peak_mb_1m": lambda: bench.peak("peak_mb_1m", str(small()), store_reference(small())),
        "peak_mb_10m": lambda: bench.peak("peak_mb_10m", str(large()), store_reference(small())),
        "peak_mb_100m": lambda: bench.peak("peak_mb_100m", link_ten_times(large()), store_reference(small())),
        "error_ks": lambda: bench.figures.update(errors.measure()),
        "sum_365_s": lambda: _sum(bench),
        "evidence_cost_time": lambda: _cost(bench),
    }


def _sum(bench: Bench) -> None:
    found = history.measure()
    bench.figures["sum_365_s"] = found["days"]
    bench.details["sum_365_s"] = {"from_months_s": found["months"]}
    bench.notes["sum_365_s"] = f"{found['months']:.3f} s from stored sums of months"


def _cost(bench: Bench) -> None:
    found = evidence.measure(DATA)
    bench.figures["evidence_cost_time"] = found[str(evidence.ROWS[0])]["time_ratio"]
    bench.figures["evidence_cost_bytes"] = max(each["bytes_ratio"] for each in found.values())
    bench.details["evidence_cost"] = found
    ratios = (f"{each['time_ratio']:.2f} of {int(rows):,} rows" for rows, each in found.items())
    bench.notes["evidence_cost_time"] = "time " + ", ".join(ratios)


def main() -> None:
    """Measure all, or what `--only` names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=sorted(_GOALS), help="a key to measure; may be repeated")
    wanted = parser.parse_args().only or list(_GOALS)
    # The five errors come of one measurement, and the two costs.
    of_one = {"error_": "error_ks", "evidence_cost_": "evidence_cost_time"}
    first = (next((one for start, one in of_one.items() if key.startswith(start)), key) for key in wanted)
    wanted = list(dict.fromkeys(first))
    bench = Bench(name="profiles", goals=_GOALS)
    plan = _plan(bench)
    for key in wanted:
        sys.stderr.write(f"{key} …\n")
        plan[key]()
    bench.write()


if __name__ == "__main__":
    main()

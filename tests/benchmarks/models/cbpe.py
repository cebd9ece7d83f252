"""Estimates of a classifier's performance without labels, against NannyML's."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.measured import Measured
from tests.benchmarks.profiles.environments import interpreter
from tests.benchmarks.profiles.run import DATA, _time
from tests.benchmarks.report import BUILD
from tests.support.car_loan import CHUNKS, estimated, published_estimates, realised

ROWS = 1_000_000
_TURNS = 5
_PEER_SECONDS = 1_200
# what NannyML publishes digits of
_METRICS = ("roc_auc", "accuracy")


def times_nannyml() -> Measured:
    """How many times as long NannyML takes."""
    paths = [str(_file("reference", 1, 1.0)), str(_file("current", 2, 1.5))]
    peer = Path(__file__).with_name("peers") / "nannyml_cbpe.py"
    turns = [_run([sys.executable, "-m", "tests.benchmarks.models.work", *paths]) for _ in range(_TURNS)]
    theirs_s, theirs = _run([str(interpreter(BUILD, "nannyml")), str(peer), *paths])
    ours_s = statistics.median(seconds for seconds, _ in turns)
    apart = max(abs(theirs[metric] - value) for metric, value in turns[0][1].items())
    return Measured(
        figure=theirs_s / ours_s,
        note=f"NannyML {theirs_s:.1f} s, ours {ours_s:.2f} s; estimates at most {apart:.1e} apart",
        details={"ours_s": [seconds for seconds, _ in turns], "theirs_s": theirs_s, "apart": apart},
    )


def error() -> Measured:
    """Our mean absolute error over that of the published estimates."""
    published = published_estimates()
    ours, theirs = (
        {
            metric: statistics.mean(
                abs(value - float(realised(chunk)[metric] or 0.0)) for chunk, value in enumerate(values)
            )
            for metric, values in found.items()
        }
        for found in (
            {metric: [float(estimated(chunk)[metric].value or 0.0) for chunk in range(CHUNKS)] for metric in _METRICS},
            {metric: [published[metric, chunk] for chunk in range(CHUNKS)] for metric in _METRICS},
        )
    )
    words = [f"{metric} {ours[metric]:.6f}, published {theirs[metric]:.6f}" for metric in _METRICS]
    figure = max(ours[metric] / theirs[metric] for metric in _METRICS)
    return Measured(figure=figure, note="; ".join(words), details={"ours": ours, "published": theirs})


def _run(command: list[str]) -> tuple[float, dict[str, float]]:
    timed = _time(command, timeout=_PEER_SECONDS)
    if timed is None:
        raise SystemExit(f"{' '.join(command)} took longer than {_PEER_SECONDS} s")
    return timed[0], json.loads(timed[1].splitlines()[-1])


def _file(name: str, seed: int, shift: float) -> Path:
    path = DATA / f"cbpe-{name}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(seed)
        score = random.beta(shift, 2, ROWS)
        label = random.random(ROWS) < 0.1 + 0.7 * score
        table = pa.table({"score": score, "prediction": (score >= 0.5).astype(int), "label": label.astype(int)})
        pq.write_table(table, path)
    return path

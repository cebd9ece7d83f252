"""A service under overload whose S3 is dead: `python -m tests.support.overload <folder> <module,…>`.

It imports what the service has, then captures until the spool is full and for as long again, and says in MB how much
more it has held in memory at most.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
from pathlib import Path

NUMBERS = [f"number_{place}" for place in range(15)]
WORDS = [f"word_{place}" for place in range(5)]


def memory(key: str) -> float:
    """A line of `/proc/self/status`, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def main(folder: Path, modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(module)
    before = memory("VmRSS")
    from airflow_mlmon.capture import Capture  # noqa: PLC0415 - what it loads is measured

    os.environ |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    columns = {name: {"type": "float"} for name in NUMBERS} | {name: {"type": "category"} for name in WORDS}
    columns |= {"id": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}}
    columns["score"] = {"type": "float", "role": "score"}
    predictions = {"path": "s3://bucket/dt={date}/", "columns": columns}
    spec = {"model": "fraud", "start": "2026-01-01", "predictions": predictions}
    capture = Capture(spec, spool=folder / "spool", spool_bytes=1 << 20)
    generator = random.Random(18)  # noqa: S311 - values of no meaning
    rows, most = 0, 400_000
    while rows < most:
        rows += 1
        if rows % 5_000 == 0 and most == 400_000 and "spool_full" in capture.counters["dropped"]:
            most = 2 * rows
        features = {name: generator.random() for name in NUMBERS}
        capture.log(features | {name: f"w{generator.randrange(50)}" for name in WORDS}, 0.5)
    sys.stdout.write(json.dumps({"memory": memory("VmHWM") - before, **capture.counters}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [name for name in sys.argv[2].split(",") if name])

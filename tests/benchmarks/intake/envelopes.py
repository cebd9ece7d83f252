"""Envelopes: requests as SageMaker captures them, unpacked to rows of the spec."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from airflow_mlmon.archive.curation.read import ListedSource, Reader
from airflow_mlmon.archive.envelopes.envelope import open_envelope
from airflow_mlmon.archive.layouts.layout import ListedFile
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.storage import Storage
from tests.benchmarks.intake.data import rows, spec_text
from tests.benchmarks.measured import Measured
from tests.support.envelopes import captured, to_base64

REQUESTS = 200_000
_FILES = 4
_ROUNDS = 3


def measure_sagemaker() -> Measured:
    """Count the rows of captured requests that are read in a second: one row of CSV a request."""
    shapes: dict[str, Callable[[Path], None]] = {
        "csv": _write,
        "csv in base64": partial(_write, in_base64=True),
        "csv, 10 rows a request": partial(_write, each=10),
        "json": partial(_write, as_json=True),
    }
    speeds = {name: _speed(write) for name, write in shapes.items()}
    note = f"{REQUESTS:,} rows of 20 columns in {_FILES} files; the best of {_ROUNDS}"
    return Measured(figure=speeds["csv"], note=note, details={"rows_per_s": speeds})


def _speed(write: Callable[[Path], None]) -> float:
    with TemporaryDirectory() as folder:
        write(Path(folder))
        return max(_read(Path(folder)) for _ in range(_ROUNDS))


def _read(folder: Path) -> float:
    predictions = parse_spec(
        spec_text("/nowhere").replace("  columns:", "  log: sagemaker\n  columns:"), "m.yaml"
    ).predictions
    store = Storage().at(str(folder))
    source = ListedSource(
        store=store,
        files=[ListedFile(item) for item in store.list(f"{folder}/")],
        columns=predictions.columns,
        envelope=open_envelope(predictions),
    )
    before = time.perf_counter()
    found = sum(batch.table.num_rows for batch in Reader(source).batches())
    assert found == REQUESTS
    return round(found / (time.perf_counter() - before))


def _write(folder: Path, *, each: int = 1, as_json: bool = False, in_base64: bool = False) -> None:
    for number in range(_FILES):
        table = rows(number * REQUESTS, REQUESTS // _FILES)
        features = table.drop_columns(["id", "at", "score"]).to_pylist()
        scores, ids = table.column("score").to_pylist(), table.column("id").to_pylist()
        with (folder / f"{number}.jsonl").open("w") as file:
            for start in range(0, len(ids), each):
                own = [list(row.values()) for row in features[start : start + each]]
                body = json.dumps({"instances": own}) if as_json else _to_csv(own)
                record = captured(
                    to_base64(body) if in_base64 else body,
                    "\n".join(map(str, scores[start : start + each])),
                    request_type="application/json" if as_json else "text/csv",
                    inferenceId=ids[start],
                )
                if in_base64:
                    record["captureData"]["endpointInput"]["encoding"] = "BASE64"
                file.write(f"{json.dumps(record)}\n")


def _to_csv(values: list[list[object]]) -> str:
    return "\n".join(",".join(map(str, row)) for row in values)

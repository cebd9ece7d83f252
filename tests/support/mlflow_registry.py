"""What a person logs and registers in MLflow, and servers that are none of MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow as pa
from mlflow.entities import Dataset, DatasetInput, InputTag

from tests.support.archive import to_bytes
from tests.support.mlflow_server import MlflowServer


class Registry:
    """Model `fraud` of the server, whose versions a test registers."""

    def __init__(self, server: MlflowServer, folder: Path) -> None:
        self.server, self.folder, self.client = server, folder, server.client()
        self.experiment = self.client.create_experiment("training")
        self.client.create_registered_model("fraud")

    def log(self, name: str, content: pa.Table | bytes, path: str = "rows") -> str:
        """Log a file to a new run, and return the run's id."""
        run_id = self.client.create_run(self.experiment).info.run_id
        self.add(run_id, name, content, path)
        return run_id

    def add(self, run_id: str, name: str, content: pa.Table | bytes, path: str = "rows") -> None:
        """Log a file to a run."""
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else to_bytes(content))
        self.client.log_artifact(run_id, str(file), path)

    def register(self, run_id: str) -> str:
        """Register what a run has made as the next version, and return its number."""
        found = self.client.create_model_version("fraud", f"runs:/{run_id}/model", run_id=run_id, await_creation_for=0)
        return str(found.version)

    def dataset(self, run_id: str, name: str, source: str, context: str) -> None:
        """Log a dataset of a run, as `mlflow.log_input` does."""
        dataset = Dataset(name=name, digest="d1", source_type="s3", source=source)
        tag = InputTag(key="mlflow.data.context", value=context)
        self.client.log_inputs(run_id, [DatasetInput(dataset=dataset, tags=[tag])])


class _Strange(BaseHTTPRequestHandler):
    """Server that is none of MLflow; `answers` are by the end of the path."""

    answers: Mapping[str, tuple[int, object]]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status, content = next(found for end, found in self.answers.items() if path.endswith(end))
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - as its base class calls it

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def strange_server(answers: Mapping[str, tuple[int, object]]) -> Iterator[str]:
    """The address of a server with answers of our own, such as those of a proxy or of an attacker."""
    handler = type("_Answering", (_Strange,), {"answers": answers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

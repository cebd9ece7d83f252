"""MLServer, from the environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.support.environments import ROOT, VARIABLES, environment
from tests.support.processes import await_ready, free_port, start, stop

# the capture library, and the runtime around others
PYTHONPATH = f"{ROOT}:{ROOT / 'include' / 'serving'}"


class MlServer:
    """A server of the model `fraud`, which its process serves by REST and gRPC."""

    def __init__(self, rest: int, grpc: int) -> None:
        self.grpc = grpc
        self._url = f"http://127.0.0.1:{rest}/v2/models/fraud"

    def is_ready(self) -> bool:
        """Whether the model is loaded."""
        try:
            return requests.get(f"{self._url}/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def infer(self, request: Mapping[str, Any], *, status: int = 200, **headers: str) -> tuple[bytes, bytes]:
        """Send a request; its body and that of the response, as they went over the wire."""
        body = json.dumps(request).encode()
        answer = requests.post(f"{self._url}/infer", data=body, headers=headers, timeout=30)
        assert answer.status_code == status, answer.text
        return body, answer.content


@contextmanager
def mlserver(folder: Path, output: Path, *, workers: int) -> Iterator[MlServer]:
    """The server of the settings in a folder, its output in a file."""
    rest, grpc, metrics = free_port(), free_port(), free_port()
    settings = {
        "host": "127.0.0.1",
        "http_port": rest,
        "grpc_port": grpc,
        "metrics_port": metrics,
        "parallel_workers": workers,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    bin_folder = environment("mlserver")
    variables = {**VARIABLES, "PYTHONPATH": PYTHONPATH}
    process = start([str(bin_folder / "mlserver"), "start", str(folder)], output, variables)
    server = MlServer(rest, grpc)
    try:
        await_ready(process, server.is_ready, output)
        yield server
    finally:
        stop(process, seconds=30)


_INFER = """
import base64, json, sys
import grpc
from google.protobuf.json_format import ParseDict
from mlserver.grpc import dataplane_pb2 as pb, dataplane_pb2_grpc as api

stub = api.GRPCInferenceServiceStub(grpc.insecure_channel(sys.argv[1]))
for line in sys.stdin:
    request = ParseDict(json.loads(line), pb.ModelInferRequest())
    response = stub.ModelInfer(request, wait_for_ready=True, timeout=30)
    print(*(base64.b64encode(message.SerializeToString()).decode() for message in (request, response)))
"""


def infer_by_grpc(port: int, *messages: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Send requests (the JSON of their protobuf) by gRPC; both messages of each, in base64 as on the wire."""
    lines = "".join(f"{json.dumps(message)}\n" for message in messages)
    done = subprocess.run(
        [str(environment("mlserver") / "python"), "-c", _INFER, f"127.0.0.1:{port}"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return [(request, response) for request, response in map(str.split, done.stdout.splitlines())]

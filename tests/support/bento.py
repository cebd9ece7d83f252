"""A server of BentoML, from the environment of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.environments import VARIABLES, environment
from tests.support.processes import await_ready, free_port, start, stop


@contextmanager
def bento_server(service: Path, output: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The server of `service.py` in a folder, its output in a file; its address."""
    port = free_port()
    command = [str(environment("bentoml") / "bentoml"), "serve", "service:Fraud", "--working-dir", str(service)]
    process = start([*command, "--host", "127.0.0.1", "--port", str(port)], output, {**VARIABLES, **variables})
    url = f"http://127.0.0.1:{port}"
    try:
        await_ready(process, lambda: _is_ready(url), output)
        yield url
    finally:
        stop(process, seconds=30)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def ask(url: str, endpoint: str = "predict", *, status: int = 200, **arguments: object) -> object:
    """The answer of an endpoint to arguments."""
    answer = requests.post(f"{url}/{endpoint}", json=arguments, timeout=10)
    assert answer.status_code == status, answer.text
    return answer.json()

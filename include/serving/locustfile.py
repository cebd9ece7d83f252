r"""Load of the example service: Locust replays flights of past days, and the labels that are delivered on these days.

    locust -f include/serving/locustfile.py --headless --users 4 --spawn-rate 4 --host http://127.0.0.1:8000 \
        --traffic <folder of include.serving.prepare> --days 2013-03-07,2013-03-08

Each flight is asked for once, and Locust ends after the last one. One client in a hundred mistypes the airport, is
refused, and asks again. Every request carries a trace that follows from the flight's id.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from argparse import ArgumentParser
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import Runner

BATCH = 100
_MISTYPED = "???"
_REFUSED = 422
_Request = tuple[str, Any, int]


def trace_of(key: str) -> str:
    """Return the header `traceparent` with which the flight of this id is asked for."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"


def mistypes(key: str) -> bool:
    """Return whether the flight of this id is first asked for from an airport that there is not."""
    return zlib.crc32(key.encode()) % 100 == 0


def requests(folder: Path, days: Iterable[str]) -> Iterator[_Request]:
    """Yield path, body and expected status of every request of some days, in the order of the days."""
    for day in days:
        for flight in _lines(folder / "traffic" / f"{day}.jsonl"):
            if mistypes(flight["prediction_id"]):
                yield "/predict", flight | {"origin": _MISTYPED}, _REFUSED
            yield "/predict", flight, 200
        labels = _lines(folder / "labels" / f"{day}.jsonl")
        for start in range(0, len(labels), BATCH):
            yield "/labels", labels[start : start + BATCH], 202


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@events.init_command_line_parser.add_listener
def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--traffic", type=Path, required=True, help="folder that include.serving.prepare wrote")
    parser.add_argument("--days", required=True, help="days to replay, YYYY-MM-DD, separated by commas")


@events.init.add_listener
def _prepare(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    environment.waiting = deque(requests(options.traffic, options.days.split(",")))
    environment.events.spawning_complete.add_listener(lambda **_: gevent.spawn(_quit_after_users, environment.runner))


def _quit_after_users(runner: Runner) -> None:
    while runner.user_count:
        gevent.sleep(0.1)
    runner.quit()


class Airline(FastHttpUser):
    """Client that sends the next request as soon as the last one is answered."""

    @task
    def send(self) -> None:
        """Send the next request; stop after the last one."""
        if not self.environment.waiting:
            raise StopUser
        path, body, expected = self.environment.waiting.popleft()
        trace = {"traceparent": trace_of(body["prediction_id"])} if isinstance(body, dict) else {}
        with self.client.post(path, json=body, headers=trace, catch_response=True) as response:
            if response.status_code == expected:
                response.success()
            else:
                response.failure(f"status {response.status_code} in the place of {expected}")

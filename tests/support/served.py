"""The example service, trained and started, in a folder of a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.demo.services import Services
from include.demo.settings import CHECKOUT, free_ports, fresh_settings
from include.demo.window import Window
from include.serving.stack import ServingStack, serving_environment
from tests.support.environments import environment


@contextmanager
def serving(folder: Path, window: Window, **variables: str) -> Iterator[ServingStack]:
    """Archive, model and service; `variables` are set for all of its processes. Everything ends with the context."""
    environment("serving")
    settings = fresh_settings(folder, idle_sleep_s=1)
    port, prometheus_port = free_ports(2)
    known = serving_environment(settings, os.environ) | variables
    with Services(known, cwd=CHECKOUT, logs=settings.logs, record=folder / "running.json") as services:
        stack = ServingStack(settings=settings, services=services, port=port, prometheus_port=prometheus_port)
        stack.start_archive()
        stack.train(window)
        stack.start_service()
        yield stack

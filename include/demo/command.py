"""A command of the checkout: how it ends, and what a person reads then."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from rich.console import Console

from include.demo.airflow_api import AirflowApiError
from include.demo.services import ServiceError

_WIDTH = 120  # for output to a file
_INTERRUPTED = 130


class BusyError(Exception):
    """Another command is at work in the checkout."""


def run_command(name: str, work: Callable[[Console], int]) -> int:
    """Run a command; return what it returns, 1 when it cannot go on, 130 when interrupted or asked to end."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    try:
        return work(console)
    except (ValueError, BusyError, ServiceError, AirflowApiError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; all processes are stopped", file=sys.stderr)
        return _INTERRUPTED


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt

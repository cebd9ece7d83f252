"""Run the example service under load, and monitor what it captured: `make serve`.

The flights of some days are replayed by Locust against the service, which archives what it predicts; then the
nightly monitoring runs on that archive, day by day. Then everything is stopped; the pages stay.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date, timedelta

from rich.console import Console

from include.demo.command import run_command
from include.demo.progress import DayProgress
from include.demo.run import alone, check_idle, print_days, print_places
from include.demo.services import Services
from include.demo.settings import CHECKOUT, FOLDER, free_ports, fresh_settings, write_env_file
from include.demo.window import Window, choose_window
from include.serving.stack import SPEC, ServingStack, check_environment, serving_environment

# the storm of 8 March, and a day on either side
_FIRST = date(2013, 3, 7)
_DAYS = 3
_PREDICTIONS = 'http_requests_total{handler="/predict"}'


def serve(window: Window, console: Console, *, stay: bool) -> int:
    """Serve, load and monitor the days, print them, and stop."""
    check_environment()
    settings = fresh_settings(FOLDER, idle_sleep_s=1)
    port, prometheus_port = free_ports(2)
    env = serving_environment(settings, os.environ)
    record = FOLDER / "running.json"
    with Services(env, cwd=CHECKOUT, logs=settings.logs, record=record) as services:
        stack = ServingStack(settings=settings, services=services, port=port, prometheus_port=prometheus_port)
        with DayProgress(console) as progress:
            _start(stack, window, progress)
            days = [window.first + timedelta(days=offset) for offset in range(window.days)]
            _serve_days(stack, days, progress)
            for day in days:
                stack.run_night(day)
                progress.say(f"{day}: monitored")
        print_days(settings, window, console, SPEC)
        if stay:
            stack.start_service()
            print(f"service: {stack.address}/docs   Prometheus: {stack.prometheus_address}   stop: Ctrl-C", flush=True)
            signal.pause()
    print(f"look:    source {write_env_file(settings)}; mlmon show {SPEC.relative_to(CHECKOUT)} --partition {days[0]}")
    print_places(settings)
    return 0


def _start(stack: ServingStack, window: Window, progress: DayProgress) -> None:
    progress.say(f"training the model, preparing {window}")
    stack.start_archive()
    stack.train(window)
    stack.start_service()
    scraped = "Prometheus scrapes it" if stack.start_prometheus() else "no Prometheus is installed to scrape it"
    progress.say(f"the service answers at {stack.address}; {scraped}")


def _serve_days(stack: ServingStack, days: Sequence[date], progress: DayProgress) -> None:
    """Replay the days, and end the service in order, as a night begins when the next day's traffic has come."""
    for day in days:
        stack.replay(day)
        progress.say(f"{day}: served and archived")
    if stack.is_scraped:
        counts = sorted(stack.query(_PREDICTIONS).items())
        said = ", ".join(f"{count:,.0f} with status {status}" for status, count in counts)
        progress.say(f"Prometheus counted requests: {said}")
    stack.stop_service()


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m include.serving.run", description=__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=_FIRST, metavar="DAY")
    parser.add_argument("--days", type=int, default=_DAYS, help=f"number of days, {_DAYS} by default")
    parser.add_argument("--stay", action="store_true", help="leave service and Prometheus running until Ctrl-C")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve some days; return 0 on success, 1 on failure, 130 when interrupted."""
    arguments = parse_arguments(argv)
    last = arguments.first + timedelta(days=arguments.days - 1)

    def serve_alone(console: Console) -> int:
        window = choose_window(str(arguments.first), str(last))
        with alone(FOLDER):
            check_idle()
            return serve(window, console, stay=arguments.stay)

    return run_command("serve", serve_alone)


if __name__ == "__main__":
    sys.exit(main())

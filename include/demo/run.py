"""Run the demo: a real Airflow processes the days of a real archive.

`demo` processes some days, prints them and stops; `up` leaves Airflow running, and `down` stops it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from include.demo.airflow_api import AirflowApi, DayTask
from include.demo.command import BusyError, run_command
from include.demo.failures import describe_failures
from include.demo.progress import DayProgress
from include.demo.services import STOP_SECONDS, Services, ask_to_end, end, read_running
from include.demo.settings import (
    CHECKOUT,
    FOLDER,
    MODEL,
    SPEC,
    USER,
    Settings,
    environment,
    fresh_settings,
    write_env_file,
)
from include.demo.window import IN_SERVICE, LAST_DAY, Window, choose_window

_POLL_S = 0.5
_RUNNING = FOLDER / "running.json"
_AIRFLOW = ("-m", "airflow")
# the api-server reads the logs from disk; a log server would listen on every address
_NO_LOG_SERVER = "--skip-serve-logs"


def run_demo(window: Window, console: Console) -> int:
    """Process the days, print them, stop; return 0 if no task failed."""
    settings = fresh_settings(FOLDER, idle_sleep_s=0.1)
    with open_services(settings) as services:
        with DayProgress(console) as progress:
            api = start_airflow(services, settings, window, archived=window, progress=progress)
            tasks = follow(api, services, progress)
        # it stops while the table is printed
        services.ask_to_stop()
        print_days(settings, window, console)
        failures = describe_failures(tasks, settings.airflow_home / "logs")
        for failure in failures:
            console.print(failure, style="red", highlight=False, markup=False, soft_wrap=True)
    print_places(settings)
    return 1 if failures else 0


def start_up(window: Window, console: Console) -> int:
    """Leave Airflow running, with the archive of the whole year and a backfill of the window."""
    settings = fresh_settings(FOLDER, idle_sleep_s=1)
    whole = Window(first=IN_SERVICE, last=LAST_DAY)
    with open_services(settings, outlive=True) as services, DayProgress(console) as progress:
        start_airflow(services, settings, window, archived=whole, progress=progress)
        services.start("dag-processor", *_AIRFLOW, "dag-processor")
        services.start("triggerer", *_AIRFLOW, "triggerer", _NO_LOG_SERVER)
    print(f"Airflow processes {window} in the background.")
    print(f"open:   {settings.address}")
    print(f"login:  {USER} / {settings.password}")
    print(f"shell:  source {write_env_file(settings)}")
    print("stop:   make down")
    return 0


def shut_down() -> int:
    """Stop what `up` started, and nothing else."""
    running = read_running(_RUNNING)
    ask_to_end(running)
    end(running, STOP_SECONDS)
    _RUNNING.unlink(missing_ok=True)
    print(f"stopped: {', '.join(service.name for service in running) or 'nothing was running'}")
    return 0


def open_services(settings: Settings, *, outlive: bool = False) -> Services:
    """Create the services of the demo, none of them started yet."""
    env = environment(settings, os.environ)
    return Services(env, cwd=CHECKOUT, logs=settings.logs, record=_RUNNING, outlive=outlive)


def start_airflow(
    services: Services, settings: Settings, window: Window, *, archived: Window, progress: DayProgress
) -> AirflowApi:
    """Start everything, and give the scheduler a queued run for each day."""
    progress.say(f"starting an S3 server and Airflow for {window}")
    services.start("scheduler", "-m", "include.demo.scheduler", str(settings.go), "scheduler", _NO_LOG_SERVER)
    services.start("migrate", *_AIRFLOW, "db", "migrate")
    services.start("s3", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(settings.s3_port))
    services.wait_for_port("s3", settings.s3_port)
    services.start("archive", "-m", "include.demo.archive", str(archived.first), str(archived.last))
    services.finish("migrate")
    services.start("api-server", *_AIRFLOW, "api-server")
    services.start("reserialize", *_AIRFLOW, "dags", "reserialize")
    services.finish("archive")
    services.finish("reserialize")
    services.wait_for_port("api-server", settings.api_port)
    api = AirflowApi(settings.address, USER, settings.password)
    # before the scheduler runs: it and a new backfill would lock each other out of SQLite
    api.create_backfill(MODEL, window.first, window.last)
    settings.go.touch()
    progress.say(f"the archive is written, Airflow is running: {settings.address}")
    return api


def follow(api: AirflowApi, services: Services, progress: DayProgress) -> Sequence[DayTask]:
    """Show the tasks until each has ended, and return their final state."""
    while True:
        services.check()
        tasks = api.tasks(MODEL)
        progress.show(tasks)
        if tasks and all(task.is_ended for task in tasks):
            progress.say("all days have ended")
            return tasks
        time.sleep(_POLL_S)


def print_days(settings: Settings, window: Window, console: Console, spec: Path = SPEC) -> None:
    """Print the table of the days, and write the page of all models that their pages lead to."""
    # late, because it takes a second to import
    from airflow_mlmon.cli.table import days_table  # noqa: PLC0415
    from airflow_mlmon.hooks.storage import open_storage  # noqa: PLC0415
    from airflow_mlmon.loading import load_spec  # noqa: PLC0415
    from airflow_mlmon.pipeline.fleet.files import write_fleet  # noqa: PLC0415
    from airflow_mlmon.store.metric_store import MetricStore  # noqa: PLC0415

    reports = str(settings.workspace / "reports")
    with MetricStore(settings.store) as store:
        console.print(days_table(store, load_spec(spec), window.first, window.last))
        write_fleet(store, open_storage().at(reports), reports, datetime.now(UTC))


def print_places(settings: Settings) -> None:
    """Print where the results are; the last two lines are for scripts to read."""
    from airflow_mlmon.store.database import masked_url  # noqa: PLC0415

    print(f"reports: {settings.workspace / 'reports'}")
    print(f"store: {masked_url(settings.store)}")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock the demo's folder: one run at a time in a checkout.

    Raises:
        BusyError: another run holds the lock.
    """
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("The demo is already running in this checkout.") from None
        yield


def check_idle() -> None:
    """Check that no Airflow of `make up` uses the demo's folder.

    Raises:
        BusyError: one does.
    """
    if read_running(_RUNNING):
        raise BusyError("Airflow is still running in this checkout: stop it with `make down` first.")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m include.demo.run", description=__doc__)
    parser.add_argument("command", choices=["demo", "up", "down"])
    parser.add_argument("--from", dest="first", metavar="DAY", help=f"first day, {IN_SERVICE} by default")
    parser.add_argument("--to", dest="last", metavar="DAY", help="last day, a fortnight by default")
    return parser.parse_args(argv)


def dispatch(command: str, window: Window, console: Console) -> int:
    """Run a command, unless a demo is running.

    Raises:
        BusyError: a demo is running, or Airflow was left running.
    """
    with alone(FOLDER):
        if command == "down":
            return shut_down()
        check_idle()
        return (run_demo if command == "demo" else start_up)(window, console)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0 on success, 1 on failure, 130 when interrupted."""
    arguments = parse_arguments(argv)
    return run_command(
        arguments.command,
        lambda console: dispatch(arguments.command, choose_window(arguments.first, arguments.last), console),
    )


if __name__ == "__main__":
    sys.exit(main())

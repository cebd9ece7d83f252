"""A process that captures, for the tests that end it: `python -m tests.support.capture_process <way> <folder>`.

It writes into `logged` of the folder how many rows it has logged.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

from airflow_mlmon.capture import Capture
from tests.support.captured import log_rows, open_capture
from tests.support.processes import PATIENCE_S

ROWS = 50
_destination = os.environ.get("MLMON_TEST_DESTINATION")


def log_forever(capture: Capture, folder: Path) -> None:
    """Log until a signal comes, and say after each row how many there are."""
    logged = os.open(folder / "logged", os.O_WRONLY | os.O_CREAT)
    rows = 0
    while True:
        capture.log({"amount": 1.0}, 0.5)
        rows += 1
        os.pwrite(logged, rows.to_bytes(8, "little"), 0)
        if rows % 20 == 0:
            time.sleep(0.001)


def meet_term(capture: Capture, folder: Path) -> None:
    """Have a handler of the service's own, that ends the process in order."""
    del folder
    log_rows(capture, ROWS)
    os.kill(os.getpid(), signal.SIGTERM)


def fork(capture: Capture, folder: Path) -> None:
    """Log in a process, in copies of it of two kinds, and in it again."""
    del folder
    log_rows(capture, ROWS)
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=log_rows, args=(capture, ROWS)) for _ in range(2)]
    for child in children:
        child.start()
    if os.fork() == 0:
        log_rows(capture, ROWS)
        sys.exit()
    for child in children:
        child.join()
    os.wait()
    log_rows(capture, ROWS)


def fork_busy(capture: Capture, folder: Path) -> None:
    """Fork time and again while threads log."""
    del folder
    threads = [threading.Thread(target=log_rows, args=(capture, 20 * ROWS)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        if os.fork() == 0:
            log_rows(capture, ROWS)
            capture.close()
            os._exit(0)
        time.sleep(0.01)
    for _ in range(6):
        os.wait()
    for thread in threads:
        thread.join()


def fork_unused(capture: Capture, folder: Path) -> None:
    """Fork before the first row, as a server does that loads its application once, and log in the children."""
    del folder
    for _ in range(2):
        if os.fork() == 0:
            log_rows(capture, ROWS)
            sys.exit()
    for _ in range(2):
        os.wait()


def log_late(capture: Capture, folder: Path) -> None:
    """Log at the interpreter's end, after the capture has closed."""
    log_rows(capture, ROWS)
    (folder / "late").write_text(str(capture.counters["dropped"].get("closed", 0)))


def hit_limit(capture: Capture, folder: Path) -> None:
    """Log more than the disk takes: no file may become longer than 8 KiB."""
    import resource  # noqa: PLC0415 - after the capture is open

    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
    log_rows(capture, 5000)
    capture.flush(10)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log_rows(capture, ROWS)
    del folder


def main(way: str, folder: Path) -> None:
    if way == "meet_term":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    if way == "log_late":
        # handlers run in the reverse order
        atexit.register(lambda: log_late(opened[0], folder))
    seconds = 0.05 if way == "log_forever" else 30.0
    close_seconds = float(os.environ.get("MLMON_TEST_CLOSE", PATIENCE_S))
    opened = [open_capture(folder, _destination, flush_seconds=seconds, close_seconds=close_seconds)]
    ways = {"log": lambda capture, _: log_rows(capture, ROWS), "log_late": lambda capture, _: log_rows(capture, ROWS)}
    for found in (log_forever, meet_term, fork, fork_busy, fork_unused, hit_limit):
        ways[found.__name__] = found
    ways[way](opened[0], folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""Life of the process: what becomes of captured rows when it ends, is asked to end, or is forked."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Protocol

TERM_SECONDS = 8.0
_AGAIN_SECONDS = 0.005


class Watched(Protocol):
    """Writer, as the life of the process sees it."""

    @property
    def is_interrupted(self) -> bool:
        """Whether this thread has been interrupted while it holds a lock that the writer needs."""

    def begin_close(self, *, quiet: bool = False) -> None:
        """Take no more rows, and have the threads end."""

    def close(self, seconds: float | None = None) -> None:
        """Wait for that, at most so long."""

    def renew(self) -> None:
        """Begin anew in a forked process."""


_watched: weakref.WeakSet[Watched] = weakref.WeakSet()
_state = {"is_registered": False}


def watch(writer: Watched) -> None:
    """Have a writer closed when the process ends, and begin anew in its forks.

    At an ordinary end `atexit` does it: daemon threads still run then, and what pyarrow registered at its import comes
    later. SIGTERM ends a process without that, so it gets a handler where it has none. That of a server stays, and is
    called; where the server then raises the signal once more, as uvicorn does, it takes effect after `atexit`.
    """
    _watched.add(writer)
    if not _state["is_registered"]:
        _state["is_registered"] = True
        atexit.register(_close_at_exit)
        os.register_at_fork(after_in_child=_renew_all)
    if threading.current_thread() is not threading.main_thread():
        return
    handler = signal.getsignal(signal.SIGTERM)
    if handler is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    elif callable(handler) and handler is not _terminate and not isinstance(handler, _Server):
        signal.signal(signal.SIGTERM, _Server(handler))


def join_process() -> None:
    """Have rows written at the end of a process of `multiprocessing` too, which ends without `atexit`."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, close_all, exitpriority=10)


def close_all(seconds: float | None = None, *, quiet: bool = False) -> None:
    """Close all writers, together."""
    writers = list(_watched)
    for writer in writers:
        writer.begin_close(quiet=quiet)
    until = time.monotonic() + seconds if seconds is not None else None
    for writer in writers:
        writer.close(None if until is None else max(until - time.monotonic(), 0))


class _Server:
    """Handler of a server, after which the signal is held back from this thread until the process has closed."""

    is_holding = False

    def __init__(self, handler: Callable[[int, FrameType | None], object]) -> None:
        self._handler = handler

    def __call__(self, number: int, frame: FrameType | None) -> None:
        _Server.is_holding = True
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        self._handler(number, frame)


def _close_at_exit() -> None:
    close_all()
    if _Server.is_holding:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _terminate(number: int, _: FrameType | None) -> None:
    if any(writer.is_interrupted for writer in list(_watched)):
        # a wait here would be for a thread that waits for this one: let it go on for a moment
        again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
        return
    close_all(TERM_SECONDS, quiet=True)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _renew_all() -> None:
    for writer in list(_watched):
        writer.renew()

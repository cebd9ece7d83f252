"""Pauses of the garbage collection, which would go through all that a process has loaded, and find nothing."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage within the context, in which thousands of objects are made that are all in use, as imports do.

    >>> with uncollected():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def importing(module: str) -> Iterator[None]:
    """Import a module within the context, and leave all that it loads out of the garbage collections to come.

    The last of these is at the end of the process, which looks through everything once more.
    """
    is_new = module not in sys.modules
    with uncollected():
        yield
        if is_new:
            gc.freeze()

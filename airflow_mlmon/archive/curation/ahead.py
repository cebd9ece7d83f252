"""Iteration ahead of its consumer, in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_PATIENCE_S = 0.05


class _End:
    """End of the items, by exhaustion or by an error."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def read_ahead(items: Generator[_Item], most: int = 2) -> Iterator[Iterator[_Item]]:
    """Advance a generator in a thread, at most `most` items ahead; an error of it is raised in its turn.

    On exit the generator is closed, wherever it is.
    """
    ahead = _Ahead(items, most)
    # what it reads is part of the span under way
    thread = threading.Thread(target=copy_context().run, args=(ahead.advance,), name="read-ahead", daemon=True)
    thread.start()
    try:
        yield ahead.consume()
    finally:
        ahead.stopped.set()
        thread.join()


class _Ahead(Generic[_Item]):
    def __init__(self, items: Generator[_Item], most: int) -> None:
        self.stopped = threading.Event()
        self._items = items
        self._ready: queue.Queue[_Item | _End] = queue.Queue(most)

    def advance(self) -> None:
        """Put the items into the queue, until there are none or the consumer has stopped."""
        error: BaseException | None = None
        try:
            for item in self._items:
                self._put(item)
                if self.stopped.is_set():
                    break
        except BaseException as raised:  # noqa: BLE001 - the consumer raises it
            error = raised
        finally:
            self._items.close()
        self._put(_End(error))

    def consume(self) -> Iterator[_Item]:
        """Yield the items of the queue."""
        while not isinstance(found := self._ready.get(), _End):
            yield found
        if found.error is not None:
            raise found.error

    def _put(self, item: _Item | _End) -> None:
        while not self.stopped.is_set():
            try:
                self._ready.put(item, timeout=_PATIENCE_S)
            except queue.Full:
                continue
            return

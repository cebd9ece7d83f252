"""The queue where no thread can take from it."""

from __future__ import annotations

from typing import NamedTuple

from airflow_mlmon.capture.queue import CaptureLimits, RowQueue


class Numbered(NamedTuple):
    sequence: int


def test_rows_are_counted_while_no_thread_can_be_started():
    tries = []

    def begin():
        tries.append(len(tries))
        if len(tries) < 3:
            raise RuntimeError("can't start new thread")

    queue = RowQueue(CaptureLimits(), begin)
    kept = [queue.put(Numbered(queue.number()), 10) for _ in range(5)]
    assert kept == [False, False, True, True, True]
    assert (queue.counters.dropped, queue.counters.numbers, len(queue)) == ({"no_thread": 2}, 5, 3)
    assert len(tries) == 3


def test_a_closed_queue_starts_nothing():
    queue = RowQueue(CaptureLimits(), lambda: 1 / 0)
    queue.is_closed = True
    assert not queue.put(Numbered(queue.number()), 10)
    assert queue.counters.dropped == {"closed": 1}

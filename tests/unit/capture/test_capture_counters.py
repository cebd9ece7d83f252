"""Counters that outlive their process, and their locks."""

from __future__ import annotations

import os

from airflow_mlmon.capture.counters import (
    MOST_REASONS,
    OTHER,
    ProcessCounters,
    create_counter_file,
    lock_dead,
    read_dead,
)


def test_counters_are_read_as_they_were_when_the_process_died(tmp_path):
    counters = ProcessCounters()
    counters.number()
    counters.move_to(create_counter_file(tmp_path))
    for _ in range(9):
        counters.number()
    counters.keep(4, 1)
    counters.keep(3, 2)
    counters.keep(1, None)
    counters.drop("queue_full", 2)
    counters.tell({"queue_full": 1})
    counters.live(12.5)
    counters.reach("dt=2026-03-02/")
    counters.reach("dt=2026-03-01/")
    assert lock_dead(tmp_path) is None
    counters.release()
    file = lock_dead(tmp_path)
    found = read_dead(file)
    os.close(file)
    assert (found.numbers, found.kept, found.serial) == (10, 8, 2)
    assert (found.dropped, found.untold) == ({"queue_full": 2}, {"queue_full": 1})
    assert (found.alive, found.is_closed, found.folder) == (12.5, False, "dt=2026-03-02/")
    # what is counted after the file was given back stays in the process
    counters.number()
    assert counters.numbers == 11


def test_reasons_beyond_the_room_are_counted_together():
    counters = ProcessCounters()
    for number in range(MOST_REASONS + 20):
        counters.drop(f"reason {number}", 1)
    dropped = counters.dropped
    assert len(dropped) == MOST_REASONS
    assert dropped[OTHER] == 21
    assert sum(dropped.values()) == MOST_REASONS + 20

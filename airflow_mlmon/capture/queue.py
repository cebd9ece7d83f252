"""Queue between the service and the writer, bounded in rows."""

from __future__ import annotations

from collections import deque
from threading import Event

from airflow_mlmon.capture.rows import LoggedRow


class RowQueue:
    """Rows that wait to be written; it never blocks whoever puts one in."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._rows: deque[LoggedRow] = deque()
        self.is_due = Event()

    def put(self, row: LoggedRow) -> bool:
        """Append a row, or return False where the queue is full."""
        if len(self._rows) >= self.bound:
            return False
        self._rows.append(row)
        return True

    def take(self, most: int) -> list[LoggedRow]:
        """Remove and return the oldest rows, at most so many."""
        return [self._rows.popleft() for _ in range(min(most, len(self._rows)))]

    def __len__(self) -> int:
        """Return the number of rows that wait."""
        return len(self._rows)

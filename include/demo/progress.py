"""Progress of the days: a live bar on a terminal, elsewhere a line per day."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from include.demo.airflow_api import DayTask


class DayProgress:
    """Progress of the whole demo, from the first process to the last day."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._ended = 0
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._shown = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line with the elapsed seconds; the bar shows its text too."""
        self._bar.update(self._shown, description=text)
        self._console.print(f"{time.monotonic() - self._begun:4.0f} s  {text}", highlight=False)

    def show(self, tasks: Sequence[DayTask]) -> None:
        """Show the state of the tasks."""
        done = sum(task.is_ended for task in tasks)
        self._bar.update(self._shown, description=describe(tasks), completed=done, total=len(tasks))
        days, ended = count_days(tasks)
        if ended != self._ended and not self._console.is_terminal:
            self.say(f"{ended} of {days} days, {done} of {len(tasks)} tasks")
        self._ended = ended


def count_days(tasks: Sequence[DayTask]) -> tuple[int, int]:
    """Count the days, and those that have ended."""
    days = {task.day for task in tasks}
    open_days = {task.day for task in tasks if not task.is_ended}
    return len(days), len(days - open_days)


def describe(tasks: Sequence[DayTask]) -> str:
    """Describe the oldest day that has not ended, and its running tasks."""
    still_open = [task for task in tasks if not task.is_ended]
    if not still_open:
        return "all days have ended"
    day = min(task.day for task in still_open)
    names = [task.task for task in still_open if task.day == day and task.state in {"queued", "running"}]
    waiting = [task.task for task in still_open if task.day == day and task.state == "up_for_retry"]
    doing = ", ".join(names) or " ".join(f"{name} will be retried" for name in waiting)
    return f"{day}  {doing}".rstrip()

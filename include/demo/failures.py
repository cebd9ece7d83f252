"""Failed tasks of the demo, with their errors."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from include.demo.airflow_api import DayTask


def describe_failures(tasks: Iterable[DayTask], logs: Path) -> list[str]:
    """Describe each failed task: day, task, the last error and the log file."""
    return [_describe(task, logs) for task in sorted(tasks, key=lambda task: task.day) if task.state == "failed"]


def _describe(task: DayTask, logs: Path) -> str:
    folder = logs / "dag_id=flights" / f"run_id={task.run}" / f"task_id={task.task}"
    log = folder / f"attempt={task.attempt}.log"
    cause = last_error(log.read_text(errors="replace")) if log.exists() else "no log was written"
    return f"failed: {task.day}, {task.task}: {cause}\n  log: {log}"


def last_error(log: str) -> str:
    """Find the last error in a task's log of JSON lines."""
    for line in reversed(log.splitlines()):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("level") in {"error", "critical"}:
            raised = entry.get("error_detail") or []
            return f"{raised[-1]['exc_type']}: {raised[-1]['exc_value']}" if raised else str(entry.get("event"))
    return "the log contains no error"

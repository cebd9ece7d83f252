"""Metrics and rules become verdicts, verdicts become alerts, and alerts reach people."""

"""Statuses of models and of days with their colours, the worst first."""

from __future__ import annotations

from include.deploy.grafana.source.panels import GREEN, GREY, ORANGE, RED, YELLOW, named

# of models, as /mlmon/metrics names them
STATUS_COLOURS = {
    "silent": RED,
    "broken": RED,
    "failed": RED,
    "alerting": ORANGE,
    "notice": YELLOW,
    "healthy": GREEN,
    "inactive": GREY,
}
# of days, as the store has them, by the numbers that squares need
DAY_STATUSES = {
    "OK": (0, "OK", GREEN),
    "PARTIAL": (1, "partial", YELLOW),
    "QUARANTINED": (2, "quarantined", ORANGE),
    "NO_DATA": (3, "no data", GREY),
    "FAILED": (4, "failed", RED),
}


def day_number(column: str) -> str:
    """Write the SQL of a day's status as a number."""
    known = " ".join(f"WHEN '{status}' THEN {number}" for status, (number, _, _) in DAY_STATUSES.items())
    return f"CASE {column} {known} END"


def day_mappings() -> list[object]:
    """Return the texts and colours of these numbers."""
    return named(*((str(number), text, colour) for number, text, colour in DAY_STATUSES.values()))

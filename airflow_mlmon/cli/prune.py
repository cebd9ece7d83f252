"""`mlmon prune`: delete what is stored of old days, as `retention` in the spec says."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import plain_table, print_table
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.retention.prune import Pruning, plan_pruning, prune
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.retention import Stored

_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEP = 1000


def prune_days(call: Call, *, spec: ModelSpec, is_meant: bool) -> None:
    """Print what is older than the spec says, and why some of it is kept; delete it if that is meant.

    Raises:
        ConfigError: the spec gives no age.
    """
    if not any(spec.retention.age(stored) for stored in Stored):
        raise ConfigError(
            f"The spec of {spec.model} keeps everything.",
            hint=f"give ages in days, as in `retention: {{{Stored.ROWS}: 90}}`",
        )
    with open_run(spec, call.settings, must_exist=True) as run:
        plan = plan_pruning(run, call.now)
        if is_meant:
            prune(run, plan)
    if call.as_json:
        for pruning in plan:
            print_json(_content(pruning) | {"deleted": is_meant})
        return
    _print(plan, is_meant=is_meant)


def _content(pruning: Pruning) -> dict[str, object]:
    return {
        "kind": pruning.stored,
        "older_than_days": pruning.age,
        "days": [day.isoformat() for day in pruning.days],
        "files": pruning.objects,
        "bytes": pruning.size,
        "records": sum(pruning.records.values()),
        "kept": {reason: sorted(day.isoformat() for day in days) for reason, days in pruning.kept.items()},
    }


def _print(plan: list[Pruning], *, is_meant: bool) -> None:
    table = plain_table()
    table.add_column("kind")
    for name in ("older than", "days", "files", "size", "records"):
        table.add_column(name, justify="right")
    table.add_column("which")
    table.add_column("older, and kept")
    for pruning in plan:
        table.add_row(
            pruning.stored,
            f"{pruning.age} days",
            f"{len(pruning.days):,}",
            f"{pruning.objects:,}",
            size_text(pruning.size),
            f"{sum(pruning.records.values()):,}",
            _range(pruning.days),
            "; ".join(f"{_range(sorted(days))} ({reason})" for reason, days in pruning.kept.items()),
        )
    print_table(table)
    open_output().write("deleted\n" if is_meant else "nothing was deleted; --yes deletes it\n")


def _range(days: list[date] | tuple[date, ...]) -> str:
    if not days:
        return ""
    return str(days[0]) if len(days) == 1 else f"{len(days)} days, {days[0]} to {days[-1]}"


def size_text(size: float) -> str:
    """Format a number of bytes.

    >>> size_text(999), size_text(1_234_567)
    ('999 B', '1.2 MB')
    """
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            return f"{size:,.0f} {unit}" if unit == _UNITS[0] else f"{size:,.1f} {unit}"
        size /= _STEP
    raise AssertionError("the last unit returns")

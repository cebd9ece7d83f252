"""`mlmon reprofile`: profile past days again under the pinned profile schema."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.history.reprofile import Carried, Reprofiled, reprofile
from airflow_mlmon.spec import ModelSpec


def carry_schema(call: Call, *, spec: ModelSpec, first: date, last: date) -> bool:
    """Profile the days of the range again, one line each; return True if all still have their rows."""
    counts: Counter[Carried] = Counter()
    with open_run(spec, call.settings) as run:
        for day in reprofile(run, first, last):
            counts[day.state] += 1
            _print(day, as_json=call.as_json)
    if not call.as_json:
        open_output().write("; ".join(f"{count} {state}" for state, count in counts.items()) + "\n")
    return not counts[Carried.ROWS_GONE]


def _print(day: Reprofiled, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(day) | {"day": day.day.isoformat()})
    elif day.state is Carried.CARRIED:
        open_output().write(f"{day.day}: {day.state}, {day.rows:,} rows, profile schema {day.before} -> {day.schema}\n")
    else:
        open_output().write(f"{day.day}: {day.state}\n")
    open_output().flush()

"""`mlmon trace`: the archived rows of a request."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.traced import find_traced
from airflow_mlmon.reports.wording import NONE, name_text
from airflow_mlmon.spec import ModelSpec


def show_traced(call: Call, *, spec: ModelSpec, trace: str, day: date) -> bool:
    """Print the rows of a trace; return False if there are none.

    Raises:
        NotFoundError: the day was never run.
    """
    with open_run(spec, call.settings, must_exist=True) as run:
        rows = find_traced(run, run.partition(day), trace)
    for row in rows:
        if call.as_json:
            print_json({name: _plain(value) for name, value in row.items()})
            continue
        shown = {name_text(name): NONE if value is None else line_text(str(value)) for name, value in row.items()}
        open_output().writelines([*(f"{name}: {value}\n" for name, value in shown.items()), "\n"])
    if not rows and not call.as_json:
        open_output().write(f"no accepted row of {day} has this trace\n")
    return bool(rows)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a time or a number that JSON cannot write is a text."""
    is_plain = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    return value if is_plain else str(value)

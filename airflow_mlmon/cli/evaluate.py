"""`mlmon evaluate`: evaluate past days again from stored profiles."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.history.reevaluate import Outcome, Reevaluated, reevaluate
from airflow_mlmon.spec import ModelSpec


def evaluate_again(call: Call, *, spec: ModelSpec, first: date, last: date) -> bool:
    """Evaluate the days of the range again without sending alerts; return True if all could be evaluated."""
    good = True
    with open_run(spec, call.settings, is_silent=True, must_exist=True) as run:
        for day in reevaluate(run, first, last):
            good = good and day.outcome is Outcome.EVALUATED
            _print(day, as_json=call.as_json)
    return good


def _print(day: Reevaluated, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(day) | {"day": day.day.isoformat()})
    elif day.outcome is Outcome.EVALUATED:
        open_output().write(f"{day.day}: {day.outcome}, alerts {day.before} -> {day.after}\n")
    else:
        open_output().write(f"{day.day}: {day.outcome}\n")
    open_output().flush()

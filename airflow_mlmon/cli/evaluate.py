"""`mlmon judge`: evaluate past days again from stored profiles."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import date

from airflow_mlmon.cli.output import print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline.history.reevaluate import Outcome, Rejudged, rejudge
from airflow_mlmon.settings import Settings


def judge_again(spec_path: str, first: date, last: date, settings: Settings, *, as_json: bool) -> bool:
    """Evaluate the days of the range again without sending alerts; return True if all could be evaluated."""
    good = True
    with open_run(load_spec(spec_path), settings, is_quiet=True, must_exist=True) as run:
        for night in rejudge(run, first, last):
            good = good and night.outcome is Outcome.JUDGED
            _print(night, as_json=as_json)
    return good


def _print(night: Rejudged, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(night) | {"day": night.day.isoformat()})
    elif night.outcome is Outcome.JUDGED:
        sys.stdout.write(f"{night.day}: {night.outcome}, alerts {night.before} -> {night.after}\n")
    else:
        sys.stdout.write(f"{night.day}: {night.outcome}\n")
    sys.stdout.flush()

"""`mlmon calibrate`: replay stored days at several sensitivities and compare the alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError
from rich.table import Table

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import print_table
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.history.calibrate import Replayed, calibrate
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.labels import Labels
from airflow_mlmon.tasks.titles import subject_names

_SHOWN = 4


def show_calibration(
    call: Call,
    *,
    spec: ModelSpec,
    first: date | None,
    last: date | None,
    rates: Sequence[float],
    effects: Sequence[float],
) -> None:
    """Print the alerts of each sensitivity, day by day; by default of all evaluated days.

    Without sensitivities, that of the spec is compared with a less and a more sensitive one.

    Raises:
        ConfigError: a rate or an effect is out of range.
        NotFoundError: no day can be replayed.
    """
    policies = _policies(spec.alerts.evaluation, rates, effects)
    days = []
    with open_run(spec, call.settings, is_silent=True, must_exist=True) as run:
        first, last = first or spec.start, last or run.store.last_evaluated_day(spec.model) or spec.start
        for day, found in calibrate(run, first, last, policies):
            days.append((day, found))
            if call.as_json:
                _print_json(day, policies, found)
    if not days:
        hint = "only days that were evaluated under the pinned profile schema can be replayed"
        raise NotFoundError(f"{spec.model}: no day from {first} to {last} can be replayed.", hint=hint)
    if not call.as_json:
        print_table(_table(days, policies, spec.labels))
        _print_summary(days, policies)


def _policies(own: EvaluationPolicy, rates: Sequence[float], effects: Sequence[float]) -> list[EvaluationPolicy]:
    if not rates and not effects:
        calm = own.model_copy(update={"rate": own.rate / 5, "effect": 2 * own.effect})
        keen = own.model_copy(update={"rate": min(2 * own.rate, 0.49), "effect": own.effect / 2})
        return [calm, own, keen]
    asked = [{"rate": rate, "effect": effect} for rate in rates or [own.rate] for effect in effects or [own.effect]]
    try:
        return [EvaluationPolicy.model_validate({**own.model_dump(), **changes}) for changes in asked]
    except ValidationError as error:
        [first, *_] = error.errors()
        raise ConfigError(f"{first['loc'][0]}: {first['msg']}, not {first['input']}.") from None


def _title(policy: EvaluationPolicy) -> str:
    return f"rate {policy.rate:g}, effect {policy.effect:g}"


def _table(
    days: Sequence[tuple[date, Sequence[Replayed]]], policies: Sequence[EvaluationPolicy], labels: Labels | None
) -> Table:
    """Build the table of the days with alerts at any sensitivity; new alerts are bold."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("day", no_wrap=True)
    for policy in policies:
        table.add_column(_title(policy))
    for day, found in days:
        if any(one.opened or one.lasting for one in found):
            table.add_row(f"{day} {day:%a}", *(_cell(one, labels) for one in found))
    return table


def _cell(found: Replayed, labels: Labels | None) -> str:
    # the most significant are those that are shown
    ranked = sorted(found.opened, key=lambda breach: 1.0 if breach.p_value is None else breach.p_value)
    new = subject_names(_subjects(ranked), labels)
    lasting = len(set(_subjects(found.lasting)) - set(_subjects(found.opened)))
    more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    words = ", ".join(new[:_SHOWN]) + more
    still = f"{lasting} open" if lasting else ""
    return "; ".join(part for part in (f"[bold]{words}[/bold]" if words else "", still) if part)


def _subjects(breaches: Sequence[Verdict]) -> list[tuple[str, str | None]]:
    """Return the subjects of breaches; a column and its segments are one."""
    return [(breach.metric, breach.column) for breach in breaches]


def _print_summary(days: Sequence[tuple[date, Sequence[Replayed]]], policies: Sequence[EvaluationPolicy]) -> None:
    open_output().write("\n")
    for position, policy in enumerate(policies):
        own = [found[position] for _, found in days]
        alerting = sum(bool(one.opened) for one in own)
        opened = sum(len(one.opened) for one in own)
        by_chance = policy.rate * len(days)
        open_output().write(
            f"{_title(policy)}: new alerts on {alerting} of {len(days)} days, {opened} in total; "
            f"expected false alarms: at most {by_chance:.1f} days\n"
        )


def _print_json(day: date, policies: Sequence[EvaluationPolicy], found: Sequence[Replayed]) -> None:
    content = {
        "partition": day.isoformat(),
        "sensitivities": [
            {
                "rate": policy.rate,
                "effect": policy.effect,
                "opened": [_as_json(breach) for breach in one.opened],
                "lasting": [_as_json(breach) for breach in one.lasting],
            }
            for policy, one in zip(policies, found, strict=True)
        ],
    }
    print_json(content)


def _as_json(breach: Verdict) -> dict[str, Any]:
    return {
        "metric": breach.metric,
        "column": breach.column,
        "segment": breach.segment,
        "value": breach.value,
        "expected": breach.expected,
        "p_value": breach.p_value,
        "effect": breach.effect,
    }

"""Wording of what moved: the inputs, the relation of inputs and labels, both, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.quality.wording import number_text
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.metrics import CONCEPT_SHIFT, COVARIATE_SHIFT
from airflow_mlmon.tasks.titles import p_value_equation

_KNOWN = (VerdictState.OK, VerdictState.BREACH)
_MOVED = {
    (True, True): "Both moved, the inputs that the loss depends on and their relation to the labels",
    (True, False): "The inputs that the loss depends on moved, their relation to the labels did not",
    (False, True): "The relation of inputs and labels moved, the inputs that the loss depends on did not",
    (False, False): "Neither the inputs that the loss depends on moved nor their relation to the labels",
}


def shift_text(metrics: Mapping[str, MetricValue], verdicts: Mapping[str, Verdict]) -> str:
    """Say which part of the loss moved, each with its test; empty where no loss is expected of rows.

    Args:
        metrics: of all rows, by name.
        verdicts: of all rows, by metric.
    """
    inputs, relation = metrics.get(COVARIATE_SHIFT), metrics.get(CONCEPT_SHIFT)
    if inputs is None or inputs.value is None:
        return ""
    found = {name: verdicts[name] for name in (COVARIATE_SHIFT, CONCEPT_SHIFT) if name in verdicts}
    by_inputs = f"for their features and outputs, rows are expected to lose {_amount(inputs)} than the reference's"
    told = [by_inputs + _test(found.get(COVARIATE_SHIFT))]
    if relation is not None and relation.value is not None:
        told.append(f"by their labels they lose {_amount(relation)} than expected{_test(found.get(CONCEPT_SHIFT))}")
    states = [found[name].state if name in found else None for name in (COVARIATE_SHIFT, CONCEPT_SHIFT)]
    if all(state in _KNOWN for state in states):
        moved = _MOVED[states[0] is VerdictState.BREACH, states[1] is VerdictState.BREACH]
    elif states[0] in _KNOWN:
        side = "moved" if states[0] is VerdictState.BREACH else "did not move"
        lack = _lack(relation, found)
        moved = (
            f"The inputs that the loss depends on {side}; whether their relation to the labels did cannot be told{lack}"
        )
    else:
        moved = "Whether the inputs or their relation to the labels moved cannot be told yet"
    return f"{moved}: {'; '.join(told)}."


def _amount(shift: MetricValue) -> str:
    value = float(shift.value or 0.0)
    return f"{number_text(abs(float(f'{value:.3g}')))} {'less' if value < 0 else 'more'}"


def _test(verdict: Verdict | None) -> str:
    return f" ({p_value_equation(verdict.p_value)})" if verdict and verdict.p_value is not None else ""


def _lack(relation: MetricValue | None, verdicts: Mapping[str, Verdict]) -> str:
    reason = relation.reason if relation else ""
    note = verdicts[CONCEPT_SHIFT].note if CONCEPT_SHIFT in verdicts else ""
    return f" ({reason or note})" if reason or note else ""

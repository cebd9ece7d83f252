"""Selection of the baseline in force on a day: the accepted one, or that of the spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.baseline import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Baseline in force with its pin; without one it is from the spec."""

    baseline: Baseline
    pin: BaselinePin | None = None


class EntryState(StrEnum):
    """State of an entry of the history of baselines on a day."""

    IN_FORCE = "in force"
    TO_COME = "to come"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """Baseline that is declared in the spec or was accepted.

    It belongs to a model version, to a column, or else to the model.
    """

    baseline: Baseline
    state: EntryState
    version: str | None = None
    column: str | None = None
    pin: BaselinePin | None = None


def in_force(
    spec: ModelSpec,
    pins: Sequence[BaselinePin],
    day: date,
    version: str | None = None,
    column: str | None = None,
) -> InForce:
    """Return the baseline of a day, for the whole model or one version, in all columns or one.

    A column with its own baseline in the spec keeps it. Otherwise it is the first of: the pin of the version, the
    spec's baseline of the version, the pin of the model, the spec's baseline. Of several pins that have started, the
    last accepted one applies; so a new pin changes nothing before its first day.
    """
    if column in spec.baselines:
        return InForce(baseline=spec.baselines[column])
    for name in dict.fromkeys((version, None)):
        begun = [pin for pin in pins if pin.version == name and pin.first <= day]
        if begun:
            newest = max(begun, key=lambda pin: pin.number)
            return InForce(baseline=newest.baseline, pin=newest)
        if name in spec.versions:
            return InForce(baseline=spec.versions[name])
    return InForce(baseline=spec.baseline)


def list_baselines(spec: ModelSpec, pins: Sequence[BaselinePin], day: date) -> list[BaselineEntry]:
    """Return the declared and accepted baselines with their states on a day, the newest last."""
    declared = [
        BaselineEntry(baseline=baseline, state=_state_of_declared(spec, pins, day, version), version=version)
        for version, baseline in ((None, spec.baseline), *spec.versions.items())
    ]
    columns = [
        BaselineEntry(baseline=baseline, state=EntryState.IN_FORCE, column=column)
        for column, baseline in spec.baselines.items()
    ]
    accepted = [
        BaselineEntry(baseline=pin.baseline, state=_state_of_pin(spec, pins, day, pin), version=pin.version, pin=pin)
        for pin in pins
    ]
    return [*declared, *columns, *accepted]


def _state_of_declared(spec: ModelSpec, pins: Sequence[BaselinePin], day: date, version: str | None) -> EntryState:
    return EntryState.REPLACED if in_force(spec, pins, day, version).pin else EntryState.IN_FORCE


def _state_of_pin(spec: ModelSpec, pins: Sequence[BaselinePin], day: date, pin: BaselinePin) -> EntryState:
    # a pin that is replaced before its first day never applies
    if in_force(spec, pins, max(day, pin.first), pin.version).pin != pin:
        return EntryState.REPLACED
    return EntryState.IN_FORCE if pin.first <= day else EntryState.TO_COME

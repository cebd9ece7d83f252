"""Columns that a request and a response fill: by name, or by position in the order of the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from airflow_mlmon.archive.envelopes.systems import System
from airflow_mlmon.spec import Column, ColumnType, Role
from airflow_mlmon.spec.choices import OUTPUT_ROLES

_INPUT_ROLES = frozenset({Role.FEATURE, Role.TEXT, Role.IGNORED, Role.GROUP, Role.ITEM})


class Slot(NamedTuple):
    """Column that is filled by position; a vector takes as many values as it has dimensions."""

    name: str
    width: int
    is_vector: bool


@dataclass(frozen=True)
class Side:
    """Columns that the payload of one direction fills.

    Attributes:
        slots: The columns, in the order of the spec.
        aliases: Other names of some.
        null_texts: Texts that are missing values in CSV, beside the empty one.
    """

    slots: tuple[Slot, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    null_texts: tuple[str, ...] = ()

    @cached_property
    def width(self) -> int:
        """Number of values of a row by position."""
        return sum(slot.width for slot in self.slots)

    @cached_property
    def vectors(self) -> frozenset[str]:
        """Names of the vectors."""
        return frozenset(slot.name for slot in self.slots if slot.is_vector)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the columns."""
        return frozenset(slot.name for slot in self.slots)

    def name_of(self, key: str) -> str:
        """Return the column that a key of a payload is."""
        return key if key in self.names else self.aliases.get(key, key)


def inputs_of(columns: Mapping[str, Column], system: System, null_texts: tuple[str, ...]) -> Side:
    """Return the columns that a request fills: features and ignored columns, but for those of the envelope itself."""
    filled = {name: column for name, column in columns.items() if column.role in _INPUT_ROLES}
    slots = tuple(to_slot(name, column) for name, column in filled.items() if name not in system.own)
    return Side(slots, null_texts=null_texts)


def outputs_of(columns: Mapping[str, Column], null_texts: tuple[str, ...]) -> Side:
    """Return the columns that a response fills; one that is the only one of its role is known by that, too."""
    filled = {name: column for name, column in columns.items() if column.role in OUTPUT_ROLES}
    roles = [column.role for column in filled.values()]
    aliases = {str(column.role): name for name, column in filled.items() if roles.count(column.role) == 1}
    return Side(tuple(to_slot(name, column) for name, column in filled.items()), aliases, null_texts)


def to_slot(name: str, column: Column) -> Slot:
    """Return the slot of a column."""
    return Slot(name, column.dimension or 1, column.type is ColumnType.VECTOR)

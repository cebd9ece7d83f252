"""Import of a data contract's schema and quality as checks; what no check can say is named with its line.

Source: Open Data Contract Standard 3.0 to 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_mlmon.documents import KeyPath, line_of, parse_mapping
from airflow_mlmon.errors import ConfigError, suggest_name
from airflow_mlmon.quality.contract_rules import (
    IN_SET,
    MATCHES,
    NOT_NULL,
    UNIQUE,
    NotCarriedError,
    checks_of_rule,
    compile_pattern,
    unique_together,
)
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import ColumnType, PersonalData
from airflow_mlmon.spec.quality import Check

API_VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
_KIND = "DataContract"
_BETWEEN, _LENGTHS = "expect_column_values_to_be_between", "expect_column_value_lengths_to_be_between"
_NUMBERS = frozenset({"integer", "number"})
_BOUNDS = {
    "minimum": ("min_value", None),
    "exclusiveMinimum": ("min_value", "strict_min"),
    "maximum": ("max_value", None),
    "exclusiveMaximum": ("max_value", "strict_max"),
}
_LENGTH_BOUNDS = {"minLength": "min_value", "maxLength": "max_value"}
# they say how a value is written, which the type of the spec's column decides
_OF_FORM = frozenset({"timezone", "defaultTimezone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedCheck:
    """Check, and the line of the contract that it comes from."""

    check: Check
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Part of the contract without a check: its line, where it stands, and the reason."""

    line: int
    where: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChecks:
    """Checks of one table of a contract, and the parts of it that have none, both in the order of their lines."""

    table: str
    carried: tuple[CarriedCheck, ...]
    left_out: tuple[LeftOut, ...]


def read_contract(text: str, name: str, table: str | None = None) -> ContractChecks:
    """Read the checks of a table of a contract.

    Args:
        text: the contract, in YAML.
        name: stands for the file in messages.
        table: name of the table; None if the contract has one.

    Raises:
        ConfigError: it is no contract of a known version, or has no such table.
    """
    data, lines = parse_mapping(text, name, "expected a data contract: a mapping with apiVersion, kind and schema")
    _check_kind(data, lines, name)
    position, found = _choose_table(data, lines, name, table)
    reading = _Reading(lines=lines, carried=[], left_out=[])
    reading.read_table(("schema", position), found)
    return ContractChecks(
        table=str(found["name"]),
        carried=tuple(sorted(_without_repeats(reading.carried), key=lambda one: one.line)),
        left_out=tuple(sorted(reading.left_out, key=lambda one: one.line)),
    )


def fit_to_spec(found: ContractChecks, spec: ModelSpec) -> ContractChecks:
    """Keep the checks that can be computed of the columns of a spec; the others are left out, with the reason."""
    carried, left_out = [], list(found.left_out)
    for one in found.carried:
        names = [one.check.column] if one.check.column else one.check.arguments.get("column_list", [])
        reason = next((reason for column in names if (reason := _explain_unfit(spec, column, one.check))), "")
        if reason:
            where = f"{one.check.expectation}({', '.join(names)})"
            left_out.append(LeftOut(line=one.line, where=where, reason=reason))
        else:
            carried.append(one)
    return replace(found, carried=tuple(carried), left_out=tuple(sorted(left_out, key=lambda one: one.line)))


def _explain_unfit(spec: ModelSpec, name: str, check: Check) -> str:
    column = spec.columns.get(name)
    if column is None:
        return f"{name!r} is no column of the spec; {suggest_name(name, spec.columns)}"
    if column.type is ColumnType.VECTOR:
        return f"{name!r} is a vector, which checks cannot read"
    if column.personal is PersonalData.DROP:
        return f"{name!r} is personal and dropped"
    if column.personal is not None and check.expectation not in {NOT_NULL, UNIQUE}:
        return f"{name!r} is personal, and only a hash of its values is kept"
    return ""


def _check_kind(data: Mapping[str, Any], lines: dict[KeyPath, int], name: str) -> None:
    version, kind = data.get("apiVersion"), data.get("kind")
    if kind != _KIND:
        raise ConfigError(f"{name}:{line_of(('kind',), lines)}: kind: is {kind!r}, expected {_KIND!r}.")
    if version not in API_VERSIONS:
        raise ConfigError(
            f"{name}:{line_of(('apiVersion',), lines)}: apiVersion: {version!r} is unknown.",
            hint=f"known are {', '.join(API_VERSIONS)} of the Open Data Contract Standard",
        )


def _choose_table(
    data: Mapping[str, Any], lines: dict[KeyPath, int], name: str, table: str | None
) -> tuple[int, Mapping[str, Any]]:
    schema = data.get("schema")
    tables = [
        (position, one)
        for position, one in enumerate(schema if isinstance(schema, list) else ())
        if isinstance(one, dict) and one.get("name")
    ]
    line = line_of(("schema",), lines)
    if not tables:
        raise ConfigError(f"{name}:{line}: schema: names no table.")
    names = [str(one["name"]) for _, one in tables]
    if table is None and len(tables) > 1:
        raise ConfigError(
            f"{name}:{line}: schema: has {len(tables)} tables: {', '.join(names)}.",
            hint="name the one of the predictions with --table",
        )
    if table is not None and table not in names:
        raise ConfigError(f"{name}:{line}: schema: has no table {table!r}.", hint=suggest_name(table, names))
    return tables[0 if table is None else names.index(table)]


def _without_repeats(carried: Sequence[CarriedCheck]) -> list[CarriedCheck]:
    """Leave out checks that say the same as one before, such as of a primary key that is required too."""
    found: list[CarriedCheck] = []
    for one in carried:
        if all(one.check.model_copy(update={"severity": other.check.severity}) != other.check for other in found):
            found.append(one)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Reading of one table."""

    lines: dict[KeyPath, int]
    carried: list[CarriedCheck]
    left_out: list[LeftOut]

    def read_table(self, key: KeyPath, table: Mapping[str, Any]) -> None:
        self._read_rules(key, table, None, "the table")
        keys: list[tuple[int, str, KeyPath]] = []
        properties = table.get("properties")
        for position, found in enumerate(properties if isinstance(properties, list) else ()):
            at = (*key, "properties", position)
            if not isinstance(found, dict) or not found.get("name"):
                self._leave_out(at, "property", "it has no name")
                continue
            self._read_property(at, found)
            if found.get("primaryKey") is True:
                place = found.get("primaryKeyPosition")
                keys.append((place if isinstance(place, int) else len(keys) + 1, str(found["name"]), at))
        if keys:
            self._carry((*keys[0][2], "primaryKey"), unique_together([name for _, name, _ in sorted(keys)]))

    def _read_property(self, key: KeyPath, found: Mapping[str, Any]) -> None:
        name = str(found["name"])
        if found.get("properties") or found.get("items") or found.get("map"):
            self._leave_out(key, name, "it is nested; a check reads a plain column")
            return
        if found.get("required") is True or found.get("primaryKey") is True:
            named = "required" if found.get("required") is True else "primaryKey"
            self._carry((*key, named), Check(expectation=NOT_NULL, column=name))
        if found.get("unique") is True:
            self._carry((*key, "unique"), Check(expectation=UNIQUE, column=name))
        if found.get("enum"):
            self._read_enum((*key, "enum"), name, found["enum"])
        options = found.get("logicalTypeOptions")
        if isinstance(options, dict):
            self._read_options((*key, "logicalTypeOptions"), name, str(found.get("logicalType", "")), options)
        self._read_rules(key, found, name, name)

    def _read_enum(self, key: KeyPath, name: str, entries: Any) -> None:
        values = [one.get("value") if isinstance(one, dict) else one for one in entries]
        self._carry(key, Check(expectation=IN_SET, column=name, arguments={"value_set": values}))

    def _read_options(self, key: KeyPath, name: str, logical: str, options: Mapping[str, Any]) -> None:
        bounds = {option: value for option, value in options.items() if option in _BOUNDS}
        if bounds and logical in _NUMBERS:
            self._carry(key, Check(expectation=_BETWEEN, column=name, arguments=dict(_bounds_of(bounds))))
        lengths = {_LENGTH_BOUNDS[option]: value for option, value in options.items() if option in _LENGTH_BOUNDS}
        if lengths:
            self._carry(key, Check(expectation=_LENGTHS, column=name, arguments=lengths))
        for option, value in options.items():
            where = f"{name}: {option}"
            if option == "pattern":
                try:
                    found = Check(expectation=MATCHES, column=name, arguments={"regex": compile_pattern(value)})
                except NotCarriedError as reason:
                    self._leave_out((*key, option), where, str(reason))
                else:
                    self._carry((*key, option), found)
            elif option in _BOUNDS and logical not in _NUMBERS:
                self._leave_out(
                    (*key, option), where, f"bounds of a {logical or 'column without a type'} have no check"
                )
            elif option not in {*_BOUNDS, *_LENGTH_BOUNDS, *_OF_FORM}:
                self._leave_out((*key, option), where, "no check says this")

    def _read_rules(self, key: KeyPath, found: Mapping[str, Any], column: str | None, where: str) -> None:
        rules = found.get("quality")
        for position, rule in enumerate(rules if isinstance(rules, list) else ()):
            at = (*key, "quality", position)
            if not isinstance(rule, dict):
                self._leave_out(at, where, "it is no rule")
                continue
            try:
                for check in checks_of_rule(rule, column):
                    self._carry(at, check)
            except NotCarriedError as reason:
                named = rule.get("name") or rule.get("metric") or rule.get("rule") or rule.get("type") or "a rule"
                self._leave_out(at, f"{where}: {named}", str(reason))

    def _carry(self, key: KeyPath, check: Check) -> None:
        self.carried.append(CarriedCheck(check=check, line=line_of(key, self.lines)))

    def _leave_out(self, key: KeyPath, where: str, reason: str) -> None:
        self.left_out.append(LeftOut(line=line_of(key, self.lines), where=where, reason=reason))


def _bounds_of(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for option, value in options.items():
        bound, strict = _BOUNDS[option]
        yield bound, value
        if strict:
            yield strict, True

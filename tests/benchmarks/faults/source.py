"""A data set of the benchmark: its rows by day, its spec, and its archive in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

# days that are run before the first one that faults are planted in, and days from one of these to the next
HISTORY = 28
STEP = 3
PLANTED = 20
_ARROW = {
    "string": pa.string(),
    "category": pa.string(),
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set with a model on it.

    Attributes:
        name: of the model.
        columns: the archived ones: type and role by name.
        rows: all days in order, with the columns, `day`, and the label.
        reference: number of the first days that are the reference.
        label: column of the labels, which come the day after; empty without labels.
        orders: pairs of numbers of which the first is never above the second.
    """

    name: str
    columns: dict[str, dict[str, str]]
    rows: pd.DataFrame
    reference: int
    label: str = ""
    orders: tuple[tuple[str, str], ...] = ()
    by_day: dict[date, pd.DataFrame] = field(init=False)

    def __post_init__(self) -> None:
        """Divide the rows by day."""
        groups = {day: rows.reset_index(drop=True) for day, rows in self.rows.groupby("day")}
        object.__setattr__(self, "by_day", groups)

    @cached_property
    def days(self) -> list[date]:
        """All days in order."""
        return sorted(self.by_day)

    @cached_property
    def start(self) -> date:
        """The first day after the reference."""
        return self.days[self.reference]

    def planted(self, count: int = PLANTED) -> list[date]:
        """The days that faults are planted in, fixed before any result was seen."""
        return self.days[self.reference + HISTORY :: STEP][:count]

    def of_role(self, role: str) -> str:
        """The column of a role; empty if there is none."""
        return next((name for name, one in self.columns.items() if one.get("role") == role), "")

    def features(self, *types: str) -> list[str]:
        """The features of some types."""
        return [name for name, one in self.columns.items() if "role" not in one and one["type"] in types]

    @property
    def schema(self) -> pa.Schema:
        """The schema of the archived files."""
        return pa.schema([(name, _ARROW[one["type"]]) for name, one in self.columns.items()])

    def spec_text(self, predictions: Path, labels: Path) -> str:
        """The spec, with the product's defaults, of an archive whose predictions and labels are in two folders."""
        spec: dict[str, Any] = {
            "model": self.name,
            "start": self.start,
            "predictions": {"path": f"{predictions}/dt={{date}}/", "columns": self.columns},
            "reference": {"path": f"{labels.parent}/reference/"},
            # the checks that are inferred from a reference give no alerts of their own
            "quality": [],
        }
        if self.label:
            identifier = self.of_role("id")
            labelled = {"path": f"{labels}/dt={{date}}/", "id": identifier, "label": self.label, "delay_days": 1}
            spec |= {"labels": labelled}
            spec["reference"] |= {"label": self.label}
        return yaml.safe_dump(spec, sort_keys=False)

    def to_table(self, rows: pd.DataFrame, texts: frozenset[str] = frozenset()) -> pa.Table:
        """The archived columns of some rows; `texts` are written as text."""
        fields = [pa.field(one.name, pa.string() if one.name in texts else one.type) for one in self.schema]
        return pa.Table.from_pandas(rows, schema=pa.schema(fields), preserve_index=False).replace_schema_metadata()

    def to_labels(self, rows: pd.DataFrame) -> pa.Table:
        """The labels of some rows that have one."""
        known = rows[rows[self.label].notna()][[self.of_role("id"), self.label]]
        return pa.Table.from_pandas(known, preserve_index=False).replace_schema_metadata()

    def write(self, root: Path, until: date) -> None:
        """Write the reference, and the days up to one with their labels."""
        past = pd.concat([self.by_day[day] for day in self.days[: self.reference]])
        table = self.to_table(past)
        if self.label:
            label = pa.Table.from_pandas(past[[self.label]], preserve_index=False)
            table = table.append_column(self.label, label.column(0))
        _write(root / "reference" / "part-0.parquet", table, self.days[self.reference])
        for day in self.days[self.reference :]:
            if day > until:
                break
            write_day(root / "predictions", day, self.to_table(self.by_day[day]))
            if self.label:
                write_day(root / "labels", day + timedelta(days=1), self.to_labels(self.by_day[day]))


def write_day(folder: Path, day: date, table: pa.Table) -> None:
    """Write the file of a day, as if an hour after its end."""
    _write(folder / f"dt={day}" / "part-0.parquet", table, day + timedelta(days=1))


def _write(path: Path, table: pa.Table, midnight: date) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    at = (datetime.combine(midnight, time(), UTC) + _AN_HOUR).timestamp()
    os.utime(path, (at, at))

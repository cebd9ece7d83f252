"""Schema of the captured rows: the part of a model's spec that capture needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class CaptureError(ValueError):
    """A spec or an argument with which nothing can be captured; raised when a capture is opened, never by `log`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedColumn:
    """Column of the archive, as the spec of the model declares it."""

    name: str
    type: str
    role: str = "feature"
    personal: str | None = None
    truncate: int | None = None
    generalise: float | str | None = None
    dimension: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSchema:
    """Columns of a model's archive, and where it lies.

    Attributes:
        model: name of the model.
        path: path of the archive with its placeholders, as in `predictions.path`.
        format: `parquet` or `jsonl`.
        columns: the columns by name, in the order of the spec.
    """

    model: str
    path: str
    format: str
    columns: Mapping[str, CapturedColumn]

    def with_role(self, role: str) -> tuple[str, ...]:
        """Return the names of the columns with a role."""
        return tuple(name for name, column in self.columns.items() if column.role == role)


def read_schema(spec: str | Path | Mapping[str, Any]) -> CaptureSchema:
    """Read the schema of a spec: its file, or its content.

    Raises:
        CaptureError: the spec lacks what capture needs.
    """
    content = spec if isinstance(spec, Mapping) else yaml.safe_load(Path(spec).read_text(encoding="utf-8"))
    try:
        predictions = content["predictions"]
        known = CapturedColumn.__dataclass_fields__
        columns = {
            name: CapturedColumn(name=name, **{key: value for key, value in column.items() if key in known})
            for name, column in predictions["columns"].items()
        }
        return CaptureSchema(
            model=content["model"],
            path=predictions["path"],
            format=predictions.get("format") or "parquet",
            columns=columns,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CaptureError(f"{spec}: not the spec of a model: {error!r}") from error

"""Keys of the files of an archive: their format, and what their texts mean."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.spec.section import Section


class Files(Section):
    """Format of files, common to predictions, labels and the reference."""

    format: FileFormat | None = Field(
        default=None,
        description="parquet, jsonl, json, csv, tsv, avro, orc, or delta for a table with a log; by default each file "
        "is of the format that its ending says, or else its first bytes.",
    )
    separator: str | None = Field(
        default=None,
        description="Character between the fields of a CSV file; by default the comma, semicolon, tab or bar that is "
        "the most frequent in its header.",
    )
    null: tuple[str, ...] = Field(
        default=(), description="Texts that mean a missing value in CSV files, such as NA; an empty field always does."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_null_as_key(cls, value: Any) -> Any:
        # YAML reads the bare word as a value
        return (
            {"null" if key is None else key: found for key, found in value.items()}
            if isinstance(value, dict)
            else value
        )

    @property
    def declared(self) -> dict[str, Any]:
        """The keys that are set, for hashes of a declaration: they change how rows are read.

        Parquet is none of them: it was all that earlier releases read, declared or not.
        """
        found = self.model_dump(mode="json", include={"format", "separator", "null"})
        return {key: value for key, value in found.items() if value and value != FileFormat.PARQUET}

    @field_validator("separator")
    @classmethod
    def _one_character(cls, separator: str | None) -> str | None:
        if separator is not None and (len(separator) != 1 or not separator.isascii() or separator in '"\r\n\0'):
            raise ValueError("the separator must be one ASCII character")
        return separator

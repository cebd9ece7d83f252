"""The section of the spec on loading into Apache Druid."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.section import Section


class DruidIngestion(StrEnum):
    """The kind of task that loads a partition."""

    NATIVE = "native"
    SQL = "sql"


class DruidInput(StrEnum):
    """How Druid reaches the rows."""

    URLS = "urls"
    S3 = "s3"


class DruidFormat(StrEnum):
    """How the rows are written for Druid."""

    JSON = "json"
    PARQUET = "parquet"


class Engine(StrEnum):
    """Where the profile of a night is made."""

    LOCAL = "local"
    DRUID = "druid"


class Druid(Section):
    """Loading into Apache Druid, and profiling there."""

    connection: str = Field(
        default="mlmon_druid_default", description="Airflow connection; the step is skipped without it."
    )
    engine: Engine = Field(
        default=Engine.LOCAL,
        description="local, or druid: the rows of a night are loaded before it is judged, and profiled there by SQL.",
    )
    ingestion: DruidIngestion = Field(
        default=DruidIngestion.NATIVE,
        description="native (index_parallel), or sql (REPLACE by SQL, which takes druid-multi-stage-query).",
    )
    input: DruidInput = Field(
        default=DruidInput.URLS,
        description="urls (presigned: Druid needs no key), or s3 (Druid's own keys, and druid-s3-extensions).",
    )
    format: DruidFormat = Field(
        default=DruidFormat.JSON,
        description="json (JSON Lines by gzip), or parquet (which takes druid-parquet-extensions).",
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that predictions stay in Druid; metrics and profiles stay. Without it its own rules hold.",
    )
    compaction_after_days: int | None = Field(
        default=None,
        ge=1,
        description="Days behind the newest from which on Druid joins small segments of predictions.",
    )

    @model_validator(mode="after")
    def _compacted_before_dropped(self) -> Self:
        if self.retention_days and self.compaction_after_days and self.compaction_after_days >= self.retention_days:
            raise ValueError("compaction_after_days: must be less than retention_days, after which nothing is left")
        return self

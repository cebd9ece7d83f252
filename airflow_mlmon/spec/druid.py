"""Spec section `druid`: ingestion into and profiling in Apache Druid."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.section import Section


class DruidIngestion(StrEnum):
    """Type of the ingestion task."""

    NATIVE = "native"
    SQL = "sql"


class DruidInput(StrEnum):
    """Input source through which Druid reads the rows."""

    URLS = "urls"
    S3 = "s3"


class DruidFormat(StrEnum):
    """Format of the rows written for Druid."""

    JSON = "json"
    PARQUET = "parquet"


class Engine(StrEnum):
    """Engine that computes the profile of a partition."""

    LOCAL = "local"
    DRUID = "druid"


class Druid(Section):
    """Ingestion into Apache Druid, and profiling there."""

    connection: str = Field(
        default="mlmon_druid_default",
        description="Airflow connection of the router: of type mlmon_druid, or of the Druid provider's type druid; "
        "without it the step is skipped.",
    )
    broker: str | None = Field(
        default=None,
        description="Airflow connection of type druid that queries go to, such as druid_broker_default, if "
        "`connection` is that of an overlord.",
    )
    engine: Engine = Field(
        default=Engine.LOCAL,
        description="local, or druid: the rows of a day are ingested before its evaluation, and profiled there by SQL.",
    )
    ingestion: DruidIngestion = Field(
        default=DruidIngestion.NATIVE,
        description="native (index_parallel), or sql (SQL REPLACE; needs druid-multi-stage-query).",
    )
    input: DruidInput = Field(
        default=DruidInput.URLS,
        description="urls (presigned, Druid needs no credentials), or s3 (Druid's own credentials; needs "
        "druid-s3-extensions).",
    )
    format: DruidFormat = Field(
        default=DruidFormat.JSON,
        description="json (gzipped JSON Lines), or parquet (needs druid-parquet-extensions).",
    )
    workers: int = Field(
        default=1,
        ge=1,
        description="Workers of Druid that load one day at once, where it has several parts of four million rows. They "
        "come beside the worker of the day's task: keep some free of such tasks by Druid's "
        "druid.indexer.runner.parallelIndexTaskSlotRatio.",
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that predictions are retained in Druid; metrics and profiles are kept. By default Druid's "
        "own rules apply.",
    )
    compaction_after_days: int | None = Field(
        default=None,
        ge=1,
        description="Age in days from which Druid compacts small segments of predictions.",
    )

    @model_validator(mode="after")
    def _compacted_before_dropped(self) -> Self:
        if self.retention_days and self.compaction_after_days and self.compaction_after_days >= self.retention_days:
            raise ValueError("compaction_after_days: must be less than retention_days")
        return self

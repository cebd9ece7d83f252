"""What a cluster must have for the way of loading that the spec asks for."""

from __future__ import annotations

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec.druid import Druid, DruidFormat, DruidIngestion, DruidInput

# In default-value mode the sum of nothing is 0.
_SUM_OF_NULLS = "SELECT SUM(CASE WHEN a > 5 THEN 1 END) AS n FROM (VALUES (1), (2)) AS t(a)"


def loses_nulls(client: DruidClient) -> str:
    """In words, that the cluster takes null for 0 and ''; empty where it tells them apart, as all do from 32 on."""
    if client.sql(_SUM_OF_NULLS)[0]["n"] is None:
        return ""
    return (
        f"The Druid at {client.base_url} runs in default-value mode: it takes null for 0 and '', "
        "so that missing values cannot be told from these there"
    )


def check_cluster(client: DruidClient, section: Druid) -> None:
    """See that Druid can do what the spec's section asks for; the defaults need nothing.

    Raises:
        ConfigError: it lacks an extension.
    """
    if section.ingestion is DruidIngestion.SQL and not client.has_sql_tasks():
        raise _lacks(client, "druid-multi-stage-query", "ingestion: sql")
    wanted = {}
    if section.input is DruidInput.S3:
        wanted["druid-s3-extensions"] = "input: s3"
    if section.format is DruidFormat.PARQUET:
        wanted["druid-parquet-extensions"] = "format: parquet"
    extensions = client.extensions() if wanted else ()
    for extension, key in wanted.items():
        if extension not in extensions:
            raise _lacks(client, extension, key)


def _lacks(client: DruidClient, extension: str, key: str) -> ConfigError:
    return ConfigError(
        f"Druid {client.status().version} at {client.base_url} has no {extension}, which `druid: {{{key}}}` needs.",
        hint="load the extension in every service of Druid, or leave the key out of the spec",
    )

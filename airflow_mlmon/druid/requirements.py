"""Requirements of a spec on the Druid cluster."""

from __future__ import annotations

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec.druid import Druid, DruidFormat, DruidIngestion, DruidInput

# In default-value mode the sum of nothing is 0.
_SUM_OF_NULLS = "SELECT SUM(CASE WHEN a > 5 THEN 1 END) AS n FROM (VALUES (1), (2)) AS t(a)"


def explain_lost_nulls(client: DruidClient) -> str:
    """Explain that the cluster reads null as 0 and ''; empty if it does not, as from version 32 on."""
    if client.sql(_SUM_OF_NULLS)[0]["n"] is None:
        return ""
    return (
        f"Druid at {client.base_url} runs in default-value mode: it reads null as 0 and '', "
        "so missing values cannot be distinguished from these"
    )


def check_cluster(client: DruidClient, section: Druid) -> None:
    """Check that the cluster has the extensions that the spec needs; the defaults need none.

    Raises:
        ConfigError: the cluster lacks an extension.
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
        hint="load the extension in every Druid service, or remove the key from the spec",
    )

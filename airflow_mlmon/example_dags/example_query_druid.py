"""Query the metrics of a model in Druid every week, through the SQL hook of Airflow's Druid provider.

The connection is the provider's own, of type *Druid*, to the broker or a router. Any operator that takes its connection
serves: a check, a transfer, a message.
"""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

MODEL = "fraud"
BROKER = "druid_broker_default"

QUERY = f"""
SELECT TIME_FORMAT(__time, 'yyyy-MM-dd') AS "day", metric, MAX("value") AS "value"
FROM {MODEL}_metrics
WHERE "column" IS NULL AND segment IS NULL AND metric IN ('rows', 'null_rate', 'roc_auc')
GROUP BY 1, 2
ORDER BY 1 DESC, 2
LIMIT 21
"""  # noqa: S608 - the name of a model holds lower-case letters, digits and underscores alone

with DAG(dag_id=f"{MODEL}_query_druid", schedule="@weekly", catchup=False, tags=["mlmon", "example"]):
    SQLExecuteQueryOperator(task_id="read_metrics", conn_id=BROKER, sql=QUERY, show_return_value_in_logs=True)

"""A day that the example service captured, in Druid."""

from __future__ import annotations

import json
from datetime import date

import pytest

from airflow_mlmon.store.metric_store import MetricStore
from include.demo.window import Window
from tests.support.served import serving

DAY = date(2013, 3, 7)
MODEL = "flights_served"
MEASURED = ("rows", "rows_errors", "error_rate", "latency_p50", "latency_p95", "attribution_ndcg")

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def test_the_metrics_of_a_served_day_are_those_of_the_store(cluster, client, tmp_path):
    connection = json.dumps({"conn_type": "mlmon_druid", "host": cluster.url})

    with serving(tmp_path, Window(first=DAY, last=DAY), AIRFLOW_CONN_MLMON_DRUID_DEFAULT=connection) as stack:
        stack.replay(DAY)
        stack.stop_service()
        stack.run_night(DAY, "--evidently", "none", "--druid")
        with MetricStore(stack.settings.store) as store:
            metrics = store.metrics(MODEL, DAY, DAY)

    found = client.sql(
        f'SELECT "metric", "value" FROM "{MODEL}_metrics" WHERE "column" IS NULL AND segment IS NULL '  # noqa: S608
        f'AND "metric" IN {MEASURED}'
    )
    assert {row["metric"]: row["value"] for row in found} == {name: metrics[DAY, name, None] for name in MEASURED}
    assert metrics[DAY, "rows_errors", None] > 0
    [served] = client.sql(f'SELECT COUNT(*) AS n, COUNT(shap_hour) AS explained FROM "{MODEL}_predictions"')  # noqa: S608
    answered = metrics[DAY, "rows", None] - metrics[DAY, "rows_errors", None]
    assert served == {"n": answered, "explained": answered}

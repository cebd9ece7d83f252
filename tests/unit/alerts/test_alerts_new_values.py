from __future__ import annotations

import pytest

from airflow_mlmon.alerts.breach import metric_alerts
from airflow_mlmon.alerts.new_values import name_new_values
from airflow_mlmon.records import Family
from tests.support.published import metric, partition, verdict

FOUND = (("Atlantis", 40), ("", 3), ("a\u202eb\n" + "x" * 100, 1))


def text_of(name: str, column: str | None = "town", **changes: object) -> str:
    found = [verdict(name, column=column, **changes), verdict("new_category_rate", column="town")]
    metrics = [metric("new_category_rate", 0.05, "town", new_values=FOUND)]
    alerts = name_new_values(metric_alerts(partition(), Family.PREDICTIONS, found), metrics)
    return next(alert.text for alert in alerts if alert.key == found[0].key)


@pytest.mark.parametrize("name", ["new_category_rate", "drift_score"])
def test_alert_of_a_column_names_its_new_values_with_their_rows(name):
    text = text_of(name)

    # 890 rows, of which 5 % are 44
    assert text.endswith(f"; new values 'Atlantis' (40 rows), '' (3 rows), 'a\\u202eb\\n{'x' * 35}…' (1 row)")


def test_title_of_the_new_categories_names_the_first_of_them():
    metrics = [metric("new_category_rate", 0.05, "town", new_values=FOUND)]
    alerts = metric_alerts(partition(), Family.PREDICTIONS, [verdict("new_category_rate", column="town")])

    [alert] = name_new_values(alerts, metrics)

    assert alert.title.startswith(f"{alerts[0].title}: new values 'Atlantis' (40 rows), '' (3 rows), ")
    assert alert.title.endswith("…")


@pytest.mark.parametrize(
    ("name", "column", "segment"),
    [
        pytest.param("null_rate", "town", None, id="other-metric"),
        pytest.param("new_category_rate", "street", None, id="other-column"),
        pytest.param("drift_score", "town", "channel=web", id="part"),
    ],
)
def test_other_alerts_name_none(name, column, segment):
    assert "new values" not in text_of(name, column, segment=segment)


def test_usual_new_values_of_an_open_column_are_not_named_beside_its_drift():
    metrics = [metric("new_category_rate", 0.05, "town", new_values=FOUND)]
    alerts = metric_alerts(partition(), Family.PREDICTIONS, [verdict("drift_score", column="town")])

    assert name_new_values(alerts, metrics) == alerts

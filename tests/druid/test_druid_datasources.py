"""How datasources live on: columns come and go, old days are dropped or joined, models stay apart."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.druid.ingestion import DimensionType
from airflow_mlmon.druid.rules import OwnRules, apply_rules, build_compaction_settings, retention_rules
from airflow_mlmon.loading import parse_spec
from tests.support.druid.bucket import COLUMNS, DAY, NEXT, datasource, load_rows, rows_of

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

SPEC = """\
model: {model}
start: 2013-03-01
reference: {{path: s3://b/reference/}}
predictions:
  path: s3://b/{{date}}/
  columns: {{id: {{type: string, role: id}}, at: {{type: timestamp, role: time}}, x: {{type: float}}}}
druid: {{retention_days: {days}, compaction_after_days: 3}}
"""


def test_a_new_feature_is_absent_in_the_days_before_it(client, bucket):
    load_rows(client, bucket, "grown", rows_of(DAY, 10))
    wider = datasource("grown", COLUMNS | {"age": DimensionType.DOUBLE})
    load_rows(client, bucket, wider, rows_of(NEXT, 4).append_column("age", [[30.5] * 4]), partition=NEXT)

    [row] = client.sql('SELECT COUNT(*) AS n, COUNT("age") AS ages, SUM("age") AS years FROM "grown"')

    assert row == {"n": 14, "ages": 4, "years": 122.0}


def test_a_dropped_feature_is_still_there_in_the_days_before(client, bucket):
    load_rows(client, bucket, "shrunk", rows_of(DAY, 10))
    narrow = datasource("shrunk", {name: kind for name, kind in COLUMNS.items() if name != "n"})
    load_rows(client, bucket, narrow, rows_of(NEXT, 4).drop_columns(["n"]), partition=NEXT)

    [row] = client.sql('SELECT COUNT(*) AS n, COUNT("n") AS numbers, SUM("n") AS total FROM "shrunk"')

    assert row == {"n": 14, "numbers": 10, "total": 45}


def test_a_widened_type_loses_no_digit_of_either_day(client, bucket):
    load_rows(client, bucket, "widened", rows_of(DAY, 10))
    wide = datasource("widened", COLUMNS | {"n": DimensionType.DOUBLE})
    halves = rows_of(NEXT, 4).set_column(3, "n", pa.array([0.5, 1.5, 2.5, 3.5]))
    load_rows(client, bucket, wide, halves, partition=NEXT)

    query = 'SELECT SUM("n") AS total, MAX("n") AS top FROM "widened" WHERE __time >= ? AND __time < ?'
    by_day = [client.sql(query, [day.start, day.end]) for day in (DAY, NEXT)]

    assert by_day == [[{"total": 45.0, "top": 9.0}], [{"total": 8.0, "top": 3.5}]]
    assert client.sql('SELECT SUM("n") AS total FROM "widened"') == [{"total": 53.0}]


def test_the_same_day_can_be_loaded_anew_with_a_wider_type(client, bucket):
    load_rows(client, bucket, "retyped", rows_of(DAY, 10))
    wide = datasource("retyped", COLUMNS | {"n": DimensionType.DOUBLE})
    load_rows(client, bucket, wide, rows_of(DAY, 1).set_column(3, "n", pa.array([0.5])), version="v2")

    assert client.sql('SELECT "n" FROM "retyped"') == [{"n": 0.5}]


def test_redoing_a_day_of_one_model_leaves_the_others_in_the_union(client, bucket):
    # Druid plans a union of plain scans, or of whole queries as here
    query = (
        "SELECT 'a' AS model, COUNT(*) AS n, SUM(score) AS s FROM union_a "
        "UNION ALL SELECT 'b' AS model, COUNT(*) AS n, SUM(score) AS s FROM union_b"
    )
    for name in ("union_a", "union_b"):
        load_rows(client, bucket, name, rows_of(DAY, 40))
    before = client.sql(query)

    load_rows(client, bucket, "union_a", rows_of(DAY, 30, score=0.25), version="v2")

    assert before == [{"model": "a", "n": 40, "s": 20.0}, {"model": "b", "n": 40, "s": 20.0}]
    assert client.sql(query) == [{"model": "a", "n": 30, "s": 7.5}, {"model": "b", "n": 40, "s": 20.0}]


def test_retention_and_compaction_are_set_once_and_changed_with_the_spec(client):
    def told(days):
        apply_rules(client, parse_spec(SPEC.format(model="ruled", days=days), "ruled.yaml"), OwnRules())
        return client.retention_rules("ruled_predictions"), client.compaction("ruled_predictions")

    rules, compaction = told(90)
    again = told(90)
    changed, _ = told(30)

    assert again == (rules, compaction)
    assert [rule["type"] for rule in rules] == ["loadByPeriod", "dropForever"]
    assert (rules[0]["period"], changed[0]["period"]) == ("P90D", "P30D")
    assert compaction["skipOffsetFromLatest"] == "P3D"
    assert compaction["granularitySpec"]["segmentGranularity"] == "DAY"


def test_rules_that_the_spec_drops_are_taken_back(client):
    name = "dropped_predictions"
    own = apply_rules(client, parse_spec(SPEC.format(model="dropped", days=90), "dropped.yaml"), OwnRules())
    assert (len(client.retention_rules(name)), client.compaction(name)["skipOffsetFromLatest"]) == (2, "P3D")

    left = apply_rules(client, without_rules("dropped"), own)

    assert (client.retention_rules(name), client.compaction(name)) == ([], None)
    assert left == apply_rules(client, without_rules("dropped"), left) == OwnRules()


def test_rules_of_others_are_never_taken_back(client):
    spec = parse_spec(SPEC.format(model="foreign", days=90), "foreign.yaml")
    client.set_retention_rules("foreign_predictions", retention_rules(90))
    own = apply_rules(client, spec, OwnRules())
    changed = build_compaction_settings("foreign_predictions", 7, "UTC")
    client.set_compaction(changed)

    apply_rules(client, without_rules("foreign"), own)

    assert len(client.retention_rules("foreign_predictions")) == 2
    assert client.compaction("foreign_predictions")["skipOffsetFromLatest"] == "P7D"


def without_rules(model):
    return parse_spec(SPEC.format(model=model, days=90).partition("druid:")[0], f"{model}.yaml")


def test_rules_that_druid_has_already_are_not_written_again(cluster, client):
    spec = parse_spec(SPEC.format(model="still", days=60), "still.yaml")
    apply_rules(client, spec, OwnRules())
    before = written(client, "still_predictions")

    apply_rules(client, spec, OwnRules())

    assert written(client, "still_predictions") == before


def written(client, datasource):
    """How often the coordinator was told rules, and how to compact."""
    rules = client._transport.send("GET", f"/druid/coordinator/v1/rules/{datasource}/history?count=9").data
    compaction = client._transport.send("GET", f"/druid/coordinator/v1/config/compaction/{datasource}/history").data
    return len(rules), len(compaction)
